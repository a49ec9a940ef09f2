import { describe, expect, test } from 'vitest';
import type { Call, Payload } from '../call.ts';
import { simulate } from '../simulate.ts';
import { endpoint, proxyOf } from '../testing/envoy-yaml.ts';

const TCP =
  "typed_config: {'@type': type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy, stat_prefix: x, cluster: a}";

/** A listener with a chain for each match, named by its place, and a default one if `byDefault`. */
function listener(matches: readonly string[], byDefault = false, more = '') {
  const chain = (name: string, match: string) =>
    `{name: "${name}", filter_chain_match: {${match}}, filters: [{name: tcp, ${TCP}}]}`;
  return proxyOf(`
listeners:
  - name: front
    address: {socket_address: {address: 0.0.0.0, port_value: 8080}}
    ${more}
    filter_chains: [${matches.map((match, index) => chain(String(index), match)).join(', ')}]
    ${byDefault ? `default_filter_chain: {name: default, filters: [{name: tcp, ${TCP}}]}` : ''}
clusters:
  - {name: a, type: STATIC, load_assignment: {cluster_name: a, endpoints: [{lb_endpoints: [${endpoint(9001)}]}]}}
`);
}

const tls = (serverName?: string, ...applicationProtocols: string[]): Payload => ({
  type: 'tls',
  applicationProtocols,
  ...(serverName === undefined ? {} : { serverName }),
  inside: { type: 'tcp' },
});
const http = (protocol: 'http1' | 'http2'): Payload => ({
  type: 'http',
  protocol,
  request: { method: 'GET', authority: 'a', path: '/', headers: [] },
});

function call(payload: Payload, more: Partial<Call> = {}): Call {
  return { at: { host: '10.0.0.1', port: 8080 }, source: { host: '10.0.0.2', port: 999 }, payload, ...more };
}

function chosen(matches: readonly string[], payload: Payload, more: Partial<Call> = {}): string | undefined {
  return simulate(listener(matches), call(payload, more)).chain?.name;
}

const HTTP_INSPECTOR =
  "listener_filters: [{name: http, typed_config: {'@type': type.googleapis.com/envoy.extensions.filters.listener.http_inspector.v3.HttpInspector}}]";
const ORIGINAL =
  "listener_filters: [{name: dst, typed_config: {'@type': type.googleapis.com/envoy.extensions.filters.listener.original_dst.v3.OriginalDst}}]";

describe('the chain that fits most closely', () => {
  test.each([
    [['', 'server_names: [a.com]'], tls('a.com'), '1'],
    [['', 'server_names: [a.com]'], tls('b.com'), '0'],
    [['', 'server_names: [a.com]'], tls(), '0'],
    [['server_names: ["*.com"]', 'server_names: ["*.a.com"]', 'server_names: [b.a.com]'], tls('B.a.com'), '2'],
    [['server_names: ["*.com"]', 'server_names: ["*.a.com"]'], tls('x.y.a.com'), '1'],
    [['server_names: ["*.com"]', 'server_names: ["*.a.com"]'], tls('a.com'), '0'],
    [['transport_protocol: raw_buffer', 'transport_protocol: tls'], tls('a'), '1'],
    [['transport_protocol: raw_buffer', 'transport_protocol: tls'], { type: 'tcp' } as const, '0'],
    [['application_protocols: [h2]', 'application_protocols: [istio]', ''], tls('a', 'istio', 'h2'), '1'],
    [['application_protocols: [h2]', ''], tls('a', 'http/1.1'), '1'],
    // The server name is looked at first, and Envoy does not turn back.
    [
      ['server_names: [a.com], application_protocols: [h2]', 'application_protocols: [istio]'],
      tls('a.com', 'istio'),
      undefined,
    ],
    [['destination_port: 8080, server_names: [a.com]', ''], tls('b.com'), undefined],
    [['destination_port: 81', ''], tls(), '1'],
    [['source_type: SAME_IP_OR_LOOPBACK', 'source_type: EXTERNAL'], tls(), '1'],
    [
      [
        'source_prefix_ranges: [{address_prefix: 10.0.0.0, prefix_len: 8}]',
        'source_prefix_ranges: [{address_prefix: 10.0.0.2, prefix_len: 32}]',
      ],
      tls(),
      '1',
    ],
    [
      [
        'prefix_ranges: [{address_prefix: 10.0.0.1, prefix_len: 32}]',
        'prefix_ranges: [{address_prefix: "::", prefix_len: 0}]',
      ],
      tls(),
      '0',
    ],
    [['source_ports: [999]', 'source_ports: [998]'], tls(), '0'],
  ])('of %j for %j is %s', (matches, payload, expected) => {
    expect(chosen(matches, payload)).toBe(expected);
  });

  test('is the default one if none fits', () => {
    expect(simulate(listener(['server_names: [a]'], true), call(tls('b'))).chain?.name).toBe('default');
    expect(simulate(listener(['server_names: [a]']), call(tls('b')))).toMatchObject({
      chain: null,
      handling: { type: 'closed', reason: 'no filter chain fits' },
    });
  });
});

test('for the others it is said why not', () => {
  const matches = [
    'destination_port: 81',
    'server_names: [a.com]',
    'server_names: ["*.b.com"]',
    '',
    'server_names: [x.b.com], transport_protocol: raw_buffer',
  ];
  const { listener: verdict, chain } = simulate(listener(matches, true), call(tls('y.b.com')));
  expect(chain?.name).toBe('2');
  expect(verdict?.otherChains.map(({ name, reason }) => `${name}: ${reason}`)).toEqual([
    '0: the destination port is 8080, wanted 81',
    '1: the server name is y.b.com, wanted a.com',
    '3: 2 fits the server name more closely',
    '4: the server name is y.b.com, wanted x.b.com',
    'default: it is for what no other chain takes',
  ]);
});

test('the first bytes tell what is spoken where somebody looks at them', () => {
  const matches = ['application_protocols: [http/1.1]', 'application_protocols: [h2c]', ''];
  const chainFor = (payload: Payload, more: string) =>
    simulate(listener(matches, false, more), call(payload)).chain?.name;
  expect(chainFor(http('http1'), HTTP_INSPECTOR)).toBe('0');
  expect(chainFor(http('http2'), HTTP_INSPECTOR)).toBe('1');
  expect(chainFor({ type: 'tcp' }, HTTP_INSPECTOR)).toBe('2');
  expect(chainFor(http('http1'), '')).toBe('2');
});

test('a client that waits for the server to speak gets in only if the listener does not wait forever', () => {
  const waits = { type: 'tcp', serverFirst: true } as const;
  expect(simulate(listener([''], false, HTTP_INSPECTOR), call(waits)).handling.type).toBe('closed');
  const patient = `${HTTP_INSPECTOR}\n    continue_on_listener_filters_timeout: true`;
  expect(simulate(listener([''], false, patient), call(waits)).handling.type).toBe('tcp');
  expect(simulate(listener(['']), call(waits)).handling.type).toBe('tcp');
});

test('a redirected connection is taken for the address that the client wanted, if the listener asks for it', () => {
  const originalDestination = { host: '10.9.9.9', port: 81 };
  const matches = ['destination_port: 81', ''];
  expect(simulate(listener(matches, false, ORIGINAL), call(tls(), { originalDestination })).chain?.name).toBe('0');
  expect(simulate(listener(matches), call(tls(), { originalDestination })).chain?.name).toBe('1');
});
