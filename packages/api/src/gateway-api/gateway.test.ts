import { expect, test } from 'vitest';
import { kinds } from '../kinds.ts';
import { findingsIn } from '../testing/findings-in.ts';

const http = { name: 'http', port: 80, protocol: 'HTTP' };
const https = { name: 'https', port: 443, protocol: 'HTTPS', tls: { certificateRefs: [{ name: 'cert' }] } };

function gateway(more: object) {
  return findingsIn(kinds.KubernetesGateway, { gatewayClassName: 'lateen', listeners: [http], ...more });
}

test('a Gateway with everything', () => {
  const validation = {
    caCertificateRefs: [{ group: '', kind: 'ConfigMap', name: 'clients', namespace: 'other' }],
    mode: 'AllowInsecureFallback',
  };
  const findings = gateway({
    listeners: [
      { ...http, hostname: '*.example.com', allowedRoutes: { namespaces: { from: 'All' } } },
      { ...http, name: 'http-2', hostname: 'example.com', allowedRoutes: { kinds: [{ kind: 'HTTPRoute' }] } },
      {
        ...https,
        allowedRoutes: {
          namespaces: {
            from: 'Selector',
            selector: { matchLabels: { team: 'a' }, matchExpressions: [{ key: 'x', operator: 'In', values: ['1'] }] },
          },
        },
      },
      { name: 'options', port: 444, protocol: 'HTTPS', tls: { options: { 'example.com/certificate': 'x' } } },
      { name: 'without', port: 445, protocol: 'HTTPS' },
      { name: 'tls', port: 8443, protocol: 'TLS', tls: { mode: 'Passthrough' } },
      { name: 'udp', port: 53, protocol: 'UDP' },
      { name: 'tcp', port: 53, protocol: 'TCP' },
      { name: 'mine', port: 99, protocol: 'example.com/mine' },
    ],
    addresses: [
      {},
      { value: '10.0.0.1' },
      { type: 'IPAddress', value: '2001:db8::1' },
      { type: 'Hostname', value: '*.example.com' },
      { type: 'Hostname', value: '' },
      { type: 'NamedAddress', value: 'mine' },
      { type: 'example.com/address', value: 'x' },
    ],
    infrastructure: {
      labels: { 'example.com/a': 'b', c: '' },
      annotations: { 'example.com/a': 'anything goes' },
      parametersRef: { group: '', kind: 'ConfigMap', name: 'x' },
    },
    allowedListeners: { namespaces: { from: 'None' } },
    tls: {
      backend: { clientCertificateRef: { name: 'client' } },
      frontend: { default: { validation }, perPort: [{ port: 443, tls: {} }] },
    },
    defaultScope: 'All',
  });
  expect(findings).toEqual([]);
});

test.each([
  ['no listener', { listeners: [] }, 'spec.listeners: must have at least one element'],
  [
    'too many listeners',
    { listeners: Array.from({ length: 65 }, (_, index) => ({ ...http, name: `n${index}`, port: 80 + index })) },
    'spec.listeners: must have at most 64 elements, not 65',
  ],
  [
    'TLS of plain protocols',
    { listeners: [{ ...https, protocol: 'HTTP' }] },
    'spec.listeners[0].tls: must not be set for the protocol HTTP',
  ],
  [
    'TLS of UDP',
    { listeners: [{ ...https, protocol: 'UDP' }] },
    'spec.listeners[0].tls: must not be set for the protocol UDP',
  ],
  [
    'HTTPS that is passed through',
    { listeners: [{ ...https, tls: { mode: 'Passthrough' } }] },
    'spec.listeners[0].tls.mode: must be Terminate for the protocol HTTPS; take the protocol TLS',
  ],
  [
    'TLS without mode',
    { listeners: [{ name: 'tls', port: 443, protocol: 'TLS' }] },
    'spec.listeners[0].tls: must be set for the protocol TLS',
  ],
  [
    'no certificate',
    { listeners: [{ ...https, tls: {} }] },
    'spec.listeners[0].tls.certificateRefs: must be set with the mode Terminate',
  ],
  [
    'a host for TCP',
    { listeners: [{ ...http, protocol: 'TCP', hostname: 'a.example' }] },
    'spec.listeners[0].hostname: must not be set for the protocol TCP, which knows no hosts',
  ],
  [
    'a name twice',
    { listeners: [http, { ...http, port: 81 }] },
    'spec.listeners[1].name: the listener name http is used twice',
  ],
  [
    'one place twice',
    { listeners: [http, { ...http, name: 'again' }] },
    'spec.listeners[1]: has the same port, protocol and hostname as an earlier one',
  ],
  [
    'a host in capitals',
    { listeners: [{ ...http, hostname: 'A.example' }] },
    "spec.listeners[0].hostname: must be a host name in lower case, or one with a wildcard as its first part, such as *.example.com, not 'A.example'",
  ],
  [
    'a protocol that cannot be',
    { listeners: [{ ...http, protocol: 'a/b/c' }] },
    "spec.listeners[0].protocol: must be a protocol such as HTTP, HTTPS, TLS, TCP, UDP or example.com/mine, not 'a/b/c'",
  ],
  [
    'an operator without values',
    {
      allowedListeners: {
        namespaces: { from: 'Selector', selector: { matchExpressions: [{ key: 'a', operator: 'In' }] } },
      },
    },
    'spec.allowedListeners.namespaces.selector.matchExpressions[0].values: must have a value for the operator In',
  ],
  [
    'an operator that takes no values',
    {
      allowedListeners: {
        namespaces: { selector: { matchExpressions: [{ key: 'a', operator: 'Exists', values: ['b'] }] } },
      },
    },
    'spec.allowedListeners.namespaces.selector.matchExpressions[0].values: must not be set for the operator Exists',
  ],
  [
    'an address that is none',
    { addresses: [{ value: 'example.com' }] },
    "spec.addresses[0].value: must be an IP address, not 'example.com'",
  ],
  [
    'a host that is none',
    { addresses: [{ type: 'Hostname', value: 'a_b' }] },
    "spec.addresses[0].value: must be a host name in lower case, not 'a_b'",
  ],
  [
    'a type of addresses that is none',
    { addresses: [{ type: 'Pigeon' }] },
    "spec.addresses[0].type: must be Hostname, IPAddress, NamedAddress or DOMAIN/PATH, not 'Pigeon'",
  ],
  [
    'an address twice',
    { addresses: [{ value: '10.0.0.1' }, { type: 'IPAddress', value: '10.0.0.1' }] },
    'spec.addresses[1].value: the address 10.0.0.1 is listed twice',
  ],
  [
    'a host twice',
    {
      addresses: [
        { type: 'Hostname', value: 'a' },
        { type: 'Hostname', value: 'a' },
      ],
    },
    'spec.addresses[1].value: the address a is listed twice',
  ],
  [
    'a label key that is none',
    { infrastructure: { labels: { 'a b': 'c' } } },
    'spec.infrastructure.labels["a b"]: the key must be a label key such as app or example.com/app, not \'a b\'',
  ],
  [
    'a label key with a long prefix',
    { infrastructure: { labels: { [`${'a'.repeat(253)}/x`]: 'c' } } },
    `spec.infrastructure.labels["${'a'.repeat(253)}/x"]: the key must be a label key such as app or example.com/app, not '${'a'.repeat(57)}...'`,
  ],
  [
    'an annotation key that is none',
    { infrastructure: { annotations: { '/a': 'c' } } },
    'spec.infrastructure.annotations["/a"]: the key must be an annotation key such as app or example.com/app, not \'/a\'',
  ],
  [
    'too many labels',
    { infrastructure: { labels: Object.fromEntries(Array.from({ length: 9 }, (_, index) => [`l${index}`, ''])) } },
    'spec.infrastructure.labels: must have at most 8 keys, not 9',
  ],
  [
    'a port twice',
    {
      tls: {
        frontend: {
          default: {},
          perPort: [
            { port: 443, tls: {} },
            { port: 443, tls: {} },
          ],
        },
      },
    },
    'spec.tls.frontend.perPort[1].port: the port 443 is listed twice',
  ],
  [
    'authorities of nobody',
    { tls: { frontend: { default: { validation: { caCertificateRefs: [] } } } } },
    'spec.tls.frontend.default.validation.caCertificateRefs: must have at least one element',
  ],
  ['a class without name', { gatewayClassName: '' }, 'spec.gatewayClassName: must not be empty'],
])('refused: %s', (_, more, finding) => {
  expect(gateway(more)).toEqual([finding]);
});

test('a ListenerSet has the rules of listeners, too', () => {
  const spec = { parentRef: { name: 'edge' }, listeners: [http] };
  expect(findingsIn(kinds.ListenerSet, spec)).toEqual([]);
  expect(findingsIn(kinds.ListenerSet, { ...spec, listeners: [http, http] })).toEqual([
    'spec.listeners[1].name: the listener name http is used twice',
    'spec.listeners[1]: has the same port, protocol and hostname as an earlier one',
  ]);
  expect(findingsIn(kinds.ListenerSet, { listeners: [http] })).toEqual(['spec.parentRef: is required, but missing']);
});

test.each([kinds.GatewayClass, kinds.XMesh])('$kind', (kind) => {
  const parametersRef = { group: '', kind: 'ConfigMap', name: 'x', namespace: 'default' };
  const spec = { controllerName: 'lateen.dev/gateway-controller', description: 'ours', parametersRef };
  expect(findingsIn(kind, spec)).toEqual([]);
  expect(findingsIn(kind, { controllerName: 'lateen', description: 'x'.repeat(65) })).toEqual([
    "spec.controllerName: must be a name of the form DOMAIN/PATH, such as lateen.dev/gateway-controller, not 'lateen'",
    'spec.description: must have at most 64 characters, not 65',
  ]);
});

test('ReferenceGrant', () => {
  const from = [{ group: 'gateway.networking.k8s.io', kind: 'HTTPRoute', namespace: 'shop' }];
  const to = [{ group: '', kind: 'Service', name: 'reviews' }];
  expect(findingsIn(kinds.ReferenceGrant, { from, to })).toEqual([]);
  expect(findingsIn(kinds.ReferenceGrant, { from: [], to: [{ group: 'A', kind: '-', name: '' }] })).toEqual([
    'spec.from: must have at least one element',
    "spec.to[0].group: must be an API group such as gateway.networking.k8s.io, or empty for the core group, not 'A'",
    "spec.to[0].kind: must be a kind such as Service, not '-'",
    'spec.to[0].name: must not be empty',
  ]);
});
