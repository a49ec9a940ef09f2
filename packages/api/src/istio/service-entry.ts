import type * as z from 'zod/mini';
import { objectSchema } from '../kubernetes/metadata.ts';
import { isDnsLabel, isHost, isIp, isIpOrCidr, isWildcardHost } from '../names.ts';
import { checked, forEachRepeated, object, optional, type Report, required } from '../schema/field.ts';
import * as v from '../schema/values.ts';
import { isPlainTcp, namesItsHost, portProtocol } from './port-protocol.ts';
import { checkExportTo, exportTo } from './visibility.ts';
import { checkWorkloadEntry, isUnixAddress, workloadEntryFields } from './workload-entry.ts';

// Istio's bounds; an API server adds up what checking the lists could cost.
const MAX_HOSTS = 256;
const MAX_ADDRESSES = 256;
const MAX_PORTS = 256;
const MAX_ENDPOINTS = 4096;

const RESOLUTIONS = ['NONE', 'STATIC', 'DNS', 'DNS_ROUND_ROBIN', 'DYNAMIC_DNS'] as const;

const servicePort = object({
  number: required(v.port(), 'Port under which callers reach the service.'),
  name: required(
    v.syntax(isDnsLabel, "the name of a port: at most 63 of a-z, 0-9 and '-'"),
    'Name of the port, unique in the ServiceEntry.',
  ),
  protocol: optional(
    portProtocol,
    'Protocol spoken on the port: HTTP, HTTPS, HTTP2, GRPC, GRPC-WEB, TLS, TCP, MONGO, REDIS or MYSQL. Detected if it is left out. The last three are passed on as TCP.',
  ),
  targetPort: optional(v.int(0, 65_535), 'Port of the endpoints; the same as `number` if it is left out or 0.'),
});

const endpoint = object(workloadEntryFields, { rules: checkWorkloadEntry });

const host = checked(v.text(), (value) => {
  if (value === '*') return "must not be '*': give the part of the name that stays the same, as in *.example.com";
  return isWildcardHost(value) ? undefined : `must be a host name, or *.example.com, not ${v.quote(value)}`;
});

const serviceEntrySpec = object(
  {
    hosts: required(
      checked(v.nonEmptyArray(host), (hosts) =>
        hosts.length > MAX_HOSTS ? `must have at most ${MAX_HOSTS} elements, not ${hosts.length}` : undefined,
      ),
      'Names of the service, taken as they are: short names are not completed. HTTP is matched by the Host header, TLS by SNI.',
    ),
    addresses: optional(
      v.arrayUpTo(
        MAX_ADDRESSES,
        v.syntax(isIpOrCidr, 'an IP address such as 10.1.2.3, or a subnet such as 10.1.0.0/16'),
      ),
      'Addresses that callers connect to. With subnets, only for the resolutions NONE and STATIC; they have an effect where connections are redirected to the sidecar, not on one machine. Without them, HTTP and TLS are told by their hosts, and an address is allocated for each host.',
    ),
    ports: optional(v.arrayUpTo(MAX_PORTS, servicePort), 'Ports of the service.'),
    location: optional(
      v.oneOf(['MESH_EXTERNAL', 'MESH_INTERNAL']),
      'Whether the workloads belong to the mesh, and so have its identities and mutual TLS. MESH_EXTERNAL, the default: they do not.',
    ),
    resolution: optional(
      v.oneOf(RESOLUTIONS),
      'How an address is found. NONE, the default: the one that the caller connected to. STATIC: the endpoints. DNS: all addresses of the hosts (or of the endpoints that are names), looked up again and again. DNS_ROUND_ROBIN: the first of them. DYNAMIC_DNS: those of the very name that is asked for; for wildcard hosts.',
    ),
    endpoints: optional(v.arrayUpTo(MAX_ENDPOINTS, endpoint), 'The workloads behind the service.'),
    workloadSelector: optional(
      object({ labels: optional(v.labels(), 'A workload is selected when it has all of these labels.') }),
      'Selects pods and WorkloadEntries of the namespace as endpoints.',
    ),
    exportTo: optional(
      exportTo,
      "Namespaces that see the service: '*' (the default) for all, '.' for its own, '~' for none, or names.",
    ),
    subjectAltNames: optional(
      v.array(v.nonEmpty()),
      'The certificate of the server must have one of these names, where the sidecar calls it by TLS.',
    ),
  },
  {
    rules(spec, report) {
      checkExportTo(spec.exportTo, report, { nobody: true });
      checkPorts(spec, report);
      checkEndpoints(spec, report);
      checkResolution(spec, report);
    },
    advice(spec, report) {
      const { ports = [], addresses = [], hosts, resolution = 'NONE', workloadSelector } = spec;
      if (ports.length === 0) report('has no ports, so nothing is served', ['ports']);
      if (workloadSelector !== undefined && Object.keys(workloadSelector.labels ?? {}).length === 0) {
        report('has no labels, so it selects every workload of the namespace', ['workloadSelector']);
      }
      if (workloadSelector !== undefined && resolution === 'NONE') {
        report('has no effect with the resolution NONE, which takes the address of the caller', ['workloadSelector']);
      }
      ports.forEach(({ protocol = '', targetPort = 0 }, index) => {
        if (resolution === 'NONE' && targetPort !== 0) {
          report('has no effect with the resolution NONE, which takes the port of the caller', [
            'ports',
            index,
            'targetPort',
          ]);
        }
        const named = hosts.length === 1 && !hosts[0]?.startsWith('*');
        if (addresses.length === 0 && isPlainTcp(protocol) && !named) {
          report('cannot tell TCP connections apart without addresses: every connection to this port is taken', [
            'ports',
            index,
          ]);
        }
      });
    },
  },
);

type Spec = z.infer<typeof serviceEntrySpec>;

function checkPorts({ ports = [], hosts, resolution = 'NONE' }: Spec, report: Report): void {
  forEachRepeated(
    ports,
    ({ name }) => name,
    ({ name }, index) => report(`the port name ${name} is used twice`, ['ports', index, 'name']),
  );
  forEachRepeated(
    ports,
    ({ number }) => String(number),
    ({ number }, index) => report(`the port ${number} is listed twice`, ['ports', index, 'number']),
  );
  forEachRepeated(
    hosts,
    (each) => each,
    (each, index) => report(`the host ${each} is listed twice`, ['hosts', index]),
  );
  if (resolution === 'NONE' || hosts.length < 2) return;
  const mixed = ports.findIndex(({ protocol = '' }) => !namesItsHost(protocol));
  if (mixed === -1) return;
  report('must be HTTP or TLS: on other ports nothing tells the hosts apart; make a ServiceEntry for each host', [
    'ports',
    mixed,
    'protocol',
  ]);
}

function checkEndpoints({ endpoints = [], ports = [], workloadSelector, resolution = 'NONE' }: Spec, report: Report) {
  if (endpoints.length > 0 && workloadSelector !== undefined) {
    report('endpoints and workloadSelector exclude each other', ['workloadSelector']);
  }
  endpoints.forEach(({ address = '', ports: own = {} }, index) => {
    const path = ['endpoints', index, 'address'];
    for (const name of Object.keys(own)) {
      if (!ports.some((port) => port.name === name)) {
        report(`the ServiceEntry has no port of this name`, ['endpoints', index, 'ports', name]);
      }
    }
    if (isUnixAddress(address)) {
      if (resolution !== 'STATIC') report('needs the resolution STATIC: it is a Unix socket', path);
      if (ports.length !== 1) report('a Unix socket needs a ServiceEntry with exactly one port', path);
    } else if (resolution === 'STATIC' && address !== '' && !isIp(address)) {
      report(`must be an IP address with the resolution STATIC; for names use the resolution DNS`, path);
    }
  });
}

function checkResolution(spec: Spec, report: Report): void {
  const { hosts, addresses = [], endpoints = [], ports = [], workloadSelector, resolution = 'NONE' } = spec;
  addresses.forEach((address, index) => {
    if (address.includes('/') && resolution !== 'NONE' && resolution !== 'STATIC') {
      report('subnets are for the resolutions NONE and STATIC', ['addresses', index]);
    }
  });
  switch (resolution) {
    case 'NONE':
      if (endpoints.length > 0) report('must not be set with the resolution NONE, the default', ['endpoints']);
      break;
    case 'STATIC':
      if (endpoints.length === 0 && workloadSelector === undefined) {
        report('the resolution STATIC needs endpoints or a workloadSelector', ['resolution']);
      }
      break;
    case 'DNS':
    case 'DNS_ROUND_ROBIN':
      if (resolution === 'DNS_ROUND_ROBIN' && endpoints.length > 1) {
        report('must have at most one element with the resolution DNS_ROUND_ROBIN', ['endpoints']);
      }
      if (endpoints.length > 0 || workloadSelector !== undefined) break;
      hosts.forEach((each, index) => {
        if (isHost(each)) return;
        report(`a wildcard cannot be looked up with the resolution ${resolution}: give endpoints, or use DYNAMIC_DNS`, [
          'hosts',
          index,
        ]);
      });
      break;
    case 'DYNAMIC_DNS':
      hosts.forEach((each, index) => {
        if (each.startsWith('*')) return;
        report('must be a wildcard with the resolution DYNAMIC_DNS; for a single name use DNS', ['hosts', index]);
      });
      if (endpoints.length > 0) report('must not be set with the resolution DYNAMIC_DNS', ['endpoints']);
      if (workloadSelector !== undefined) {
        report('must not be set with the resolution DYNAMIC_DNS', ['workloadSelector']);
      }
      ports.forEach(({ number, protocol = '', targetPort = 0 }, index) => {
        if (targetPort !== 0 && targetPort !== number) {
          report('must not be another port with the resolution DYNAMIC_DNS: the call says which', [
            'ports',
            index,
            'targetPort',
          ]);
        }
        if (!isPlainTcp(protocol)) return;
        report('must be HTTP or TLS: the resolution DYNAMIC_DNS takes the name from the request or the handshake', [
          'ports',
          index,
          'protocol',
        ]);
      });
  }
}

export const serviceEntry = objectSchema('networking.istio.io/v1', 'ServiceEntry', serviceEntrySpec);

export type ServiceEntry = z.infer<typeof serviceEntry>;
