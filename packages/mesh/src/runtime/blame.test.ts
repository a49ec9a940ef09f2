import { nodeIdOf } from '@lateen/api/workload-instance.ts';
import { expect, test } from 'vitest';
import { gatewayOf, networkingText, pilotOf, serviceText, sidecarOf } from '#pilot/testing/pilot-of.ts';
import type { ResourceType } from '#pilot/xds/resource.ts';
import { likeliest, objectsBehind } from './blame.ts';

const HOST = 'a.default.svc.cluster.local';

const OF_A = ['Service/default/a', 'DestinationRule/default/versions'];

const gateway = gatewayOf({ 80: 8080 });
const sidecar = sidecarOf('a-0', {
  capture: { mode: 'explicit', httpProxyPort: 20_002, servicePorts: { [`${HOST}:80`]: 20_003 } },
});
const text =
  serviceText('a', '[{port: 80, name: http, targetPort: web}]') +
  serviceText('b', '[{port: 80, name: http, targetPort: web}]') +
  networkingText('DestinationRule', 'versions', '{host: a, subsets: [{name: v1, labels: {version: v1}}]}') +
  networkingText('VirtualService', 'inside', '{hosts: [a], http: [{route: [{destination: {host: a}}]}]}') +
  networkingText('VirtualService', 'inside-b', '{hosts: [b], http: [{route: [{destination: {host: b}}]}]}') +
  networkingText(
    'VirtualService',
    'outside',
    '{hosts: ["*"], gateways: [front], http: [{route: [{destination: {host: b}}]}]}',
  ) +
  networkingText(
    'Gateway',
    'front',
    '{selector: {istio: ingressgateway}, servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: ["*"]}]}',
  ) +
  '---\n{apiVersion: security.istio.io/v1, kind: PeerAuthentication, metadata: {name: strict}, spec: {mtls: {mode: STRICT}}}\n';
const secret =
  '---\n{apiVersion: v1, kind: Secret, metadata: {name: cert}, stringData: {tls.crt: chain, tls.key: key, ca.crt: roots}}\n';
const pilot = pilotOf(text + secret, sidecar, gateway);

test.each<[what: string, of: typeof sidecar, type: ResourceType, name: string, objects: string[]]>([
  ['a cluster: the Service and the DestinationRule', sidecar, 'cluster', `outbound|80||${HOST}`, OF_A],
  ['that of a subset', sidecar, 'cluster', `outbound|80|v1|${HOST}`, OF_A],
  ['at a gateway as well', gateway, 'cluster', `outbound|80||${HOST}`, OF_A],
  ['where nothing steers', sidecar, 'cluster', 'outbound|80||b.default.svc.cluster.local', ['Service/default/b']],
  ['the cluster of the application: its Service', sidecar, 'cluster', 'inbound|8080||', ['Service/default/a']],
  [
    'an inbound port: its PeerAuthentication',
    sidecar,
    'listener',
    'inbound|8080',
    ['Service/default/a', 'PeerAuthentication/default/strict'],
  ],
  ["a gateway's port: its Gateway", gateway, 'listener', 'gateway|80', ['Gateway/default/front']],
  ["a gateway's routes: their VirtualService", gateway, 'route', 'http.80', ['VirtualService/default/outside']],
  ['the routes of one service', sidecar, 'route', `${HOST}:80`, ['VirtualService/default/inside']],
  [
    'the routes of the HTTP proxy: all of them',
    sidecar,
    'route',
    'http_proxy',
    // Tunnels are for the services themselves.
    ['Service/default/a', 'VirtualService/default/inside', 'Service/default/b', 'VirtualService/default/inside-b'],
  ],
  ['a secret: the Secret', gateway, 'secret', 'kubernetes://cert', ['Secret/default/cert']],
  [
    'those of the authorities beside it as well',
    gateway,
    'secret',
    'kubernetes://cert-cacert',
    ['Secret/default/cert'],
  ],
  ['endpoints: what their cluster is made of', sidecar, 'endpoint', `outbound|80||${HOST}`, OF_A],
])('the objects behind %s', (_, of, type, name, objects) => {
  expect([...(pilot.resources.holdings.get(nodeIdOf(of))?.[type].keys() ?? [])]).toContain(name);
  expect(objectsBehind(pilot, nodeIdOf(of), type, name)).toEqual(objects);
});

test('ServiceEntries, and who else says where they are, are behind what is made of them', () => {
  const entry = (name: string, spec: string) => networkingText('ServiceEntry', name, spec);
  const http = 'ports: [{number: 80, name: http, protocol: HTTP}]';
  const slice = `---\n{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, metadata: {name: s, labels: {kubernetes.io/service-name: c}}, addressType: IPv4, ports: [{port: 1}], endpoints: [{addresses: [10.0.0.9]}]}\n`;
  const outside = pilotOf(
    entry('dns', `{hosts: [dns.test], ${http}, resolution: DNS}`) +
      entry('machines', `{hosts: [m.test], ${http}, resolution: STATIC, workloadSelector: {labels: {app: m}}}`) +
      networkingText('WorkloadEntry', 'one', '{address: 10.0.0.1, labels: {app: m}}') +
      networkingText('WorkloadEntry', 'two', '{address: 10.0.0.2, labels: {app: other}}') +
      networkingText('WorkloadEntry', 'three', '{address: 10.0.0.3, labels: {app: m}}', 'elsewhere') +
      serviceText('c', '[{port: 80}]') +
      slice,
    sidecar,
  );
  const behind = (type: ResourceType, name: string) => objectsBehind(outside, nodeIdOf(sidecar), type, name);
  expect(behind('cluster', 'outbound|80||dns.test')).toEqual(['ServiceEntry/default/dns']);
  const machines = ['ServiceEntry/default/machines', 'WorkloadEntry/default/one'];
  expect(behind('cluster', 'outbound|80||m.test')).toEqual(machines);
  expect(behind('endpoint', 'outbound|80||m.test')).toEqual(machines);
  expect(behind('endpoint', 'outbound|80||c.default.svc.cluster.local')).toEqual([
    'Service/default/c',
    'EndpointSlice/default/s',
  ]);
  expect(behind('route', 'http_proxy')).toEqual([
    'Service/default/c',
    'ServiceEntry/default/dns',
    'ServiceEntry/default/machines',
  ]);
});

test('rules are likelier to blame than the services that they are for', () => {
  expect(likeliest(['Service/default/a', 'DestinationRule/default/a'])).toEqual(['DestinationRule/default/a']);
  expect(likeliest(['Service/default/a', 'ServiceEntry/default/a'])).toHaveLength(2);
});

test('an EnvoyFilter is behind what it patched or added, and nothing else', () => {
  const patches = [
    '{applyTo: CLUSTER, match: {cluster: {subset: v1}}, patch: {operation: MERGE, value: {connect_timeout: 1s}}}',
    '{applyTo: LISTENER, match: {listener: {portNumber: 8080}}, patch: {operation: MERGE, value: {name: new}}}',
    '{applyTo: VIRTUAL_HOST, match: {context: GATEWAY}, patch: {operation: MERGE, value: {request_headers_to_remove: [x]}}}',
    '{applyTo: EXTENSION_CONFIG, patch: {operation: ADD, value: {name: extension}}}',
  ];
  const filter = `---\n{apiVersion: networking.istio.io/v1alpha3, kind: EnvoyFilter, metadata: {name: f, namespace: istio-system}, spec: {configPatches: [${patches}]}}\n`;
  const patched = pilotOf(text + filter, sidecar, gateway);
  const behind = (of: typeof sidecar, type: ResourceType, name: string) =>
    objectsBehind(patched, nodeIdOf(of), type, name).includes('EnvoyFilter/istio-system/f');
  expect(behind(sidecar, 'cluster', `outbound|80|v1|${HOST}`)).toBe(true);
  expect(behind(sidecar, 'cluster', `outbound|80||${HOST}`)).toBe(false);
  expect(behind(sidecar, 'listener', 'new')).toBe(true);
  expect(behind(sidecar, 'listener', 'outbound|http_proxy')).toBe(false);
  expect(behind(gateway, 'route', 'http.80')).toBe(true);
  expect(behind(sidecar, 'route', 'http_proxy')).toBe(false);
  expect(behind(sidecar, 'extension', 'extension')).toBe(true);
});

test('nothing is behind what a proxy does not hold', () => {
  for (const type of ['cluster', 'listener', 'route', 'endpoint'] as const) {
    expect(objectsBehind(pilot, nodeIdOf(gateway), type, 'nothing')).toEqual([]);
  }
  expect(
    objectsBehind(pilot, 'router~127.0.0.1~gone.default~default.svc.cluster.local', 'listener', 'gateway|80'),
  ).toEqual([]);
});
