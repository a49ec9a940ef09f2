import { nodeIdOf, type WorkloadInstance } from '@lateen/api/workload-instance.ts';
import { describe, expect, it } from 'vitest';
import type { Pilot } from '../pilot.ts';
import { heldTable } from '../testing/held-table.ts';
import { networkingText, pilotOf, serviceText, sidecarOf } from '../testing/pilot-of.ts';
import type { ListenerIr } from './ir/listener.ts';

const SERVICES =
  serviceText('a', '[{port: 80, name: http}, {port: 9090, name: http-admin}]') +
  serviceText('b', '[{port: 80, name: http}, {port: 3306, name: mysql}]') +
  serviceText('c', '[{port: 80, name: http}]', { namespace: 'other' });

const sidecar = (spec: string) => networkingText('Sidecar', 'default', spec);
const explicit = sidecarOf('client', { ports: [] });
const redirected = sidecarOf('client', {
  address: '10.1.0.1',
  ports: [],
  capture: { mode: 'redirect', interception: 'redirect' },
});

function held(pilot: Pilot, client: WorkloadInstance) {
  const { resolved } = pilot;
  const shared = resolved.shared.get(nodeIdOf(client));
  const own = resolved.own.get(nodeIdOf(client));
  const listeners = [...(shared?.listeners.values() ?? [])].map((key) => resolved.listeners.get(key) as ListenerIr);
  return {
    clusters: [...(shared?.clusters.keys() ?? [])].filter((name) => name.startsWith('outbound|')),
    endpoints: [...(shared?.endpoints.keys() ?? [])],
    listeners: [...listeners, ...(own?.listeners ?? [])],
    own: own?.clusters ?? [],
    table: (name: string) => heldTable(pilot, client, name),
  };
}

describe('a Sidecar with hosts', () => {
  const text = SERVICES + sidecar('{egress: [{hosts: ["./a.default.svc.cluster.local"]}]}');

  it.each([explicit, redirected])('leaves the clusters and hosts of others out', (client) => {
    const { clusters, endpoints, table } = held(pilotOf(text, client), client);
    const names = ['outbound|80||a.default.svc.cluster.local', 'outbound|9090||a.default.svc.cluster.local'];
    expect(clusters).toEqual(names);
    expect(endpoints).toEqual(names);
    const hosts = table('http_proxy') ?? table('80');
    const services = hosts?.virtualHosts.map(({ name }) => name).filter((name) => !name.endsWith(':9090'));
    expect(services).toEqual(['a.default.svc.cluster.local:80', 'allow_any']);
  });

  it('has listeners for service ports only where a service is known', () => {
    const ports = { 'a.default.svc.cluster.local:80': 1, 'b.default.svc.cluster.local:3306': 2 };
    const client = { ...explicit, capture: { mode: 'explicit', httpProxyPort: 3, servicePorts: ports } } as const;
    const names = held(pilotOf(text, client), client).listeners.map(({ name }) => name);
    expect(names).toEqual(['outbound|http_proxy', 'outbound|80||a.default.svc.cluster.local']);
  });

  it('does not limit gateways, and nobody where scoping is off', () => {
    const gateway = { ...redirected, role: 'router', capture: { mode: 'gateway', hostPorts: {} } } as const;
    expect(held(pilotOf(text, gateway), gateway).clusters).toHaveLength(5);
    expect(held(pilotOf({ text, scoping: 'off' }, redirected), redirected).clusters).toHaveLength(5);
  });

  it('tells the classes of clients apart by its selector', () => {
    const selecting = sidecar('{workloadSelector: {labels: {app: a}}, egress: [{hosts: ["./a"]}]}');
    const other = sidecarOf('other', { labels: { app: 'b' }, ports: [] });
    const pilot = pilotOf(SERVICES + selecting, explicit, other);
    expect(held(pilot, explicit).clusters).toHaveLength(2);
    expect(held(pilot, other).clusters).toHaveLength(5);
  });
});

describe('an egress listener with an address of its own', () => {
  const at = (listener: string, client: WorkloadInstance) => {
    const pilot = pilotOf(SERVICES + sidecar(`{egress: [{${listener}}, {hosts: ["./b"]}]}`), client);
    const found = held(pilot, client);
    return { ...found, bound: found.listeners.find(({ sources }) => sources.some(({ kind }) => kind === 'Sidecar')) };
  };

  it('has the services listed for its port, by Host header', () => {
    const { bound, table } = at('port: {number: 9090, protocol: HTTP}, bind: 127.0.0.2, hosts: ["*/*"]', explicit);
    expect(bound).toMatchObject({ name: '127.0.0.2_9090', address: '127.0.0.2', port: 9090 });
    expect(bound?.socket).toBeUndefined();
    expect(table('127.0.0.2_9090')?.virtualHosts.map(({ name }) => name)).toEqual([
      'a.default.svc.cluster.local:9090',
      'allow_any',
    ]);
    expect(table('http_proxy')?.virtualHosts.map(({ name }) => name)).toEqual([
      'b.default.svc.cluster.local:80',
      'b.default.svc.cluster.local:3306',
      'allow_any',
    ]);
  });

  it('takes redirected connections where there are some, unless it is not to be captured', () => {
    const listener = 'port: {number: 9090, protocol: HTTP}, bind: 10.0.0.9, hosts: ["*/*"]';
    expect(at(listener, redirected).bound?.socket).toEqual({ type: 'none' });
    expect(at(`${listener}, captureMode: NONE`, redirected).bound?.socket).toBeUndefined();
  });

  it('is on the loopback address where it has none and is not to be captured', () => {
    const { bound } = at('port: {number: 9090, protocol: HTTP}, captureMode: NONE, hosts: ["*/*"]', explicit);
    expect(bound).toMatchObject({ address: '127.0.0.1', port: 9090 });
  });

  it('can be a socket, through which all ports are called', () => {
    const { bound, table } = at(
      'port: {number: 0, protocol: HTTP}, bind: "unix:///run/a.sock", hosts: ["./a"]',
      redirected,
    );
    expect(bound).toMatchObject({ name: '/run/a.sock', address: '/run/a.sock', port: 0 });
    expect(table('/run/a.sock')?.virtualHosts.map(({ name }) => name)).toEqual([
      'a.default.svc.cluster.local:80',
      'a.default.svc.cluster.local:9090',
      'allow_any',
    ]);
  });

  it('for TCP leads to the first service', () => {
    const { bound } = at('port: {number: 3306, protocol: TCP}, bind: 127.0.0.2, hosts: ["*/*"]', explicit);
    expect(bound?.chains.map(({ handler }) => handler)).toEqual([
      {
        type: 'tcp',
        tcp: { statPrefix: 'outbound_127.0.0.2_3306', cluster: 'outbound|3306||b.default.svc.cluster.local' },
      },
    ]);
  });

  it('for TLS to hosts that only the handshake names looks them up', () => {
    const wild = networkingText(
      'ServiceEntry',
      'wild',
      '{hosts: ["*.x.test"], ports: [{number: 443, name: tls, protocol: TLS}], resolution: DYNAMIC_DNS}',
    );
    const listener = '{port: {number: 443, protocol: TLS}, bind: 127.0.0.2, hosts: ["./*.x.test"]}';
    const { listeners } = held(pilotOf(wild + sidecar(`{egress: [${listener}]}`), explicit), explicit);
    expect(listeners.find(({ name }) => name === '127.0.0.2_443')?.chains).toMatchObject([
      {
        match: { transport: 'tls' },
        handler: { type: 'tcp', tcp: { cluster: 'outbound|443||*.x.test', serverNamePort: 443 } },
      },
    ]);
  });
});

describe('calls outside, where they are redirected', () => {
  it.each([
    ['{mode: REGISTRY_ONLY}', 'BlackHoleCluster'],
    ['{mode: ALLOW_ANY}', 'PassthroughCluster'],
    ['{mode: ALLOW_ANY, egressProxy: {host: a, port: {number: 80}}}', 'outbound|80||a.default.svc.cluster.local'],
  ])('%s', (policy, cluster) => {
    const { listeners } = held(
      pilotOf(SERVICES + sidecar(`{outboundTrafficPolicy: ${policy}}`), redirected),
      redirected,
    );
    const fallbacks = listeners.flatMap(({ fallback }) => (fallback === undefined ? [] : [fallback.handler]));
    const led = fallbacks.map((handler) => (handler.type === 'tcp' ? handler.tcp.cluster : ''));
    expect(new Set(led)).toEqual(new Set([cluster]));
  });
});

describe('ingress listeners, where calls are redirected', () => {
  const server = { ...redirected, name: 'server', labels: { app: 'a' } };
  const inbound = (spec: string) => held(pilotOf(SERVICES + sidecar(`{ingress: [${spec}]}`), server), server);

  it.each([
    ['', { address: '10.1.0.1', port: 80, sourceAddress: '127.0.0.6' }],
    [', defaultEndpoint: 127.0.0.1:8080', { address: '127.0.0.1', port: 8080 }],
    [', defaultEndpoint: 0.0.0.0:8080', { address: '10.1.0.1', port: 8080, sourceAddress: '127.0.0.6' }],
    [', defaultEndpoint: "unix:///run/a.sock"', { address: '/run/a.sock', port: 0 }],
  ])('lead to the application%s', (endpoint, at) => {
    const { own } = inbound(`{port: {number: 80, protocol: HTTP, name: http}${endpoint}}`);
    const application = own.find(({ type }) => type === 'application');
    expect(application).toMatchObject({ name: 'inbound|80||', ...at });
    if (!('sourceAddress' in at)) expect(application).not.toHaveProperty('sourceAddress');
  });

  it('take the place of the ports of services', () => {
    const { listeners } = inbound('{port: {number: 81, protocol: TCP, name: tcp}}');
    const virtual = listeners.find(({ name }) => name === 'virtualInbound');
    const ports = virtual?.chains.flatMap(({ match }) => match.destinationPort ?? []);
    expect(new Set(ports)).toEqual(new Set([15_006, 81]));
  });

  it('have a socket of their own when they are not to be captured', () => {
    const { listeners } = inbound('{port: {number: 81, protocol: TCP, name: tcp}, bind: 10.1.0.9, captureMode: NONE}');
    expect(listeners.find(({ name }) => name === '10.1.0.9_81')).toMatchObject({ address: '10.1.0.9', port: 81 });
    const virtual = listeners.find(({ name }) => name === 'virtualInbound');
    expect(virtual?.chains.filter(({ match }) => match.destinationPort === 81)).toEqual([]);
  });
});
