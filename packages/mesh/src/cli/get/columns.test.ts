import type { MeshStatus } from '@lateen/api/admin.ts';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { findKind } from '../kind-names.ts';
import { columnsOf } from './columns.ts';

const NO_STATUS = {
  workloads: [],
  gateways: [],
  services: [],
  schedules: [],
  ingresses: [],
  envoyFilters: [],
  kubernetesGateways: [],
} as unknown as MeshStatus;

function row(kind: string, manifest: string): Record<string, string> {
  const item = { object: { kind, apiVersion: '', metadata: { name: 'a' }, ...parse(manifest) } };
  const columns = columnsOf({ kind: findKind(kind), items: [item], status: NO_STATUS });
  return Object.fromEntries(
    columns.filter(({ title }) => title !== 'source').map(({ title, cell }) => [title, cell(item, NO_STATUS)]),
  );
}

test('a ServiceEntry shows the addresses that were chosen for its hosts', () => {
  const object = {
    kind: 'ServiceEntry',
    apiVersion: '',
    metadata: { name: 'a', namespace: 'default' },
    spec: { hosts: ['a.example.com'] },
  };
  const service = { hostname: 'a.example.com', namespace: 'default', addresses: ['240.240.1.2'] };
  const status = { services: [service, { ...service, namespace: 'other', addresses: ['240.240.9.9'] }] };
  const columns = columnsOf({ kind: findKind('ServiceEntry'), items: [{ object }], status: NO_STATUS });
  const addresses = columns.find(({ title }) => title === 'addresses');
  expect(addresses?.cell({ object }, status as unknown as MeshStatus)).toBe('["240.240.1.2"]');
});

test('an Ingress shows the addresses of the gateways that serve it', () => {
  const object = { kind: 'Ingress', apiVersion: '', metadata: { name: 'a', namespace: 'shop' }, spec: {} };
  const ingress = { name: 'a', namespace: 'shop', addresses: ['127.0.0.1'] };
  const status = { ingresses: [{ ...ingress, namespace: 'other', addresses: ['127.0.0.2'] }, ingress] };
  const columns = columnsOf({ kind: findKind('Ingress'), items: [{ object }], status: NO_STATUS });
  const address = columns.find(({ title }) => title === 'address');
  expect(address?.cell({ object }, status as unknown as MeshStatus)).toBe('127.0.0.1');
});

test('a Gateway of the Gateway API shows where its gateway is found, or the one whose Service it names', () => {
  const listeners = [{ port: 80, protocol: 'HTTP' }];
  const object = (addresses: readonly unknown[] = []) => ({
    kind: 'KubernetesGateway',
    apiVersion: '',
    metadata: { name: 'web', namespace: 'shop' },
    spec: { listeners, addresses },
  });
  const ports = [
    { port: 80, hostPort: 8080, protocol: 'HTTP' },
    { port: 81, hostPort: 81, protocol: 'HTTP' },
  ];
  const ingress = { name: 'istio-ingressgateway', namespace: 'istio-system', labels: {}, ports };
  const own = {
    name: 'web-lateen',
    namespace: 'shop',
    labels: { 'gateway.networking.k8s.io/gateway-name': 'web' },
    ports: [{ port: 80, hostPort: 8081, protocol: 'HTTP' }],
  };
  const columns = columnsOf({ kind: findKind('gtw'), items: [{ object: object() }], status: NO_STATUS });
  const shown = (item: ReturnType<typeof object>, ...gateways: unknown[]) =>
    columns.find(({ title }) => title === 'address')?.cell({ object: item }, { gateways } as unknown as MeshStatus);
  expect(shown(object(), ingress, own)).toBe('http://localhost:8081 (port 80)');
  expect(shown(object(), ingress)).toBe('');
  const named = object([{ type: 'Hostname', value: 'istio-ingressgateway.istio-system.svc.cluster.local' }]);
  expect(shown(named, ingress)).toBe('http://localhost:8080');
});

test.each([
  ['Secret', 'data: {a: <hidden>, b: <hidden>}', { type: 'Opaque', data: '2' }],
  [
    'EndpointSlice',
    'addressType: IPv4\nports: [{port: 80}, {port: 81}]\nendpoints: [{addresses: [10.0.0.1]}, {addresses: [10.0.0.2]}]',
    { addresstype: 'IPv4', ports: '80,81', endpoints: '10.0.0.1,10.0.0.2' },
  ],
  [
    'GatewayClass',
    'spec: {controllerName: a.test/b, description: for tests}\nstatus: {conditions: [{type: Accepted, status: "True"}]}',
    { controller: 'a.test/b', accepted: 'True', description: 'for tests' },
  ],
  ['GatewayClass', 'spec: {controllerName: a.test/b}', { controller: 'a.test/b', accepted: '', description: '' }],
  [
    'gtw',
    `spec: {gatewayClassName: lateen}
status: {conditions: [{type: Accepted, status: "True"}, {type: Programmed, status: "False"}]}`,
    { class: 'lateen', listeners: '', address: '', programmed: 'False' },
  ],
  [
    'ListenerSet',
    'status: {conditions: [{type: Accepted, status: "True"}, {type: Programmed, status: "False"}]}',
    { accepted: 'True', programmed: 'False' },
  ],
  ['HTTPRoute', 'spec: {hostnames: [a.test, b.test]}', { hostnames: '["a.test","b.test"]' }],
  ['GRPCRoute', 'spec: {}', { hostnames: '' }],
  ['IngressClass', 'spec: {controller: istio.io/ingress-controller}', { controller: 'istio.io/ingress-controller' }],
  [
    'Ingress',
    'spec: {ingressClassName: istio, rules: [{host: a.example.com}, {}], tls: [{}]}',
    { class: 'istio', hosts: 'a.example.com', address: '', ports: '80, 443' },
  ],
  [
    'Ingress',
    'spec: {rules: [{host: a}, {host: b}, {host: c}, {host: d}, {host: e}]}',
    { class: '<none>', hosts: 'a,b,c + 2 more...', address: '', ports: '80' },
  ],
  ['Ingress', 'spec: {}', { class: '<none>', hosts: '*', address: '', ports: '80' }],
  [
    'ServiceEntry',
    'spec: {hosts: [a.example.com], ports: [{number: 80}, {number: 443}], addresses: [10.0.0.0/8]}',
    {
      hosts: '["a.example.com"]',
      location: 'MESH_EXTERNAL',
      resolution: 'NONE',
      addresses: '["10.0.0.0/8"]',
      ports: '80,443',
    },
  ],
  ['WorkloadEntry', 'spec: {address: 10.0.0.1, labels: {app: a}}', { address: '10.0.0.1', labels: 'app=a' }],
  [
    'Sidecar',
    'spec: {egress: [{hosts: ["./*"]}, {hosts: ["a/*"]}], workloadSelector: {labels: {app: a}}}',
    { egress: '["./*","a/*"]', selector: 'app=a' },
  ],
  ['ProxyConfig', 'spec: {concurrency: 0}', { concurrency: '0', selector: '' }],
  [
    'EnvoyFilter',
    'spec: {configPatches: [{applyTo: CLUSTER}, {applyTo: LISTENER}]}',
    { patches: 'CLUSTER,LISTENER', matches: '', priority: '0', selector: '' },
  ],
  [
    'TrafficSchedule',
    `spec:
  targetRefs: [{name: reviews, sectionName: jason}, {name: ratings}]
  windows: [{days: [Sat, Sun], from: "09:00"}, {to: "17:00"}]`,
    {
      active: '',
      'next change': '',
      targets: 'reviews/jason,ratings',
      windows: 'Sat,Sun 09:00-24:00; 00:00-17:00',
      'time zone': 'UTC',
    },
  ],
] as const)('the columns of a %s', (kind, manifest, columns) => {
  expect(row(kind, manifest)).toEqual(columns);
});

test('the matches of an EnvoyFilter, patch by patch', () => {
  const item = { object: { kind: 'EnvoyFilter', apiVersion: '', metadata: { name: 'a', namespace: 'b' } } };
  const status = { ...NO_STATUS, envoyFilters: [{ name: 'a', namespace: 'b', matches: [6, 0] }] };
  const columns = columnsOf({ kind: findKind('EnvoyFilter'), items: [item], status });
  expect(columns.find(({ title }) => title === 'matches')?.cell(item, status)).toBe('6,0');
});

test.each([
  [
    { open: true, changesAt: '2026-11-23T16:00:00.000Z', timeZone: 'Europe/Berlin' },
    'yes',
    '2026-11-23 17:00 Europe/Berlin',
  ],
  [{ open: false, timeZone: 'UTC' }, 'no', 'never'],
])('a schedule %o', (state, active, next) => {
  const item = { object: { kind: 'TrafficSchedule', apiVersion: '', metadata: { name: 'a', namespace: 'b' } } };
  const status = { ...NO_STATUS, schedules: [{ name: 'a', namespace: 'b', ...state }] };
  const cells = columnsOf({ kind: findKind('TrafficSchedule'), items: [item], status }).map(({ cell }) =>
    cell(item, status),
  );
  expect(cells.slice(0, 2)).toEqual([active, next]);
});
