import { type Listener, ListenerSchema } from '@lateen/envoy-api/envoy/config/listener/v3/listener_pb.js';
import { describe, expect, test } from 'vitest';
import { sourcesIn } from '../translate/metadata.ts';
import { patchListener } from './listeners.ts';
import type { ListenerFacts } from './match.ts';
import { messageOf, patchesOf, plain } from './testing/patches-of.ts';

const TLS = '"@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext';
const TCP = '"@type": type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy';
const HCM =
  '"@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager';

const BEFORE = `
name: in
traffic_direction: INBOUND
listener_filters:
  - {name: envoy.filters.listener.tls_inspector}
  - {name: envoy.filters.listener.http_inspector}
filter_chains:
  - name: mesh
    filter_chain_match: {transport_protocol: tls, application_protocols: [istio, istio-h2], server_names: [a.example.com]}
    transport_socket: {name: envoy.transport_sockets.tls, typed_config: {${TLS}, require_client_certificate: true}}
    filters: [{name: envoy.filters.network.tcp_proxy, typed_config: {${TCP}, stat_prefix: mesh, cluster: c}}]
  - name: plain
    filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          ${HCM}
          route_config:
            name: inbound|9080
            virtual_hosts: [{name: "inbound|http|9080", domains: ["*"], routes: [{name: default, match: {prefix: /}, route: {cluster: c}}]}]
default_filter_chain:
  name: rest
  filters: [{name: envoy.filters.network.tcp_proxy, typed_config: {${TCP}, stat_prefix: rest, cluster: c}}]
`;

const facts = {
  context: 'SIDECAR_INBOUND',
  names: ['in', 'virtualInbound'],
  ports: [9080],
  portNames: ['http'],
} as const satisfies ListenerFacts;
const table = { ...facts, names: ['inbound|9080', 'inbound|9080||'], gateways: [], routeNames: () => [] };

function patched(patches: string): { listener: Listener | undefined; applied: number; isSame: boolean } {
  const before = messageOf<Listener>(ListenerSchema, BEFORE);
  const applied = new Set<never>();
  const listener = patchListener(before, facts, () => table, patchesOf(patches), applied as never);
  return { listener, applied: applied.size, isSame: listener === before };
}

const chainNames = (listener: Listener | undefined) => listener?.filterChains.map(({ name }) => name);
const named = (match: string) => `
- applyTo: LISTENER
  match: {${match}}
  patch: {operation: MERGE, value: {per_connection_buffer_limit_bytes: 7}}`;

describe('a listener is found by', () => {
  test.each([
    'context: ANY',
    'context: SIDECAR_INBOUND',
    'listener: {name: in}',
    'listener: {name: virtualInbound}',
    'listener: {portNumber: 9080}',
    'listener: {name: in, portNumber: 9080}',
  ])('%s', (match) => {
    const { listener, applied } = patched(named(match));
    expect(listener?.perConnectionBufferLimitBytes).toBe(7);
    expect(applied).toBe(1);
    expect(sourcesIn(listener?.metadata)).toEqual([
      { kind: 'EnvoyFilter', namespace: 'default', name: 'f', path: 'spec.configPatches[0]' },
    ]);
  });

  test.each(['context: GATEWAY', 'context: SIDECAR_OUTBOUND', 'listener: {name: out}', 'listener: {portNumber: 80}'])(
    'not by %s',
    (match) => {
      expect(patched(named(match))).toMatchObject({ applied: 0, isSame: true });
    },
  );
});

test('a listener can be removed', () => {
  expect(patched('[{applyTo: LISTENER, patch: {operation: REMOVE}}]')).toMatchObject({
    listener: undefined,
    applied: 1,
  });
});

describe('a filter chain is found by', () => {
  const removal = (match: string) => `
- applyTo: FILTER_CHAIN
  match: {listener: {filterChain: {${match}}}}
  patch: {operation: REMOVE}`;

  test.each([
    ['name: mesh', ['plain']],
    ['name: rest', ['mesh', 'plain']],
    ['sni: a.example.com', ['plain']],
    ['sni: b.example.com', ['mesh', 'plain']],
    ['transportProtocol: tls', ['plain']],
    ['applicationProtocols: "istio-h2, istio"', ['plain']],
    ['applicationProtocols: "istio,h3"', ['mesh', 'plain']],
    ['destinationPort: 9080', []],
    ['destinationPort: 80', ['mesh', 'plain']],
    ['name: mesh, transportProtocol: raw_buffer', ['mesh', 'plain']],
  ])('%s', (match, left) => {
    expect(chainNames(patched(removal(match)).listener)).toEqual(left);
  });

  test('also where it is the one for all the rest', () => {
    expect(patched(removal('name: rest')).listener).not.toHaveProperty('defaultFilterChain');
  });
});

test('a filter chain can be added, and fields be merged into one', () => {
  const { listener, applied } = patched(`
- {applyTo: FILTER_CHAIN, match: {listener: {filterChain: {name: mesh}}}, patch: {operation: MERGE, value: {name: tls, transport_socket_connect_timeout: 2s}}}
- {applyTo: FILTER_CHAIN, patch: {operation: ADD, value: {name: new}}}`);
  expect(chainNames(listener)).toEqual(['tls', 'plain', 'new']);
  expect(plain(listener)).toMatchObject({ filter_chains: [{ transport_socket_connect_timeout: '2s' }, {}, {}] });
  expect(applied).toBe(2);
});

test('a transport socket is merged into one of its name, and never given to a chain without', () => {
  const { listener } = patched(`
- applyTo: FILTER_CHAIN
  patch:
    operation: MERGE
    value:
      filter_chain_match: {source_ports: [7]}
      transport_socket:
        name: envoy.transport_sockets.tls
        typed_config: {${TLS}, common_tls_context: {tls_params: {tls_minimum_protocol_version: TLSv1_2}}}`);
  const { filter_chains } = plain(listener) as { filter_chains: Record<string, unknown>[] };
  expect(filter_chains[0]).toMatchObject({
    transport_socket: {
      typed_config: {
        require_client_certificate: true,
        common_tls_context: { tls_params: { tls_minimum_protocol_version: 'TLSv1_2' } },
      },
    },
  });
  expect(filter_chains[1]).not.toHaveProperty('transport_socket');
  expect(filter_chains[1]).toHaveProperty('filter_chain_match', { source_ports: [7] });
});

describe('listener filters', () => {
  const edit = (operation: string, listenerFilter?: string) => `
- applyTo: LISTENER_FILTER
  match: {listener: {${listenerFilter === undefined ? '' : `listenerFilter: ${listenerFilter}`}}}
  patch: {operation: ${operation}${operation === 'REMOVE' ? '' : ', value: {name: new}'}}`;
  const names = (listener: Listener | undefined) =>
    listener?.listenerFilters.map(({ name }) => name.replace('envoy.filters.listener.', ''));

  test.each([
    ['ADD', undefined, ['tls_inspector', 'http_inspector', 'new']],
    ['INSERT_FIRST', undefined, ['new', 'tls_inspector', 'http_inspector']],
    ['INSERT_BEFORE', 'envoy.filters.listener.http_inspector', ['tls_inspector', 'new', 'http_inspector']],
    ['INSERT_AFTER', 'envoy.listener.tls_inspector', ['tls_inspector', 'new', 'http_inspector']],
    ['REPLACE', 'envoy.filters.listener.tls_inspector', ['new', 'http_inspector']],
    ['MERGE', 'envoy.filters.listener.tls_inspector', ['new', 'http_inspector']],
    ['REMOVE', 'envoy.filters.listener.tls_inspector', ['http_inspector']],
  ])('%s %s', (operation, wanted, expected) => {
    expect(names(patched(edit(operation, wanted)).listener)).toEqual(expected);
  });
});

test('network filters are changed in the chains that match', () => {
  const { listener } = patched(`
- applyTo: NETWORK_FILTER
  match: {listener: {filterChain: {name: mesh, filter: {name: envoy.filters.network.tcp_proxy}}}}
  patch: {operation: INSERT_BEFORE, value: {name: limit}}
- applyTo: NETWORK_FILTER
  patch: {operation: MERGE, value: {typed_config: {${TCP}, idle_timeout: 7s}}}`);
  const { filter_chains, default_filter_chain } = plain(listener) as Record<string, { filters: unknown[] }[]>;
  expect(filter_chains?.[0]?.filters).toEqual([
    { name: 'limit' },
    expect.objectContaining({ typed_config: expect.objectContaining({ stat_prefix: 'mesh', idle_timeout: '7s' }) }),
  ]);
  expect(filter_chains?.[1]?.filters[0]).not.toHaveProperty('typed_config.idle_timeout');
  expect(default_filter_chain).toHaveProperty('filters[0].typed_config.idle_timeout', '7s');
});

test('routes that stand in a listener are patched like those of a table', () => {
  const { listener, applied } = patched(`
- applyTo: HTTP_ROUTE
  match: {routeConfiguration: {name: "inbound|9080||", vhost: {name: "inbound|http|9080", route: {name: default}}}}
  patch: {operation: MERGE, value: {route: {timeout: 3s}}}`);
  expect(applied).toBe(1);
  expect(plain(listener)).toHaveProperty(
    'filter_chains[1].filters[0].typed_config.route_config.virtual_hosts[0].routes[0].route',
    { cluster: 'c', timeout: '3s' },
  );
  expect(sourcesIn(listener?.metadata)).toHaveLength(1);
});
