import { nodeIdOf } from '@lateen/api/workload-instance.ts';
import { expect, test } from 'vitest';
import { gatewayOf, networkingText, pilotOf, serviceText, sidecarOf } from '#pilot/testing/pilot-of.ts';
import type { ResourceType } from '#pilot/xds/resource.ts';
import { objectsBehind } from './blame.ts';

const HOST = 'a.default.svc.cluster.local';

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
  ['a cluster: the DestinationRule', sidecar, 'cluster', `outbound|80||${HOST}`, ['DestinationRule/default/versions']],
  ['that of a subset', sidecar, 'cluster', `outbound|80|v1|${HOST}`, ['DestinationRule/default/versions']],
  ['at a gateway as well', gateway, 'cluster', `outbound|80||${HOST}`, ['DestinationRule/default/versions']],
  ['where nothing steers', sidecar, 'cluster', 'outbound|80||b.default.svc.cluster.local', []],
  ['the cluster of the application: its Service', sidecar, 'cluster', 'inbound|8080||', []],
  [
    'an inbound port: its PeerAuthentication',
    sidecar,
    'listener',
    'inbound|8080',
    ['PeerAuthentication/default/strict'],
  ],
  ["a gateway's port: its Gateway", gateway, 'listener', 'gateway|80', ['Gateway/default/front']],
  ["a gateway's routes: their VirtualService", gateway, 'route', 'http.80', ['VirtualService/default/outside']],
  ['the routes of one service', sidecar, 'route', `${HOST}:80`, ['VirtualService/default/inside']],
  [
    'the routes of the HTTP proxy: all of them',
    sidecar,
    'route',
    'http_proxy',
    ['VirtualService/default/inside', 'VirtualService/default/inside-b'],
  ],
  ['a secret: the Secret', gateway, 'secret', 'kubernetes://cert', ['Secret/default/cert']],
  [
    'those of the authorities beside it as well',
    gateway,
    'secret',
    'kubernetes://cert-cacert',
    ['Secret/default/cert'],
  ],
  ['endpoints, which no user writes', sidecar, 'endpoint', `outbound|80||${HOST}`, []],
])('the objects behind %s', (_, of, type, name, objects) => {
  expect([...(pilot.resources.holdings.get(nodeIdOf(of))?.[type].keys() ?? [])]).toContain(name);
  expect(objectsBehind(pilot, nodeIdOf(of), type, name)).toEqual(objects);
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
