import type * as z from 'zod/mini';
import { durationMs } from '../duration.ts';
import { checked, clusterOnly, later, object, optional, type Report } from '../schema/field.ts';
import * as v from '../schema/values.ts';
import { tcpKeepalive } from './connection-pool.ts';
import { localityLbSetting } from './load-balancer.ts';
import { proxyDefaults } from './mesh-config-proxy.ts';
import { httpRetry } from './virtual-service-http.ts';
import { checkExportTo, exportTo } from './visibility.ts';

/** Where the configuration of the mesh stands: in this key of this ConfigMap, as YAML. */
export const MESH_CONFIG = { namespace: 'istio-system', name: 'istio', key: 'mesh' } as const;

const TELEMETRY = 'telemetry';
const TRACING = 'tracing';
const CERTIFICATES = 'certificate authorities of others';
const ONE_CLUSTER = 'calls stay in the cluster anyway: there is only one';
const HOUR_MS = 3_600_000;

const upToAnHour = checked(v.duration(), (value) =>
  (durationMs(value) ?? 0) <= HOUR_MS ? undefined : `must be at most 1h, not ${v.quote(value)}`,
);
const zeroToAnHour = checked(v.durationOrZero(), (value) =>
  (durationMs(value) ?? 0) <= HOUR_MS ? undefined : `must be at most 1h, not ${v.quote(value)}`,
);

const labelSelector = object({
  matchLabels: optional(v.labels(), 'All of these labels must be there.'),
  matchExpressions: optional(
    v.array(
      object(
        {
          key: optional(v.text(), 'Key of the label.'),
          operator: optional(v.oneOf(['In', 'NotIn', 'Exists', 'DoesNotExist']), 'What must hold.'),
          values: optional(v.array(v.text()), 'Values for In and NotIn.'),
        },
        {
          rules({ key, operator, values = [] }, report) {
            if (!key) report('is required', ['key']);
            if (operator === undefined) report('is required', ['operator']);
            const compares = operator === 'In' || operator === 'NotIn';
            if (compares && values.length === 0) report(`must have at least one element with ${operator}`, ['values']);
            if (operator !== undefined && !compares && values.length > 0) {
              report(`must not be set with ${operator}`, ['values']);
            }
          },
        },
      ),
    ),
    'All of these must hold.',
  ),
});

const tlsConfig = object({
  minProtocolVersion: optional(
    v.oneOf(['TLS_AUTO', 'TLSV1_2', 'TLSV1_3']),
    'Lowest version of TLS; TLS_AUTO means TLSV1_2.',
  ),
  ecdhCurves: optional(
    v.array(v.oneOf(['P-256', 'P-384', 'P-521', 'X25519', 'X25519MLKEM768'])),
    'Curves for the exchange of keys.',
  ),
  cipherSuites: optional(v.array(v.nonEmpty()), 'Ciphers for TLS 1.2, as Envoy names them.'),
});

const clusterLocalHost = v.syntax(
  (value) => value === '*' || /^(\*\.)?[-a-z0-9_.]+$/.test(value),
  'a host name, *.NAMESPACE.svc.cluster.local or *',
);

export const meshConfig = object(
  {
    outboundTrafficPolicy: optional(
      object({
        mode: optional(
          v.oneOf(['REGISTRY_ONLY', 'ALLOW_ANY']),
          'REGISTRY_ONLY: calls to hosts that the mesh does not know fail. ALLOW_ANY: they go where the caller wants.',
        ),
      }),
      'What becomes of calls to hosts that the mesh does not know; ALLOW_ANY by default.',
    ),
    inboundTrafficPolicy: optional(
      object({
        mode: optional(
          v.oneOf(['PASSTHROUGH', 'LOCALHOST']),
          'PASSTHROUGH: to the address of the workload. LOCALHOST: to 127.0.0.1.',
        ),
      }),
      'Where sidecars meet their application.',
    ),
    connectTimeout: optional(upToAnHour, 'Time to connect to another workload; 10s by default.'),
    protocolDetectionTimeout: optional(
      zeroToAnHour,
      'How long to wait for the first bytes of a connection to detect its protocol; 0s, the default, waits for them.',
    ),
    dnsRefreshRate: optional(
      upToAnHour,
      'How often names are looked up again where DNS does not say how long an answer holds, and after failures; 60s by default.',
    ),
    tcpKeepalive: optional(tcpKeepalive, 'Keep-alive of connections to other workloads.'),
    defaultHttpRetryPolicy: optional(
      httpRetry,
      'Retries of HTTP rules that say nothing of them. `attempts: 0` for none.',
    ),
    defaultServiceExportTo: optional(exportTo, 'Who sees Services and ServiceEntries that say nothing of it.'),
    defaultVirtualServiceExportTo: optional(exportTo, 'Who sees VirtualServices that say nothing of it.'),
    defaultDestinationRuleExportTo: optional(exportTo, 'Who sees DestinationRules that say nothing of it.'),
    localityLbSetting: optional(
      localityLbSetting,
      'Load balancing by locality, for DestinationRules that say nothing of it.',
    ),
    ingressClass: optional(v.text(), 'Class of the Ingresses that are served; istio by default.'),
    ingressControllerMode: optional(
      v.oneOf(['UNSPECIFIED', 'OFF', 'DEFAULT', 'STRICT']),
      'OFF: no Ingresses. STRICT, the default: those of the class. DEFAULT: also those without a class.',
    ),
    ingressSelector: optional(
      v.text(),
      'Ingresses are served by gateways whose label istio has this value; ingressgateway by default.',
    ),
    ingressService: optional(
      v.text(),
      'Service of the gateways that serve Ingresses; istio-ingressgateway by default.',
    ),
    enableAutoMtls: optional(
      v.bool(),
      'Calls between workloads of the mesh use mutual TLS by themselves. True by default.',
    ),
    h2UpgradePolicy: optional(
      v.oneOf(['DO_NOT_UPGRADE', 'UPGRADE']),
      'Whether HTTP/1.1 between sidecars becomes HTTP/2, for DestinationRules that say nothing of it. By default it does where connections are not limited.',
    ),
    pathNormalization: optional(
      object({
        normalization: optional(
          v.oneOf(['DEFAULT', 'NONE', 'BASE', 'MERGE_SLASHES', 'DECODE_AND_MERGE_SLASHES']),
          'NONE: not at all. BASE, the default: RFC 3986. MERGE_SLASHES: also // to /. DECODE_AND_MERGE_SLASHES: also %2F, %5C.',
        ),
      }),
      'How paths are normalized before anything looks at them.',
    ),
    meshMTLS: optional(tlsConfig, 'TLS between workloads of the mesh; TLS 1.3 where it says nothing.'),
    tlsDefaults: optional(tlsConfig, 'TLS with others, where nothing else is said.'),
    serviceSettings: clusterOnly(
      v.array(
        object({
          settings: optional(
            object({ clusterLocal: optional(v.bool(), 'Calls stay in the cluster of the caller.') }),
            'What holds for them.',
          ),
          hosts: optional(v.array(clusterLocalHost), 'Services that it holds for.'),
        }),
      ),
      ONE_CLUSTER,
    ),
    serviceScopeConfigs: clusterOnly(
      v.array(
        object({
          namespaceSelector: optional(labelSelector, 'Namespaces that it holds for.'),
          servicesSelector: optional(labelSelector, 'Services that it holds for.'),
          scope: optional(v.oneOf(['LOCAL', 'GLOBAL']), 'LOCAL: calls stay in the cluster of the caller.'),
        }),
      ),
      ONE_CLUSTER,
    ),
    discoverySelectors: optional(
      v.array(labelSelector),
      'Namespaces whose objects count: those that one of these selects, and the root namespace. All by default.',
    ),
    proxyListenPort: optional(v.port(), 'Port that outbound connections are redirected to; 15001 by default.'),
    proxyInboundListenPort: optional(v.port(), 'Port that inbound connections are redirected to; 15006 by default.'),
    proxyHttpPort: optional(
      v.int(0, 65_535),
      'Port of the HTTP proxy of sidecars whose connections are redirected; 0, the default, for none.',
    ),
    defaultConfig: optional(proxyDefaults, 'Settings of proxies.'),
    rootNamespace: later(v.text(), 'other root namespaces than istio-system', ['istio-system', '']),
    trustDomain: later(v.text(), 'other trust domains than cluster.local', ['cluster.local', '']),
    trustDomainAliases: later(v.array(v.text()), 'several trust domains'),
    caCertificates: later(v.array(v.anyObject()), CERTIFICATES),
    certificates: later(v.array(v.anyObject()), CERTIFICATES),
    ca: later(v.anyObject(), CERTIFICATES),
    verifyCertificateAtClient: later(v.bool(), 'checks of certificates against those of the operating system', [true]),
    configSources: later(
      v.array(
        object({
          address: optional(v.text(), 'Address of the source.'),
          tlsSettings: optional(v.anyObject(), 'TLS to it.'),
          subscribedResources: optional(v.array(v.text()), 'What it has.'),
        }),
      ),
      'other sources of configuration',
    ),
    extensionProviders: later(v.array(v.anyObject()), 'telemetry, authorization and other extensions'),
    defaultProviders: later(v.anyObject(), TELEMETRY),
    enableTracing: later(v.bool(), TRACING),
    accessLogFile: later(v.text(), TELEMETRY, ['']),
    accessLogFormat: later(v.text(), TELEMETRY, ['']),
    accessLogEncoding: later(v.oneOf(['TEXT', 'JSON']), TELEMETRY, ['TEXT']),
    enableEnvoyAccessLogService: later(v.bool(), TELEMETRY),
    disableEnvoyListenerLog: later(v.bool(), TELEMETRY),
    inboundClusterStatName: later(v.text(), TELEMETRY, ['']),
    outboundClusterStatName: later(v.text(), TELEMETRY, ['']),
    // Every file of Istio's sets it; there is no endpoint of metrics to merge with yet.
    enablePrometheusMerge: later(v.bool(), TELEMETRY, [true]),
    serviceEntryVisibility: later(v.anything(), 'visibility of ServiceEntries for the whole mesh'),
    connectionSettings: later(v.anyObject(), 'hardening of connections'),
  },
  { rules: checkMeshConfig },
);

type Checked = {
  readonly defaultServiceExportTo?: readonly string[];
  readonly defaultVirtualServiceExportTo?: readonly string[];
  readonly defaultDestinationRuleExportTo?: readonly string[];
  readonly meshMTLS?: { readonly ecdhCurves?: readonly string[] };
  readonly proxyListenPort?: number;
  readonly proxyInboundListenPort?: number;
};

function checkMeshConfig(values: Checked, report: Report): void {
  for (const name of [
    'defaultServiceExportTo',
    'defaultVirtualServiceExportTo',
    'defaultDestinationRuleExportTo',
  ] as const) {
    const underName: Report = (message, [, ...path] = []) => report(message, [name, ...path]);
    checkExportTo(values[name], underName, { nobody: name === 'defaultServiceExportTo' });
  }
  if ((values.meshMTLS?.ecdhCurves ?? []).length > 0) {
    report('is not for mutual TLS inside of the mesh; it belongs under tlsDefaults', ['meshMTLS', 'ecdhCurves']);
  }
  const { proxyListenPort = 15_001, proxyInboundListenPort = 15_006 } = values;
  if (proxyListenPort === proxyInboundListenPort) {
    report(`must not be ${proxyInboundListenPort} too`, ['proxyListenPort']);
  }
}

/** The fields of the mesh's configuration; what is left out has the default that its description tells. */
export type MeshConfig = z.infer<typeof meshConfig>;
