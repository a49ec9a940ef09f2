import type { ConfigObject } from '@lateen/api/kinds.ts';
import type { WorkloadInstance } from '@lateen/api/workload-instance.ts';
import fc from 'fast-check';
import { anyGatewayApiObject, WEB_GATEWAY_LABELS } from './random-gateway-api.ts';

/** Objects and instances of a small mesh, so few that they often meet. For property tests. */

/** Most things are in one, so that they meet. */
const NAMESPACES = ['default', 'default', 'default', 'other', 'istio-system'];
const APPS = ['a', 'b'];
const VERSIONS = ['v1', 'v2'];

export const namespace = fc.constantFrom(...NAMESPACES);
const app = fc.constantFrom(...APPS);
const version = fc.constantFrom(...VERSIONS);

const service = fc
  .record({
    name: app,
    namespace,
    selector: fc.constantFrom<Record<string, string>>({ app: 'a' }, { app: 'b' }, { app: 'a', version: 'v1' }, {}),
    ports: fc.uniqueArray(
      fc.record({
        port: fc.constantFrom(80, 9080),
        name: fc.constantFrom('http', 'tcp', 'grpc', 'other'),
        targetPort: fc.constantFrom<number | string>(8080, 'web', 9999),
      }),
      { selector: ({ port }) => port, minLength: 1 },
    ),
  })
  .map(({ name, namespace, selector, ports }) => object('Service', name, namespace, { selector, ports }));

/** A service that is only another name, perhaps in a circle. */
const alias = fc
  .record({
    name: app,
    namespace,
    externalName: fc.constantFrom('a.default.svc.cluster.local', 'b.other.svc.cluster.local', 'db.test', 'a.x.test'),
  })
  .map(({ name, namespace, externalName }) =>
    object('Service', name, namespace, { type: 'ExternalName', externalName }),
  );

const exportTo = fc.constantFrom<readonly string[]>([], [], [], ['.'], ['other'], ['~']);

/** Of ServiceEntries: they may be those of Services, or several of one name. */
const OUTSIDE_HOSTS = ['db.test', 'a.default.svc.cluster.local', '*.x.test'];

const address = {
  address: fc.constantFrom('10.0.0.1', '10.0.0.2', 'node.test'),
  labels: fc.constantFrom<Record<string, string>>({ app: 'a' }, { app: 'b', version: 'v1' }),
  ports: fc.constantFrom<Record<string, number>>({}, { http: 8080 }),
};

const serviceEntry = fc
  .record({
    name: fc.constantFrom('x', 'y'),
    namespace,
    hosts: fc.uniqueArray(fc.constantFrom(...OUTSIDE_HOSTS), { minLength: 1, maxLength: 2 }),
    addresses: fc.constantFrom([], [], ['10.9.0.1'], ['10.9.0.0/24']),
    ports: fc.uniqueArray(
      fc.record({
        number: fc.constantFrom(80, 443, 5432),
        name: fc.constantFrom('http', 'other'),
        protocol: fc.constantFrom('HTTP', 'TLS', 'TCP', ''),
      }),
      { selector: ({ number }) => number, minLength: 1 },
    ),
    resolution: fc.constantFrom('NONE', 'STATIC', 'DNS', 'DNS_ROUND_ROBIN', 'DYNAMIC_DNS'),
    location: fc.constantFrom('MESH_EXTERNAL', 'MESH_INTERNAL'),
    backing: fc.oneof(
      fc.constant({}),
      fc.array(fc.record(address), { minLength: 1, maxLength: 2 }).map((endpoints) => ({ endpoints })),
      fc.constantFrom({ app: 'a' }, { app: 'b', version: 'v1' }).map((labels) => ({ workloadSelector: { labels } })),
    ),
    exportTo,
  })
  .map(({ name, namespace, backing, ...spec }) => object('ServiceEntry', name, namespace, { ...spec, ...backing }));

const workloadEntry = fc
  .record({ name: fc.constantFrom('x', 'y'), namespace, ...address, serviceAccount: fc.constantFrom('one', 'two') })
  .map(({ name, namespace, ...spec }) => object('WorkloadEntry', name, namespace, spec));

const host = fc.oneof(
  app,
  fc.tuple(app, namespace).map(([name, ns]) => `${name}.${ns}.svc.cluster.local`),
  fc.constantFrom('db.test', '*.x.test'),
);

const destinationRule = fc
  .record({
    name: fc.constantFrom('x', 'y'),
    namespace,
    host,
    loadBalancer: fc.constantFrom(
      { simple: 'ROUND_ROBIN' },
      { simple: 'RANDOM' },
      { simple: 'UNSPECIFIED' },
      { localityLbSetting: { distribute: [{ from: 'eu', to: { 'eu/*': 80, us: 20 } }] } },
      { localityLbSetting: { failoverPriority: ['version'] } },
      { zoneAwareLbSetting: { minClusterSize: 1 } },
    ),
    outliers: fc.constantFrom({}, { outlierDetection: {} }),
    callers: fc.constantFrom({}, {}, { exportTo: ['.'] }, { workloadSelector: { matchLabels: { app: 'a' } } }),
    versions: fc.uniqueArray(version),
  })
  .map(({ name, namespace, host, loadBalancer, outliers, callers, versions }) =>
    object('DestinationRule', name, namespace, {
      host,
      ...callers,
      trafficPolicy: { loadBalancer, ...outliers },
      subsets: versions.map((each) => ({ name: each, labels: { version: each } })),
    }),
  );

const destination = fc
  .record({ host, subset: fc.option(version), port: fc.option(fc.constantFrom(80, 9080)) })
  .map(({ host, subset, port }) => ({
    host,
    ...(subset === null ? {} : { subset }),
    ...(port === null ? {} : { port: { number: port } }),
  }));

const match = fc.constantFrom<readonly object[]>(
  [],
  [{ uri: { prefix: '/x' } }],
  [{ headers: { user: { exact: 'jason' } } }, { method: {} }],
  [{ sourceLabels: { version: 'v1' } }],
  [{ sourceNamespace: 'other' }, { gateways: ['front'] }],
  [{ port: 80 }],
);

const rule = fc.record({
  match,
  route: fc.array(fc.record({ destination, weight: fc.nat(2) }), { minLength: 1, maxLength: 2 }),
});

const delegatingRule = fc.record({
  match,
  delegate: fc.record({ name: fc.constantFrom('part', 'x'), namespace }),
});

const virtualService = fc
  .record({
    name: fc.constantFrom('x', 'y'),
    namespace,
    hosts: fc.uniqueArray(fc.oneof(host, fc.constantFrom('shop.example.com', '*.example.com')), { minLength: 1 }),
    gateways: fc.constantFrom([], ['mesh'], ['front'], ['mesh', 'default/front']),
    http: fc.array(fc.oneof({ weight: 3, arbitrary: rule }, delegatingRule), { minLength: 1, maxLength: 2 }),
    exportTo: fc.constantFrom<string[]>([], [], [], ['.'], ['other']),
  })
  .map(({ name, namespace, ...spec }) => object('VirtualService', name, namespace, spec));

const connectionRoute = fc.array(fc.record({ destination, weight: fc.nat(2) }), { minLength: 1, maxLength: 2 });

/** Rules for connections, by server name or by address. */
const connectionRules = fc
  .record({
    name: fc.constantFrom('connections', 'more-connections'),
    namespace,
    hosts: fc.uniqueArray(fc.oneof(host, fc.constantFrom('shop.example.com')), { minLength: 1 }),
    gateways: fc.constantFrom([], ['front'], ['mesh', 'default/front']),
    tls: fc.array(
      fc.record({
        match: fc.constantFrom(
          [{ sniHosts: ['db.test'] }],
          [{ sniHosts: ['*.x.test'], port: 443 }, { sniHosts: ['shop.example.com'] }],
          [{ sniHosts: ['a.x.test'], sourceLabels: { version: 'v1' } }],
        ),
        route: connectionRoute,
      }),
      { maxLength: 2 },
    ),
    tcp: fc.array(
      fc.record({
        match: fc.constantFrom<readonly object[]>(
          [],
          [{ port: 5432 }],
          [{ destinationSubnets: ['10.9.0.0/16'] }, { sourceSubnet: '127.0.0.0/8' }],
        ),
        route: connectionRoute,
      }),
      { maxLength: 2 },
    ),
    exportTo: fc.constantFrom<string[]>([], [], ['.']),
  })
  .map(({ name, namespace, ...spec }) => object('VirtualService', name, namespace, spec));

const delegate = fc
  .record({
    namespace,
    http: fc.array(rule, { minLength: 1, maxLength: 2 }),
    exportTo: fc.constantFrom<string[]>([], [], ['.']),
  })
  .map(({ namespace, ...spec }) => object('VirtualService', 'part', namespace, spec));

const gateway = fc
  .record({
    name: fc.constantFrom('front', 'back'),
    namespace,
    selector: fc.constantFrom({ istio: 'ingressgateway' }, { istio: 'nobody' }),
    servers: fc.uniqueArray(
      fc.record({
        number: fc.constantFrom(80, 443, 8081),
        how: fc.constantFrom<{ protocol: string; tls?: object }>(
          { protocol: 'HTTP' },
          { protocol: 'HTTP' },
          { protocol: 'HTTP', tls: { httpsRedirect: true } },
          { protocol: 'HTTPS', tls: { mode: 'SIMPLE', credentialName: 'cert' } },
          { protocol: 'HTTPS', tls: { mode: 'MUTUAL', credentialName: 'other-cert' } },
          { protocol: 'TLS', tls: { mode: 'PASSTHROUGH' } },
          { protocol: 'TLS', tls: { mode: 'SIMPLE', credentialName: 'cert' } },
          { protocol: 'TLS', tls: { mode: 'AUTO_PASSTHROUGH' } },
          { protocol: 'TCP' },
        ),
        host: fc.constantFrom('*', '*.example.com', './shop.example.com', 'other/*', 'db.test'),
      }),
      { selector: ({ number }) => number, minLength: 1 },
    ),
  })
  .map(({ name, namespace, selector, servers }) =>
    object('Gateway', name, namespace, {
      selector,
      servers: servers.map(({ number, how: { protocol, ...tls }, host }) => ({
        port: { number, name: `${protocol.toLowerCase()}-${number}`, protocol },
        hosts: [host],
        ...tls,
      })),
    }),
  );

const secret = fc
  .record({
    name: fc.constantFrom('cert', 'other-cert'),
    namespace,
    text: fc.constantFrom('one', 'two'),
  })
  .map(
    ({ name, namespace, text }) =>
      ({
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: { name, namespace },
        stringData: { 'tls.crt': text, 'tls.key': text, 'ca.crt': text },
      }) as unknown as ConfigObject,
  );

const sidecarObject = fc
  .record({
    name: fc.constantFrom('x', 'y'),
    namespace,
    selector: fc.constantFrom({}, { workloadSelector: { labels: { app: 'a' } } }),
    hosts: fc.uniqueArray(fc.constantFrom('./*', '*/db.test', 'default/*', '*/*.x.test', '~/*'), { minLength: 1 }),
  })
  .map(({ name, namespace, selector, hosts }) =>
    object('Sidecar', name, namespace, { ...selector, egress: [{ hosts }] }),
  );

const meshConfig = fc
  .constantFrom(
    '{}',
    '{dnsRefreshRate: 5s}',
    '{defaultServiceExportTo: [.], defaultVirtualServiceExportTo: [.]}',
    '{defaultDestinationRuleExportTo: [.], outboundTrafficPolicy: {mode: REGISTRY_ONLY}}',
  )
  .map(
    (mesh) =>
      ({
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name: 'istio', namespace: 'istio-system' },
        data: { mesh },
      }) as unknown as ConfigObject,
  );

const peerAuthentication = fc
  .record({
    name: fc.constantFrom('x', 'y'),
    namespace,
    selector: fc.option(fc.constantFrom({ app: 'a' }, { version: 'v2' })),
    mode: fc.constantFrom('STRICT', 'PERMISSIVE', 'DISABLE', 'UNSET'),
  })
  .map(({ name, namespace, selector, mode }) =>
    object('PeerAuthentication', name, namespace, {
      ...(selector === null ? {} : { selector: { matchLabels: selector }, portLevelMtls: { 8080: { mode } } }),
      mtls: { mode },
    }),
  );

const ingress = fc
  .record({
    name: fc.constantFrom('x', 'y'),
    namespace,
    hosts: fc.uniqueArray(fc.constantFrom('', 'shop.example.com', '*.example.com'), { minLength: 1 }),
    backend: fc.record({ name: app, port: fc.constantFrom({ number: 80 }, { name: 'http' }, { name: 'other' }) }),
    pathType: fc.constantFrom('Exact', 'Prefix'),
    path: fc.constantFrom('/', '/x', '/x/y'),
    more: fc.constantFrom({}, { ingressClassName: 'c' }, { tls: [{ secretName: 'cert' }] }),
    isDefault: fc.boolean(),
  })
  .map(({ name, namespace, hosts, backend, pathType, path, more, isDefault }) =>
    object('Ingress', name, namespace, {
      ...more,
      rules: hosts.map((host) => ({ host, http: { paths: [{ path, pathType, backend: { service: backend } }] } })),
      ...(isDefault ? { defaultBackend: { service: backend } } : {}),
    }),
  );

const ingressClass = fc.record({ name: fc.constantFrom('c', 'd'), isDefault: fc.boolean(), isOwn: fc.boolean() }).map(
  ({ name, isDefault, isOwn }) =>
    ({
      apiVersion: 'networking.k8s.io/v1',
      kind: 'IngressClass',
      metadata: {
        name,
        annotations: isDefault ? { 'ingressclass.kubernetes.io/is-default-class': 'true' } : {},
      },
      spec: { controller: isOwn ? 'istio.io/ingress-controller' : 'example.com/other' },
    }) as ConfigObject,
);

const LUA = {
  name: 'lua',
  typed_config: { '@type': 'type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua' },
};

const patch = fc.constantFrom(
  { applyTo: 'HTTP_FILTER', patch: { operation: 'INSERT_FIRST', value: LUA } },
  { applyTo: 'HTTP_FILTER', match: { context: 'SIDECAR_INBOUND' }, patch: { operation: 'ADD', value: LUA } },
  { applyTo: 'LISTENER', match: { listener: { portNumber: 80 } }, patch: { operation: 'REMOVE' } },
  { applyTo: 'CLUSTER', patch: { operation: 'MERGE', value: { connect_timeout: '1s' } } },
  { applyTo: 'CLUSTER', match: { cluster: { subset: 'v1' } }, patch: { operation: 'REMOVE' } },
  { applyTo: 'CLUSTER', patch: { operation: 'ADD', value: { name: 'added' } } },
  { applyTo: 'ROUTE_CONFIGURATION', patch: { operation: 'MERGE', value: { request_headers_to_remove: ['x'] } } },
  {
    applyTo: 'VIRTUAL_HOST',
    match: { context: 'SIDECAR_OUTBOUND', routeConfiguration: { portNumber: 80 } },
    patch: { operation: 'MERGE', value: { include_request_attempt_count: true } },
  },
  {
    applyTo: 'HTTP_ROUTE',
    match: { routeConfiguration: { vhost: { route: { name: 'default' } } } },
    patch: { operation: 'MERGE', value: { response_headers_to_remove: ['y'] } },
  },
  { applyTo: 'EXTENSION_CONFIG', patch: { operation: 'ADD', value: LUA } },
);

const envoyFilter = fc
  .record({
    name: fc.constantFrom('x', 'y'),
    namespace,
    labels: fc.constantFrom({}, { app: 'a' }, { istio: 'ingressgateway' }),
    priority: fc.integer({ min: -1, max: 1 }),
    configPatches: fc.array(patch, { maxLength: 3 }),
  })
  .map(({ name, namespace, labels, ...spec }) =>
    object('EnvoyFilter', name, namespace, { ...spec, workloadSelector: { labels } }),
  );

export function object(kind: string, name: string, namespace: string, spec: unknown): ConfigObject {
  return { apiVersion: 'v1', kind, metadata: { name, namespace }, spec } as unknown as ConfigObject;
}

export const anyObject: fc.Arbitrary<ConfigObject> = fc.oneof(
  { weight: 2, arbitrary: service },
  alias,
  { weight: 3, arbitrary: serviceEntry },
  workloadEntry,
  connectionRules,
  secret,
  sidecarObject,
  meshConfig,
  { weight: 2, arbitrary: destinationRule },
  { weight: 2, arbitrary: virtualService },
  delegate,
  ingress,
  ingressClass,
  { weight: 2, arbitrary: gateway },
  peerAuthentication,
  envoyFilter,
  { weight: 8, arbitrary: anyGatewayApiObject },
);

/** Configuration that says where requests go, and how: listeners have nothing to do with it. */
export const anyRouting: fc.Arbitrary<ConfigObject> = fc.oneof(destinationRule, virtualService);

const OUTSIDE_PORTS = ['db.test:443', 'db.test:5432', '*.x.test:80', '*.x.test:443'];

interface SidecarOptions {
  readonly replica?: number;
  readonly serviceAccount?: string;
  readonly health?: WorkloadInstance['health'];
  readonly firstPort?: number;
  readonly serviceNamespaces?: readonly string[];
  readonly locality?: Readonly<Record<string, string>>;
  /** Connections are redirected, and applications are told nothing. */
  readonly redirected?: boolean;
}

export function buildSidecar(
  app: string,
  version: string,
  namespace: string,
  options: SidecarOptions = {},
): WorkloadInstance {
  const {
    replica = 0,
    serviceAccount = 'one',
    health = 'ready',
    firstPort = 20_000,
    serviceNamespaces = ['default'],
    locality = {},
    redirected = false,
  } = options;
  return {
    name: `${app}-${version}-${replica}`,
    namespace,
    role: 'sidecar',
    workload: `${app}-${version}`,
    labels: { app, version, ...locality },
    serviceAccount,
    address: redirected ? '10.1.0.1' : '127.0.0.1',
    ports: [{ containerPort: 8080, name: 'web', inboundPort: firstPort, appPort: firstPort + 1 }],
    health,
    capture: redirected
      ? { mode: 'redirect', interception: 'redirect' }
      : {
          mode: 'explicit',
          httpProxyPort: firstPort + 2,
          servicePorts: Object.fromEntries(
            [...serviceNamespaces.map((each) => `a.${each}.svc.cluster.local:80`), ...OUTSIDE_PORTS].map((key, i) => [
              key,
              firstPort + 3 + i,
            ]),
          ),
        },
  };
}

export function buildRouter(namespace: string, hostPorts: Readonly<Record<number, number>>): WorkloadInstance {
  return {
    name: 'gateway',
    namespace,
    role: 'router',
    workload: 'gateway',
    labels: { istio: 'ingressgateway', ...WEB_GATEWAY_LABELS },
    serviceAccount: 'gateway',
    address: '127.0.0.1',
    ports: [],
    health: 'ready',
    capture: { mode: 'gateway', hostPorts },
  };
}

const sidecar: fc.Arbitrary<WorkloadInstance> = fc
  .record({
    app,
    version,
    namespace,
    replica: fc.nat(1),
    serviceAccount: fc.constantFrom('one', 'two'),
    health: fc.constantFrom('starting' as const, 'ready' as const, 'draining' as const),
    firstPort: fc.constantFrom(20_000, 21_000),
    serviceNamespaces: fc.uniqueArray(namespace),
    locality: fc.constantFrom<Record<string, string>>({}, { 'istio-locality': 'eu.a' }, { 'istio-locality': 'us' }),
    redirected: fc.constantFrom(false, false, true),
  })
  .map(({ app, version, namespace, ...options }) => buildSidecar(app, version, namespace, options));

const router: fc.Arbitrary<WorkloadInstance> = fc
  .record({
    namespace,
    hostPorts: fc.constantFrom<Record<number, number>>({ 80: 8080 }, { 80: 8080, 443: 8443, 8081: 8081 }),
  })
  .map(({ namespace, hostPorts }) => buildRouter(namespace, hostPorts));

export const anyInstance: fc.Arbitrary<WorkloadInstance> = fc.oneof({ weight: 4, arbitrary: sidecar }, router);
