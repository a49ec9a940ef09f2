import { nodeIdOf } from '@lateen/api/workload-instance.ts';
import { expect, test } from 'vitest';
import { gatewayOf, networkingText, pilotOf, serviceText } from '../testing/pilot-of.ts';
import type { ListenerIr } from './ir/listener.ts';

const RULES =
  serviceText('a', '[{port: 80, name: http}]') +
  networkingText(
    'VirtualService',
    'a',
    '{hosts: ["*"], gateways: [front], http: [{route: [{destination: {host: a}}]}], tcp: [{route: [{destination: {host: a}}]}]}',
  );

/** The listeners of a gateway for the servers, whose port 80 is 8080 of the host. */
function listenersFor(servers: string, opensAll = false): readonly ListenerIr[] {
  const hostPorts = { 80: 8080, 443: 8443 };
  const proxy = gatewayOf(hostPorts, {
    capture: { mode: 'gateway', hostPorts, ...(opensAll ? { opensAll: true as const } : {}) },
  });
  const gateway = networkingText('Gateway', 'front', `{selector: {istio: ingressgateway}, servers: [${servers}]}`);
  return pilotOf(RULES + gateway, proxy).resolved.own.get(nodeIdOf(proxy))?.listeners ?? [];
}

function server(port: number, protocol: string, more = ''): string {
  return `{port: {number: ${port}, name: ${protocol.toLowerCase()}-${port}, protocol: ${protocol}}, hosts: ["*"]${more}}`;
}

function places(listeners: readonly ListenerIr[]): string[] {
  return listeners.map(({ name, address, port }) => `${name}: ${address} ${port}`);
}

test('a gateway opens the ports of the host that stand for those of its servers', () => {
  expect(places(listenersFor(`${server(80, 'HTTP')}, ${server(443, 'TCP')}, ${server(9000, 'HTTP')}`))).toEqual([
    'gateway|80: 127.0.0.1 8080',
    'gateway|443: 127.0.0.1 8443',
  ]);
});

test('one that has its machine to itself opens them as they are, everywhere', () => {
  expect(places(listenersFor(server(9000, 'HTTP'), true))).toEqual(['0.0.0.0_9000: 0.0.0.0 9000']);
});

test('a server with an address of its own has a listener of its own', () => {
  const servers = `${server(80, 'HTTP')}, ${server(80, 'TCP', ', bind: 127.0.0.2')}`;
  const listeners = listenersFor(servers);
  expect(places(listeners)).toEqual(['gateway|80: 127.0.0.1 8080', 'gateway|80|127.0.0.2: 127.0.0.2 8080']);
  expect(listeners.map(({ chains }) => chains.map(({ handler }) => handler.type))).toEqual([['http'], ['tcp']]);
});

test('where no rules are for connections, nothing is opened for them', () => {
  const noRules = networkingText(
    'Gateway',
    'other',
    '{selector: {istio: ingressgateway}, servers: [{port: {number: 443, name: tcp, protocol: TCP}, hosts: ["*"]}]}',
  );
  const proxy = gatewayOf({ 443: 8443 });
  expect(pilotOf(RULES + noRules, proxy).resolved.own.get(nodeIdOf(proxy))?.listeners).toEqual([]);
});

test('HTTP/3 has a listener for UDP at the same port', () => {
  const annotated = networkingText(
    'Gateway',
    'front',
    `{selector: {istio: ingressgateway}, servers: [${server(443, 'HTTPS', ', tls: {mode: SIMPLE, credentialName: a}')}]}`,
  ).replace('namespace: default}', "namespace: default, annotations: {lateen.dev/http3: 'true'}}");
  const proxy = gatewayOf({ 443: 8443 });
  const own = pilotOf(RULES + annotated, proxy).resolved.own.get(nodeIdOf(proxy));
  expect(own?.listeners.map(({ name, port, quic = false }) => ({ name, port, quic }))).toEqual([
    { name: 'gateway|443', port: 8443, quic: false },
    { name: 'gateway|443|quic', port: 8443, quic: true },
  ]);
  expect(own?.tables.map(({ altSvc }) => altSvc)).toEqual(['h3=":8443"; ma=86400']);
});

test('one more Ingress on the port of HTTP is no change of the listener', () => {
  const proxy = gatewayOf({ 80: 8080 });
  const ingress = (name: string) =>
    `---\n{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {name: ${name}, annotations: {kubernetes.io/ingress.class: istio}}, spec: {rules: [{host: ${name}.test, http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: a, port: {number: 80}}}}]}}]}}\n`;
  const resolve = (text: string) => pilotOf(RULES + text, proxy).resolved.own.get(nodeIdOf(proxy));
  const one = resolve(ingress('a'));
  const two = resolve(ingress('a') + ingress('b'));
  expect(one?.listeners.map(({ name }) => name)).toEqual(['gateway|80']);
  expect(two?.listeners).toEqual(one?.listeners);
  expect(two?.tables[0]?.virtualHosts.flatMap(({ domains }) => domains)).toEqual(['a.test', 'b.test']);
});
