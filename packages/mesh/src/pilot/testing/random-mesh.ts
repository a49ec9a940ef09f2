import type { ConfigObject } from '@lateen/api/kinds.ts';
import { keyOf } from '@lateen/api/object-key.ts';
import { instanceKey, nodeIdOf, type WorkloadInstance } from '@lateen/api/workload-instance.ts';
import fc from 'fast-check';

/** Objects and instances of a small mesh, so few that they often meet. For property tests. */

/** Most things are in one, so that they meet. */
const NAMESPACES = ['default', 'default', 'default', 'other', 'istio-system'];
const APPS = ['a', 'b'];
const VERSIONS = ['v1', 'v2'];

const namespace = fc.constantFrom(...NAMESPACES);
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

const host = fc.oneof(
  app,
  fc.tuple(app, namespace).map(([name, ns]) => `${name}.${ns}.svc.cluster.local`),
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
    ports: fc.uniqueArray(fc.constantFrom(80, 8081), { minLength: 1 }),
    host: fc.constantFrom('*', '*.example.com', './shop.example.com', 'other/*'),
  })
  .map(({ name, namespace, selector, ports, host }) =>
    object('Gateway', name, namespace, {
      selector,
      servers: ports.map((number) => ({ port: { number, name: `http-${number}`, protocol: 'HTTP' }, hosts: [host] })),
    }),
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

function object(kind: string, name: string, namespace: string, spec: unknown): ConfigObject {
  return { apiVersion: 'v1', kind, metadata: { name, namespace }, spec } as unknown as ConfigObject;
}

export const anyObject: fc.Arbitrary<ConfigObject> = fc.oneof(
  service,
  destinationRule,
  virtualService,
  delegate,
  gateway,
  ingress,
  ingressClass,
  peerAuthentication,
  envoyFilter,
);

/** Configuration that says where requests go, and how: listeners have nothing to do with it. */
export const anyRouting: fc.Arbitrary<ConfigObject> = fc.oneof(destinationRule, virtualService);

interface SidecarOptions {
  readonly replica?: number;
  readonly serviceAccount?: string;
  readonly health?: WorkloadInstance['health'];
  readonly firstPort?: number;
  readonly serviceNamespaces?: readonly string[];
  readonly locality?: Readonly<Record<string, string>>;
}

function buildSidecar(app: string, version: string, namespace: string, options: SidecarOptions = {}): WorkloadInstance {
  const {
    replica = 0,
    serviceAccount = 'one',
    health = 'ready',
    firstPort = 20_000,
    serviceNamespaces = ['default'],
    locality = {},
  } = options;
  return {
    name: `${app}-${version}-${replica}`,
    namespace,
    role: 'sidecar',
    workload: `${app}-${version}`,
    labels: { app, version, ...locality },
    serviceAccount,
    address: '127.0.0.1',
    ports: [{ containerPort: 8080, name: 'web', inboundPort: firstPort, appPort: firstPort + 1 }],
    health,
    capture: {
      mode: 'explicit',
      httpProxyPort: firstPort + 2,
      servicePorts: Object.fromEntries(
        serviceNamespaces.map((each, i) => [`a.${each}.svc.cluster.local:80`, firstPort + 3 + i]),
      ),
    },
  };
}

function buildRouter(namespace: string, hostPorts: Readonly<Record<number, number>>): WorkloadInstance {
  return {
    name: 'gateway',
    namespace,
    role: 'router',
    workload: 'gateway',
    labels: { istio: 'ingressgateway' },
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
  })
  .map(({ app, version, namespace, ...options }) => buildSidecar(app, version, namespace, options));

const router: fc.Arbitrary<WorkloadInstance> = fc
  .record({ namespace, hostPorts: fc.constantFrom<Record<number, number>>({ 80: 8080 }, { 80: 8080, 8081: 8081 }) })
  .map(({ namespace, hostPorts }) => buildRouter(namespace, hostPorts));

export const anyInstance: fc.Arbitrary<WorkloadInstance> = fc.oneof({ weight: 4, arbitrary: sidecar }, router);

/** One change to what a Pilot is told. What is deleted or disconnected may not be there. */
export type MeshChange =
  | { readonly type: 'set object'; readonly object: ConfigObject }
  | { readonly type: 'delete object'; readonly key: string }
  | { readonly type: 'set instance'; readonly instance: WorkloadInstance }
  | { readonly type: 'delete instance'; readonly key: string }
  | { readonly type: 'connect' | 'disconnect'; readonly nodeId: string; readonly instance: string };

export const anyChange: fc.Arbitrary<MeshChange> = fc.oneof(
  { weight: 5, arbitrary: anyObject.map((each): MeshChange => ({ type: 'set object', object: each })) },
  { weight: 2, arbitrary: anyObject.map((each): MeshChange => ({ type: 'delete object', key: keyOf(each) })) },
  { weight: 4, arbitrary: anyInstance.map((instance): MeshChange => ({ type: 'set instance', instance })) },
  {
    weight: 1,
    arbitrary: anyInstance.map((each): MeshChange => ({ type: 'delete instance', key: instanceKey(each) })),
  },
  {
    weight: 4,
    arbitrary: fc
      .record({ type: fc.constantFrom('connect', 'connect', 'connect', 'disconnect'), instance: anyInstance })
      .map(({ type, instance }): MeshChange => ({ type, nodeId: nodeIdOf(instance), instance: instanceKey(instance) })),
  },
);

/** A mesh in which everything refers to something, for random changes to meet. */
export const someMesh: readonly MeshChange[] = [
  ...[
    object('Service', 'a', 'default', {
      selector: { app: 'a' },
      ports: [{ port: 80, name: 'http', targetPort: 'web' }],
    }),
    object('Service', 'b', 'default', {
      selector: { app: 'b' },
      ports: [{ port: 9080, name: 'http', targetPort: 8080 }],
    }),
    object('DestinationRule', 'x', 'default', { host: 'a', subsets: [{ name: 'v1', labels: { version: 'v1' } }] }),
    object('VirtualService', 'x', 'default', {
      hosts: ['a', 'b'],
      gateways: ['mesh', 'front'],
      http: [
        { match: [{ uri: { prefix: '/x' } }], route: [{ destination: { host: 'b' } }] },
        { route: [{ destination: { host: 'a', subset: 'v1' } }] },
      ],
    }),
    object('Gateway', 'front', 'default', {
      selector: { istio: 'ingressgateway' },
      servers: [{ port: { number: 80, name: 'http', protocol: 'HTTP' }, hosts: ['*'] }],
    }),
  ].map((each): MeshChange => ({ type: 'set object', object: each })),
  ...[
    buildSidecar('a', 'v1', 'default'),
    buildSidecar('b', 'v1', 'default'),
    buildRouter('default', { 80: 8080 }),
  ].flatMap((instance): MeshChange[] => [
    { type: 'set instance', instance },
    { type: 'connect', nodeId: nodeIdOf(instance), instance: instanceKey(instance) },
  ]),
];
