import { nodeIdOf, type WorkloadInstance } from '@lateen/api/workload-instance.ts';
import { describe, expect, it } from 'vitest';
import type { Pilot } from '../pilot.ts';
import { heldTable } from '../testing/held-table.ts';
import { networkingText, pilotOf, sidecarOf } from '../testing/pilot-of.ts';
import type { FilterChainIr, ListenerIr } from './ir/listener.ts';

function service(name: string, port: string, address?: string, namespace = 'default'): string {
  const ip = address === undefined ? '' : `clusterIP: ${address}, `;
  return `---\n{apiVersion: v1, kind: Service, metadata: {name: ${name}, namespace: ${namespace}}, spec: {${ip}ports: [${port}]}}\n`;
}

function redirected(interception: 'redirect' | 'none' = 'redirect', more: Partial<WorkloadInstance> = {}) {
  return sidecarOf('client', { address: '10.1.0.1', ports: [], capture: { mode: 'redirect', interception }, ...more });
}

function listenersOf({ resolved }: Pilot, client: WorkloadInstance): Map<string, ListenerIr> {
  const keys = resolved.shared.get(nodeIdOf(client))?.listeners ?? new Map<string, string>();
  return new Map([...keys].map(([name, key]) => [name, resolved.listeners.get(key) as ListenerIr]));
}

/** What a chain leads to: a route table or a cluster. */
function target({ handler }: FilterChainIr): string {
  if (handler.type === 'tcp') return String(handler.tcp.cluster);
  return handler.http.routes.type === 'discovered' ? `table ${handler.http.routes.name}` : 'inline';
}

function outline(listener: ListenerIr | undefined): readonly string[] {
  if (listener === undefined) return [];
  const chains = listener.chains.map((chain) => `${JSON.stringify(chain.match)} ${target(chain)}`);
  return listener.fallback === undefined ? chains : [...chains, `else ${target(listener.fallback)}`];
}

describe('redirected calls', () => {
  const HTTP = service('a', '{port: 80, name: http}', '10.96.0.1') + service('b', '{port: 80, name: http}');
  const client = redirected();

  it('of HTTP share a listener for each port, told apart by the Host header; all else on that port is passed on', () => {
    const pilot = pilotOf(HTTP, client);
    const listeners = listenersOf(pilot, client);
    expect([...listeners.keys()]).toEqual(['0.0.0.0_80', 'virtualOutbound']);
    expect(outline(listeners.get('0.0.0.0_80'))).toEqual([
      '{"applicationProtocols":"http"} table 80',
      'else PassthroughCluster',
    ]);
    expect(heldTable(pilot, client, '80')).toMatchObject({
      ignorePortInHost: true,
      virtualHosts: [
        {
          name: 'a.default.svc.cluster.local:80',
          domains: ['a', 'a.default', 'a.default.svc', 'a.default.svc.cluster.local', '10.96.0.1'],
        },
        { domains: ['b', 'b.default', 'b.default.svc', 'b.default.svc.cluster.local'] },
        { name: 'allow_any', domains: ['*'] },
      ],
    });
  });

  it('of HTTP are for the Service with the address where routes are for Services', () => {
    const route = `---
{apiVersion: gateway.networking.k8s.io/v1, kind: HTTPRoute, metadata: {name: a}, spec: {parentRefs: [{group: '', kind: Service, name: b}], rules: [{name: b, backendRefs: [{name: b, port: 80}]}]}}
`;
    const pilot = pilotOf(HTTP + service('c', '{port: 80, name: http}', '10.96.0.3') + route, client);
    const listeners = listenersOf(pilot, client);
    expect([...listeners.keys()]).toEqual(['0.0.0.0_80', '10.96.0.1_80', '10.96.0.3_80', 'virtualOutbound']);
    expect(outline(listeners.get('10.96.0.1_80'))).toEqual(['{} table a.default.svc.cluster.local:80']);
    expect(heldTable(pilot, client, 'a.default.svc.cluster.local:80')?.virtualHosts).toMatchObject([
      { domains: ['*'] },
    ]);
  });

  it('for the port of the proxy itself end there', () => {
    expect(outline(listenersOf(pilotOf(HTTP, client), client).get('virtualOutbound'))).toEqual([
      '{"destinationPort":15001} BlackHoleCluster',
      'else PassthroughCluster',
    ]);
  });

  it('of other protocols go to the service with the address', () => {
    const text = service('a', '{port: 3306, name: mysql}', '10.96.0.1') + service('b', '{port: 7000}', '10.96.0.2');
    const pilot = pilotOf(text, client);
    const listeners = listenersOf(pilot, client);
    expect([...listeners.keys()]).toEqual(['10.96.0.1_3306', '10.96.0.2_7000', 'virtualOutbound']);
    expect(outline(listeners.get('10.96.0.1_3306'))).toEqual(['{} outbound|3306||a.default.svc.cluster.local']);
    expect(outline(listeners.get('10.96.0.2_7000'))).toEqual([
      '{"applicationProtocols":"http"} table b.default.svc.cluster.local:7000',
      '{} outbound|7000||b.default.svc.cluster.local',
    ]);
    expect(heldTable(pilot, client, 'b.default.svc.cluster.local:7000')?.virtualHosts).toHaveLength(1);
  });

  it('that could be meant for several services without an address go to the first, or by Host header where there is one', () => {
    const text =
      service('a', '{port: 80, name: http}') + service('b', '{port: 80, name: tcp}') + service('c', '{port: 80}');
    const pilot = pilotOf(text, client);
    expect(outline(listenersOf(pilot, client).get('0.0.0.0_80'))).toEqual([
      '{"applicationProtocols":"http"} table 80',
      'else outbound|80||b.default.svc.cluster.local',
    ]);
    expect(heldTable(pilot, client, '80')?.virtualHosts.map(({ name }) => name)).toEqual([
      'a.default.svc.cluster.local:80',
      'c.default.svc.cluster.local:80',
      'allow_any',
    ]);
  });

  it('know no domain twice', () => {
    const text =
      service('a', '{port: 80, name: http}', '10.96.0.1') + service('b', '{port: 80, name: http}', '10.96.0.1');
    const domains = heldTable(pilotOf(text, client), client, '80')?.virtualHosts.flatMap((host) => host.domains) ?? [];
    expect(domains.filter((domain) => domain === '10.96.0.1')).toHaveLength(1);
  });

  it('of IPv6 come to listeners on its addresses', () => {
    const six = redirected('redirect', { address: 'fd00::1' });
    expect([...listenersOf(pilotOf(HTTP, six), six).keys()]).toEqual(['::_80', 'virtualOutbound']);
  });

  it('share everything with the other clients of a namespace', () => {
    const other = redirected('redirect', { name: 'other', address: '10.1.0.2', labels: {} });
    const { resolved } = pilotOf(HTTP, client, other);
    expect(resolved.shared.get(nodeIdOf(other))).toBe(resolved.shared.get(nodeIdOf(client)));
  });
});

describe('rules for connections', () => {
  const rulesText = (name: string, spec: string) =>
    `---\n{apiVersion: networking.istio.io/v1, kind: VirtualService, metadata: {name: ${name}}, spec: ${spec}}\n`;
  const client = redirected('redirect', { labels: { tier: 'legacy' } });

  it('hold at the address of a service, and leave the rest to it', () => {
    const text =
      service('a', '{port: 3306, name: tcp}', '10.96.0.1') +
      service('b', '{port: 3306, name: tcp}', '10.96.0.2') +
      rulesText('a', '{hosts: [a, x.test], tls: [{match: [{sniHosts: [x.test]}], route: [{destination: {host: b}}]}]}');
    expect(outline(listenersOf(pilotOf(text, client), client).get('10.96.0.1_3306'))).toEqual([
      '{"serverNames":["x.test"],"transport":"tls"} outbound|3306||b.default.svc.cluster.local',
      '{} outbound|3306||a.default.svc.cluster.local',
    ]);
  });

  it('hold for services without an address, beside HTTP on the same port', () => {
    const text =
      service('a', '{port: 80, name: tcp}') +
      service('b', '{port: 81, name: tcp}', '10.96.0.2') +
      service('web', '{port: 80, name: http}', '10.96.0.3') +
      rulesText('a', '{hosts: [a], tcp: [{route: [{destination: {host: b}}]}]}');
    expect(outline(listenersOf(pilotOf(text, client), client).get('0.0.0.0_80'))).toEqual([
      '{"applicationProtocols":"http"} table 80',
      'else outbound|81||b.default.svc.cluster.local',
    ]);
  });

  it('ask for labels of clients, which then do not share listeners', () => {
    const other = redirected('redirect', { name: 'other', address: '10.1.0.2', labels: {} });
    const text =
      service('a', '{port: 3306, name: tcp}', '10.96.0.1') +
      service('b', '{port: 3306, name: tcp}', '10.96.0.2') +
      rulesText(
        'a',
        '{hosts: [a], tcp: [{match: [{sourceLabels: {tier: legacy}}], route: [{destination: {host: b}}]}]}',
      );
    const pilot = pilotOf(text, client, other);
    expect(outline(listenersOf(pilot, client).get('10.96.0.1_3306'))).toEqual([
      '{} outbound|3306||b.default.svc.cluster.local',
    ]);
    expect(outline(listenersOf(pilot, other).get('10.96.0.1_3306'))).toEqual([
      '{} outbound|3306||a.default.svc.cluster.local',
    ]);
  });

  it('take services with TLS by the server name', () => {
    const text =
      service('a', '{port: 443, name: tls}') +
      service('b', '{port: 443, name: tls}') +
      rulesText('a', '{hosts: [a], tcp: [{route: [{destination: {host: b}}]}]}');
    expect(outline(listenersOf(pilotOf(text, client), client).get('0.0.0.0_443'))).toEqual([
      '{"transport":"tls","serverNames":["a.default.svc.cluster.local"]} outbound|443||b.default.svc.cluster.local',
      '{"transport":"tls","serverNames":["b.default.svc.cluster.local"]} outbound|443||b.default.svc.cluster.local',
      'else PassthroughCluster',
    ]);
  });
});

describe('PASSTHROUGH', () => {
  const name = 'outbound|80||a.default.svc.cluster.local';
  const rule = networkingText(
    'DestinationRule',
    'a',
    '{host: a, trafficPolicy: {loadBalancer: {simple: PASSTHROUGH}}}',
  );

  const heldBy = (client: WorkloadInstance) => {
    const { resolved } = pilotOf(service('a', '{port: 80, name: http}') + rule, client);
    const held = resolved.shared.get(nodeIdOf(client));
    return {
      discovery: resolved.clusters.get(held?.clusters.get(name) ?? '')?.discovery.type,
      hasEndpoints: held?.endpoints.has(name),
    };
  };

  it('leads to the address that was meant, where the proxy knows it', () => {
    expect(heldBy(redirected('redirect'))).toEqual({ discovery: 'original-destination', hasEndpoints: false });
  });

  it('leads to any instance elsewhere', () => {
    expect(heldBy(redirected('none'))).toEqual({ discovery: 'eds', hasEndpoints: true });
    expect(heldBy(sidecarOf('client'))).toEqual({ discovery: 'eds', hasEndpoints: true });
  });
});

describe('without redirection', () => {
  const client = redirected('none');

  it('each port of a service is open on the loopback address', () => {
    const text =
      service('a', '{port: 80, name: http}', '10.96.0.1') + service('b', '{port: 3306, name: mysql}', '10.96.0.2');
    const listeners = listenersOf(pilotOf(text, client), client);
    expect([...listeners.values()].map(({ name, socket }) => [name, socket])).toEqual([
      ['127.0.0.1_80', undefined],
      ['127.0.0.1_3306', undefined],
    ]);
    expect(outline(listeners.get('127.0.0.1_80'))).toEqual(['{} table 80']);
    expect(outline(listeners.get('127.0.0.1_3306'))).toEqual(['{} outbound|3306||b.default.svc.cluster.local']);
  });
});
