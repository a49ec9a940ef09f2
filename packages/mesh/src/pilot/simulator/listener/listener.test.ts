import { expect, test } from 'vitest';
import type { Call } from '../call.ts';
import { simulate } from '../simulate.ts';
import { endpoint, proxyOf } from '../testing/envoy-yaml.ts';

const CHAIN =
  "{filters: [{name: tcp, typed_config: {'@type': type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy, stat_prefix: x, cluster: CLUSTER}}]}";
const listener = (name: string, host: string, port: number, more = '') =>
  `{name: ${name}, address: {socket_address: {address: "${host}", port_value: ${port}}}, ${more} filter_chains: [${CHAIN.replace('CLUSTER', 'a')}]}`;

const proxy = proxyOf(`
listeners:
  - ${listener('any', '0.0.0.0', 80)}
  - ${listener('exact', '10.0.0.1', 80)}
  - ${listener('capture', '0.0.0.0', 15001, 'use_original_dst: true,')}
  - ${listener('virtual', '10.9.0.1', 9080, 'bind_to_port: false,')}
  - ${listener('any-virtual', '0.0.0.0', 9081, 'bind_to_port: false,')}
  - {name: internal, internal_listener: {}, filter_chains: [${CHAIN.replace('CLUSTER', 'a')}]}
clusters:
  - {name: a, type: STATIC, load_assignment: {cluster_name: a, endpoints: [{lb_endpoints: [${endpoint(9001)}]}]}}
`);

function listenerAt(at: Call['at'], originalDestination?: Call['originalDestination']): string | undefined {
  const call: Call = { at, source: { host: '10.0.0.2', port: 1 }, payload: { type: 'tcp' } };
  return simulate(proxy, originalDestination === undefined ? call : { ...call, originalDestination }).listener?.name;
}

test('is that of the very address, else that of any', () => {
  expect(listenerAt({ host: '10.0.0.1', port: 80 })).toBe('exact');
  expect(listenerAt({ host: '10.0.0.3', port: 80 })).toBe('any');
  expect(listenerAt({ host: '10.0.0.3', port: 81 })).toBe(undefined);
  expect(listenerAt({ host: '10.9.0.1', port: 9080 })).toBe(undefined);
  expect(listenerAt({ listener: 'internal' })).toBe('internal');
});

test('hands on to the one where the client wanted to go', () => {
  const at = { host: '10.0.0.1', port: 15001 };
  expect(listenerAt(at, { host: '10.9.0.1', port: 9080 })).toBe('virtual');
  expect(listenerAt(at, { host: '10.9.0.2', port: 9081 })).toBe('any-virtual');
  expect(listenerAt(at, { host: '10.9.0.2', port: 9999 })).toBe('capture');
});
