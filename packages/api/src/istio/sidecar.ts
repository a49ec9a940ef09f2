import type * as z from 'zod/mini';
import { objectSchema } from '../kubernetes/metadata.ts';
import { isDnsLabel, isIp, isWildcardHost } from '../names.ts';
import {
  checked,
  clusterOnly,
  forEachRepeated,
  later,
  object,
  optional,
  type Report,
  required,
} from '../schema/field.ts';
import * as v from '../schema/values.ts';
import { destination } from './common.ts';
import { connectionPool } from './connection-pool.ts';
import { portProtocol } from './port-protocol.ts';
import { serverTls } from './server-tls.ts';
import { isUnixAddress, unixAddressProblem } from './workload-entry.ts';

const NO_CAPTURE = 'on one machine nothing is redirected: callers connect to the listener';

const captureMode = v.oneOf(['DEFAULT', 'IPTABLES', 'NONE']);

const portFields = {
  protocol: optional(
    portProtocol,
    'Protocol spoken on the port: HTTP, HTTPS, HTTP2, GRPC, GRPC-WEB, TLS, TCP, MONGO, REDIS or MYSQL. Detected if it is left out.',
  ),
  name: optional(
    v.syntax((value) => value === '' || isDnsLabel(value), "the name of a port: at most 63 of a-z, 0-9 and '-'"),
    'Name of the port.',
  ),
  targetPort: later(v.uint32(), 'a deprecated field', [0]),
};

const bind = checked(v.text(), (value) => {
  if (isUnixAddress(value)) return unixAddressProblem(value);
  return value === '' || isIp(value)
    ? undefined
    : `must be an IP address, or unix:// with the path of a socket, not ${v.quote(value)}`;
});

const defaultEndpoint = checked(v.text(), (value) => {
  if (value === '') return undefined;
  if (isUnixAddress(value)) return unixAddressProblem(value);
  const port = /^(?:127\.0\.0\.1|0\.0\.0\.0|\[::1\]|\[::\])?:([1-9]\d{0,4})$/.exec(value)?.[1];
  return port !== undefined && Number(port) <= 65_535
    ? undefined
    : `must be 127.0.0.1:PORT, 0.0.0.0:PORT, [::1]:PORT, [::]:PORT or unix:// with a path, not ${v.quote(value)}`;
});

const ingressListener = object(
  {
    port: required(
      object({ number: required(v.port(), 'Port of the workload that callers use.'), ...portFields }),
      'Port of the listener.',
    ),
    bind: optional(
      checked(v.text(), (value) =>
        value === '' || isIp(value) ? undefined : `must be an IP address, not ${v.quote(value)}`,
      ),
      "Address to listen on; the workload's by default.",
    ),
    captureMode: clusterOnly(captureMode, NO_CAPTURE),
    defaultEndpoint: optional(
      defaultEndpoint,
      'Where the application listens: 127.0.0.1:PORT, [::1]:PORT, 0.0.0.0:PORT or [::]:PORT (the address of the workload), or unix:// with the path of a socket. The same port by default.',
    ),
    tls: optional(
      serverTls,
      'TLS from callers that do not belong to the mesh. Only while mutual TLS is off for the port.',
    ),
    connectionPool: optional(connectionPool, 'Limits on connections to the application at this port.'),
  },
  {
    rules({ tls, port: { protocol = '' } }, report) {
      if (tls === undefined) return;
      if (!['HTTPS', 'TLS'].includes(protocol.toUpperCase())) {
        report('needs a port of the protocol HTTPS or TLS', ['tls']);
      }
      if (tls.mode === 'ISTIO_MUTUAL' || tls.mode === 'AUTO_PASSTHROUGH') {
        report(`must not be ${tls.mode} in a Sidecar`, ['tls', 'mode']);
      }
      for (const name of ['httpsRedirect', 'credentialName', 'credentialNames', 'caCertCredentialName'] as const) {
        if (isSet(tls[name])) report('is for Gateways only: a Sidecar takes certificates from files', ['tls', name]);
      }
      if (isSet(tls.subjectAltNames)) report('is for Gateways only', ['tls', 'subjectAltNames']);
    },
  },
);

function isSet(value: unknown): boolean {
  return value !== undefined && value !== false && value !== '' && !(Array.isArray(value) && value.length === 0);
}

const egressHost = v.syntax(
  isEgressHost,
  "NAMESPACE/HOST, where NAMESPACE may be '*', '.' (its own) or '~' (none) and HOST may be '*' or *.example.com",
);

function isEgressHost(value: string): boolean {
  const slash = value.indexOf('/');
  if (slash === -1) return false;
  const namespace = value.slice(0, slash);
  return (['*', '.', '~'].includes(namespace) || isDnsLabel(namespace)) && isWildcardHost(value.slice(slash + 1));
}

const egressListener = object(
  {
    port: optional(
      object({
        number: optional(v.int(0, 65_535), 'Port to listen on; 0 with a Unix socket as `bind`.'),
        ...portFields,
      }),
      'Port of the listener. Without it, the listener stands for every port of the hosts that no other listener has.',
    ),
    bind: optional(
      bind,
      'Address to listen on, or unix:// with the path of a socket. By default what the services of the port need.',
    ),
    captureMode: optional(
      captureMode,
      'NONE: applications connect to the listener themselves, at `bind` or else 127.0.0.1. Otherwise what is called anyway comes to it.',
    ),
    hosts: required(
      v.nonEmptyArray(egressHost),
      "Services that workloads may call, as NAMESPACE/HOST: './*' for those of the namespace, '*/*' for all, '~/*' for none.",
    ),
  },
  {
    rules({ port, bind: at = '' }, report) {
      if (port === undefined) {
        if (at !== '') report('needs a port', ['bind']);
        return;
      }
      const isSocket = isUnixAddress(at);
      if ((port.number ?? 0) === 0 && !isSocket) {
        report('must be set, unless bind is unix:// with the path of a socket', ['port', 'number']);
      }
      if ((port.number ?? 0) !== 0 && isSocket) report('must be an IP address: the port has a number', ['bind']);
    },
    advice({ hosts }, report) {
      forEachRepeated(
        hosts,
        (host) => host,
        (host, index) => report(`${v.quote(host)} is listed twice`, ['hosts', index]),
      );
    },
  },
);

const outboundTrafficPolicy = object(
  {
    mode: optional(
      v.oneOf(['REGISTRY_ONLY', 'ALLOW_ANY']),
      'What becomes of calls to hosts that the mesh does not know. REGISTRY_ONLY (the default of this field): they fail. ALLOW_ANY: they go where the caller wants.',
    ),
    egressProxy: optional(
      destination,
      'With ALLOW_ANY: sends such calls to this service, and not straight to their host.',
    ),
  },
  {
    rules({ mode, egressProxy }, report) {
      if (egressProxy === undefined) return;
      if (mode !== 'ALLOW_ANY') report('needs the mode ALLOW_ANY', ['egressProxy']);
      if (egressProxy.port === undefined) report('needs a port', ['egressProxy', 'port']);
    },
  },
);

const sidecarSpec = object(
  {
    workloadSelector: optional(
      object({ labels: optional(v.labels(), 'A workload is selected when its pod has all of these labels.') }),
      'Workloads that it is for. Without it: all of the namespace; in the root namespace (istio-system): all of the mesh.',
    ),
    ingress: optional(
      v.array(ingressListener),
      'Listeners for calls to the workload. Without it, one for each port of its Services.',
    ),
    egress: optional(
      v.array(egressListener),
      'Listeners for calls by the workload, and the services that they know. Without it, as the next wider Sidecar says, or all services.',
    ),
    inboundConnectionPool: optional(
      connectionPool,
      'Limits on connections to the application, for ports without their own.',
    ),
    outboundTrafficPolicy: optional(
      outboundTrafficPolicy,
      'What becomes of calls to hosts that the mesh does not know.',
    ),
  },
  {
    rules(spec, report) {
      const { ingress = [], egress = [], inboundConnectionPool, outboundTrafficPolicy: policy } = spec;
      if (ingress.length === 0 && egress.length === 0 && inboundConnectionPool === undefined && policy === undefined) {
        report('must set at least one of ingress, egress, inboundConnectionPool or outboundTrafficPolicy');
      }
      forEachRepeated(
        ingress,
        ({ port }) => String(port.number),
        ({ port }, index) =>
          report(`the port ${port.number} has a listener already`, ['ingress', index, 'port', 'number']),
      );
      checkEgress(egress, report);
    },
    advice({ workloadSelector }, report) {
      if (workloadSelector !== undefined && Object.keys(workloadSelector.labels ?? {}).length === 0) {
        report('has no labels, so it selects every workload', ['workloadSelector']);
      }
    },
  },
);

function checkEgress(egress: readonly z.infer<typeof egressListener>[], report: Report): void {
  egress.forEach(({ port }, index) => {
    if (port === undefined && index < egress.length - 1) {
      report('a listener without port stands for all other ports, so it must be the last one', ['egress', index]);
    }
  });
  forEachRepeated(
    egress,
    ({ port, bind: at }) => (port === undefined ? undefined : port.number ? String(port.number) : at),
    ({ port, bind: at }, index) =>
      report(`${port?.number ? `the port ${port.number}` : `the socket ${at}`} has a listener already`, [
        'egress',
        index,
        ...(port?.number ? ['port', 'number'] : ['bind']),
      ]),
  );
}

export const sidecar = objectSchema('networking.istio.io/v1', 'Sidecar', sidecarSpec);

export type Sidecar = z.infer<typeof sidecar>;
