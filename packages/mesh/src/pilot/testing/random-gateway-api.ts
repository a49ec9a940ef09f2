import type { ConfigObject } from '@lateen/api/kinds.ts';
import fc from 'fast-check';

/** Objects of the Kubernetes Gateway API in a small mesh. For property tests. */

const GROUP = 'gateway.networking.k8s.io';
/** What the proxies of the Gateway `web` are labelled with. */
export const WEB_GATEWAY_LABELS = { [`${GROUP}/gateway-name`]: 'web' };

const namespace = fc.constantFrom('default', 'default', 'default', 'other');
const ref = { namespace: fc.constantFrom(undefined, undefined, 'default', 'other') };

function pem(label: string): string {
  return `-----BEGIN ${label}-----\nAA==\n-----END ${label}-----\n`;
}

const secret = fc.record({ namespace, isWhole: fc.boolean() }).map(({ namespace, isWhole }) =>
  object('v1', 'Secret', 'web-cert', namespace, {
    stringData: { 'tls.crt': pem('CERTIFICATE'), 'tls.key': isWhole ? pem('PRIVATE KEY') : 'no key' },
  }),
);

const allowedRoutes = fc.constantFrom<object>(
  {},
  {},
  { allowedRoutes: { namespaces: { from: 'All' } } },
  { allowedRoutes: { kinds: [{ kind: 'GRPCRoute' }] } },
);

const listener = fc
  .record({
    name: fc.constantFrom('one', 'two', 'three'),
    port: fc.constantFrom(80, 443, 8081),
    how: fc.constantFrom<object>(
      { protocol: 'HTTP' },
      { protocol: 'HTTP' },
      { protocol: 'HTTPS', tls: { certificateRefs: [{ name: 'web-cert' }] } },
      { protocol: 'HTTPS', tls: { certificateRefs: [{ name: 'web-cert', namespace: 'other' }] } },
      { protocol: 'TLS', tls: { mode: 'Passthrough' } },
      { protocol: 'TCP' },
    ),
    hostname: fc.constantFrom(undefined, '*.example.com', 'shop.example.com'),
    allowedRoutes,
  })
  .map(({ how, hostname, allowedRoutes: routes, ...rest }) => {
    const isByHost = 'protocol' in how && how.protocol !== 'TCP';
    return { ...rest, ...how, ...routes, ...(hostname !== undefined && isByHost ? { hostname } : {}) };
  });

const listeners = fc.uniqueArray(listener, { selector: ({ name }) => name, minLength: 1 });

const gateway = fc
  .record({
    namespace,
    gatewayClassName: fc.constantFrom('lateen', 'lateen', 'lateen', 'somebody'),
    listeners,
    allowed: fc.constantFrom<object>({}, { allowedListeners: { namespaces: { from: 'All' } } }),
    scope: fc.constantFrom<object>({}, { defaultScope: 'All' }),
  })
  .map(({ namespace, allowed, scope, ...spec }) =>
    object(`${GROUP}/v1`, 'KubernetesGateway', 'web', namespace, { spec: { ...spec, ...allowed, ...scope } }),
  );

const listenerSet = fc
  .record({ name: fc.constantFrom('x', 'y'), namespace, listeners, ...{ parent: ref.namespace } })
  .map(({ name, namespace, parent, listeners }) =>
    object(`${GROUP}/v1`, 'ListenerSet', name, namespace, {
      spec: { parentRef: { name: 'web', ...(parent === undefined ? {} : { namespace: parent }) }, listeners },
    }),
  );

const grant = fc
  .record({
    namespace,
    from: namespace,
    kind: fc.constantFrom('HTTPRoute', 'TCPRoute', 'Gateway'),
    to: fc.constantFrom('Service', 'Secret'),
  })
  .map(({ namespace, from, kind, to }) =>
    object(`${GROUP}/v1`, 'ReferenceGrant', 'x', namespace, {
      spec: { from: [{ group: GROUP, kind, namespace: from }], to: [{ group: '', kind: to }] },
    }),
  );

const parentRef = fc
  .record({
    target: fc.constantFrom<object>(
      { name: 'web' },
      { name: 'web' },
      { name: 'web', sectionName: 'one' },
      { name: 'web', port: 443 },
      { name: 'x', kind: 'ListenerSet' },
      { name: 'a', kind: 'Service', group: '' },
      { name: 'b', kind: 'Service', group: '', port: 9080 },
    ),
    ...ref,
  })
  .map(({ target, namespace }) => ({ ...target, ...(namespace === undefined ? {} : { namespace }) }));

const parents = {
  parentRefs: fc.array(parentRef, { maxLength: 2 }),
  useDefaultGateways: fc.constantFrom<'None' | 'All'>('None', 'None', 'All'),
};

const backendRef = fc
  .record({ name: fc.constantFrom('a', 'b', 'nobody'), port: fc.constantFrom(80, 9080), weight: fc.nat(2), ...ref })
  .map(({ namespace, ...rest }) => ({ ...rest, ...(namespace === undefined ? {} : { namespace }) }));
const backendRefs = fc.array(backendRef, { maxLength: 2 });

/** With or without a time: routes that are older come first. */
const age = fc.constantFrom<object>(
  {},
  { creationTimestamp: '2026-01-01T00:00:00Z' },
  { creationTimestamp: '2026-02-01T00:00:00Z' },
);
const hostnames = fc.uniqueArray(fc.constantFrom('shop.example.com', '*.example.com', 'other.test'));

const httpRule = fc.record({
  matches: fc.constantFrom<readonly object[]>(
    [],
    [{ path: { type: 'Exact', value: '/x' } }],
    [{ path: { value: '/x' }, headers: [{ name: 'user', value: 'jason' }] }, { method: 'POST' }],
    [{ queryParams: [{ name: 'q', value: '1' }] }],
  ),
  filters: fc.constantFrom<readonly object[]>(
    [],
    [{ type: 'RequestRedirect', requestRedirect: { scheme: 'https' } }],
    [{ type: 'URLRewrite', urlRewrite: { path: { type: 'ReplacePrefixMatch', replacePrefixMatch: '/y' } } }],
    [{ type: 'RequestMirror', requestMirror: { backendRef: { name: 'b', port: 9080 } } }],
  ),
  backendRefs,
});

const httpRoute = fc
  .record({
    name: fc.constantFrom('x', 'y'),
    namespace,
    age,
    hostnames,
    rules: fc.array(httpRule, { minLength: 1, maxLength: 2 }),
    ...parents,
  })
  .map(({ name, namespace, age, ...spec }) => object(`${GROUP}/v1`, 'HTTPRoute', name, namespace, { spec }, age));

const grpcRoute = fc
  .record({
    namespace,
    age,
    hostnames,
    rules: fc.array(
      fc.record({
        matches: fc.constantFrom<readonly object[]>([], [{ method: { service: 'shop.Cart', method: 'Add' } }]),
        backendRefs,
      }),
      { minLength: 1, maxLength: 2 },
    ),
    ...parents,
  })
  .map(({ namespace, age, ...spec }) => object(`${GROUP}/v1`, 'GRPCRoute', 'x', namespace, { spec }, age));

const connectionRules = fc.array(fc.record({ backendRefs: fc.array(backendRef, { minLength: 1, maxLength: 2 }) }), {
  minLength: 1,
  maxLength: 1,
});

const tlsRoute = fc
  .record({
    namespace,
    age,
    hostnames: fc.constantFrom(['shop.example.com'], ['*.example.com']),
    rules: connectionRules,
    ...parents,
  })
  .map(({ namespace, age, ...spec }) => object(`${GROUP}/v1`, 'TLSRoute', 'x', namespace, { spec }, age));

const tcpRoute = fc
  .record({ name: fc.constantFrom('x', 'y'), namespace, age, rules: connectionRules, ...parents })
  .map(({ name, namespace, age, ...spec }) => object(`${GROUP}/v1`, 'TCPRoute', name, namespace, { spec }, age));

const backendTlsPolicy = fc
  .record({
    name: fc.constantFrom('x', 'y'),
    namespace,
    age,
    target: fc.constantFrom<object>({ name: 'a' }, { name: 'b', sectionName: 'http' }),
    trust: fc.constantFrom<object>(
      { wellKnownCACertificates: 'System' },
      { caCertificateRefs: [{ group: '', kind: 'ConfigMap', name: 'nobody' }] },
    ),
  })
  .map(({ name, namespace, age, target, trust }) =>
    object(
      `${GROUP}/v1`,
      'BackendTLSPolicy',
      name,
      namespace,
      {
        spec: {
          targetRefs: [{ group: '', kind: 'Service', ...target }],
          validation: { hostname: 'a.test', ...trust },
        },
      },
      age,
    ),
  );

const namespaceObject = fc
  .constantFrom<Record<string, string>>({}, { team: 'shop' })
  .map(
    (labels) =>
      ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'other', labels } }) as unknown as ConfigObject,
  );

function object(
  apiVersion: string,
  kind: string,
  name: string,
  namespace: string,
  rest: object,
  metadata: object = {},
): ConfigObject {
  return { apiVersion, kind, metadata: { name, namespace, ...metadata }, ...rest } as unknown as ConfigObject;
}

export const anyGatewayApiObject: fc.Arbitrary<ConfigObject> = fc.oneof(
  { weight: 4, arbitrary: gateway },
  { weight: 2, arbitrary: listenerSet },
  { weight: 5, arbitrary: httpRoute },
  { weight: 2, arbitrary: grpcRoute },
  { weight: 2, arbitrary: tlsRoute },
  { weight: 2, arbitrary: tcpRoute },
  { weight: 2, arbitrary: grant },
  { weight: 2, arbitrary: backendTlsPolicy },
  secret,
  namespaceObject,
);

/** A Gateway with a route, for random changes to meet. */
export const someGatewayApi: readonly ConfigObject[] = [
  object('v1', 'Secret', 'web-cert', 'default', {
    stringData: { 'tls.crt': pem('CERTIFICATE'), 'tls.key': pem('PRIVATE KEY') },
  }),
  object(`${GROUP}/v1`, 'KubernetesGateway', 'web', 'default', {
    spec: {
      gatewayClassName: 'lateen',
      listeners: [
        { name: 'one', port: 8081, protocol: 'HTTP' },
        { name: 'two', port: 443, protocol: 'HTTPS', tls: { certificateRefs: [{ name: 'web-cert' }] } },
      ],
    },
  }),
  object(`${GROUP}/v1`, 'HTTPRoute', 'x', 'default', {
    spec: {
      parentRefs: [{ name: 'web' }, { name: 'b', kind: 'Service', group: '' }],
      rules: [{ backendRefs: [{ name: 'a', port: 80 }] }],
    },
  }),
];
