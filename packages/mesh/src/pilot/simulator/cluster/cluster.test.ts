import type { ClusterVerdict } from '@lateen/api/verdict.ts';
import { ClusterSchema } from '@lateen/envoy-api/envoy/config/cluster/v3/cluster_pb.js';
import { ClusterLoadAssignmentSchema } from '@lateen/envoy-api/envoy/config/endpoint/v3/endpoint_pb.js';
import { describe, expect, test } from 'vitest';
import { messageOf } from '../testing/envoy-yaml.ts';
import { PreparedCluster } from './cluster.ts';

const DESTINATION = { host: '10.1.1.1', port: 7000 };
const OPTIONS = "'@type': type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions";
const TLS = "'@type': type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext";

/** An endpoint at 10.0.0.`last`:80. */
function at(last: number, more = ''): string {
  return `{endpoint: {address: {socket_address: {address: 10.0.0.${last}, port_value: 80}}} ${more}}`;
}

function clusterOf(fields: string, localities: readonly string[] = [`{lb_endpoints: [${at(1)}]}`]): PreparedCluster {
  const assignment = messageOf(ClusterLoadAssignmentSchema, `{cluster_name: a, endpoints: [${localities.join(', ')}]}`);
  return new PreparedCluster(messageOf(ClusterSchema, `{name: a, type: EDS, ${fields}}`), assignment);
}

/** Shares by the last number of the address. */
function shares({ endpoints }: ClusterVerdict): Record<string, number> {
  return Object.fromEntries(
    endpoints.map(({ address, share }) => [
      address.type === 'socket' ? address.host.slice(7) : '',
      Math.round(share * 1000) / 1000,
    ]),
  );
}

describe('shares of endpoints', () => {
  const level = (priority: number, ...endpoints: string[]) =>
    `{priority: ${priority}, lb_endpoints: [${endpoints.join(', ')}]}`;
  const ill = ', health_status: UNHEALTHY';
  test.each([
    [[level(0, at(1), at(2))], '', { 1: 0.5, 2: 0.5 }],
    [[level(0, at(1, ', load_balancing_weight: 3'), at(2))], '', { 1: 0.75, 2: 0.25 }],
    [
      [level(0, at(1), at(2, ill), at(3, ', health_status: DRAINING'))],
      'common_lb_config: {healthy_panic_threshold: {value: 0}}',
      { 1: 1 },
    ],
    // Half of a level is 70 % of what it can take.
    [[level(0, at(1), at(2, ill)), level(1, at(3))], '', { 1: 0.7, 3: 0.3 }],
    [[level(0, at(1, ill)), level(1, at(3))], '', { 3: 1 }],
    [[level(0, at(1)), level(1, at(3))], '', { 1: 1 }],
    // In panic all get requests.
    [[level(0, at(1, ill), at(2, ill))], '', { 1: 0.5, 2: 0.5 }],
    [[level(0, at(1, ill))], 'common_lb_config: {healthy_panic_threshold: {value: 0}}', {}],
    [[], '', {}],
  ])('%j with {%s}: %j', (localities, fields, expected) => {
    expect(shares(clusterOf(fields, localities).forTcp(DESTINATION))).toEqual(expected);
  });

  test('are those of their localities where these are weighed', () => {
    const localities = [
      `{locality: {zone: a}, load_balancing_weight: 3, lb_endpoints: [${at(1)}, ${at(2)}]}`,
      `{locality: {zone: b}, load_balancing_weight: 1, lb_endpoints: [${at(3)}]}`,
    ];
    const weighed = 'common_lb_config: {locality_weighted_lb_config: {}}';
    expect(shares(clusterOf(weighed, localities).forTcp(DESTINATION))).toEqual({ 1: 0.375, 2: 0.375, 3: 0.25 });
    expect(shares(clusterOf('', localities).forTcp(DESTINATION))).toEqual({ 1: 0.333, 2: 0.333, 3: 0.333 });
    const maglev =
      "load_balancing_policy: {policies: [{typed_extension_config: {name: envoy.load_balancing_policies.maglev, typed_config: {'@type': type.googleapis.com/envoy.extensions.load_balancing_policies.maglev.v3.Maglev, locality_weighted_lb_config: {}}}}]}";
    const hashed = clusterOf(maglev, localities).forTcp(DESTINATION);
    expect(shares(hashed)).toEqual({ 1: 0.375, 2: 0.375, 3: 0.25 });
    expect(hashed.loadBalancer).toBe('maglev');
  });
});

describe('the protocol', () => {
  test.each([
    ['', 'http2', 'http1'],
    ['http2_protocol_options: {}', 'http1', 'http2'],
    [
      `typed_extension_protocol_options: {envoy.extensions.upstreams.http.v3.HttpProtocolOptions: {${OPTIONS}, explicit_http_config: {http2_protocol_options: {}}}}`,
      'http1',
      'http2',
    ],
    [
      `typed_extension_protocol_options: {envoy.extensions.upstreams.http.v3.HttpProtocolOptions: {${OPTIONS}, use_downstream_protocol_config: {http2_protocol_options: {}}}}`,
      'http2',
      'http2',
    ],
    [
      `typed_extension_protocol_options: {envoy.extensions.upstreams.http.v3.HttpProtocolOptions: {${OPTIONS}, use_downstream_protocol_config: {http2_protocol_options: {}}}}`,
      'http1',
      'http1',
    ],
    [
      `typed_extension_protocol_options: {envoy.extensions.upstreams.http.v3.HttpProtocolOptions: {${OPTIONS}, use_downstream_protocol_config: {}}}`,
      'http2',
      'http1',
    ],
  ] as const)('{%s} for %s: %s', (fields, downstream, expected) => {
    expect(clusterOf(fields).forHttp(downstream, 'a', DESTINATION).protocol).toBe(expected);
  });
});

describe('TLS', () => {
  const socket = (name: string, more = '') => `{name: tls, typed_config: {${TLS}, sni: ${name}, ${more}}}`;

  test('is chosen by what the endpoint is marked with', () => {
    const matches = `transport_socket_matches: [{name: one, match: {mode: x}, transport_socket: ${socket('one')}}, {name: other, match: {}, transport_socket: {name: raw, typed_config: {'@type': type.googleapis.com/envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer}}}]`;
    const marked = ', metadata: {filter_metadata: {envoy.transport_socket_match: {mode: x, more: 1}}}';
    const cluster = clusterOf(matches, [`{lb_endpoints: [${at(1, marked)}, ${at(2)}]}`]);
    expect(cluster.forTcp(DESTINATION).endpoints.map(({ tls }) => tls?.serverName)).toEqual(['one', undefined]);
  });

  test('says whom it accepts and what it shows', () => {
    const context =
      'common_tls_context: {alpn_protocols: [h2], tls_certificate_sds_secret_configs: [{name: c}], combined_validation_context: {default_validation_context: {match_typed_subject_alt_names: [{san_type: URI, matcher: {exact: spiffe://a}}]}, validation_context_sds_secret_config: {name: r}}}';
    expect(clusterOf(`transport_socket: ${socket('s', context)}`).forTcp(DESTINATION).endpoints[0]?.tls).toEqual({
      serverName: 's',
      applicationProtocols: ['h2'],
      clientCertificate: true,
      identities: [{ type: 'exact', value: 'spiffe://a' }],
      verified: true,
    });
    const anybody = 'common_tls_context: {validation_context: {trust_chain_verification: ACCEPT_UNTRUSTED}}';
    const open = clusterOf(`transport_socket: ${socket('s', anybody)}`).forTcp(DESTINATION).endpoints[0]?.tls;
    expect(open).toMatchObject({ verified: false, clientCertificate: false });
  });

  test('can take the name of the server from the request', () => {
    const auto = `transport_socket: {name: tls, typed_config: {${TLS}}}, typed_extension_protocol_options: {envoy.extensions.upstreams.http.v3.HttpProtocolOptions: {${OPTIONS}, upstream_http_protocol_options: {auto_sni: true, auto_san_validation: true}, explicit_http_config: {http_protocol_options: {}}}}`;
    const verdict = clusterOf(auto).forHttp('http1', 'b.com:443', DESTINATION);
    expect(verdict.endpoints[0]?.tls).toMatchObject({
      serverName: 'b.com',
      identities: [{ type: 'exact', value: 'b.com' }],
    });
  });

  test('can be wrapped', () => {
    const wrapped = `transport_socket: {name: p, typed_config: {'@type': type.googleapis.com/envoy.extensions.transport_sockets.proxy_protocol.v3.ProxyProtocolUpstreamTransport, config: {version: V2}, transport_socket: ${socket('s')}}}`;
    expect(clusterOf(wrapped).forTcp(DESTINATION).endpoints[0]).toMatchObject({
      proxyProtocol: 'v2',
      tls: { serverName: 's' },
    });
    const alts = clusterOf(
      "transport_socket: {name: alts, typed_config: {'@type': type.googleapis.com/envoy.extensions.transport_sockets.alts.v3.Alts, handshaker_service: x}}",
    );
    expect(alts.forTcp(DESTINATION).unknowns).toEqual([{ what: 'transport socket alts', where: 'cluster a' }]);
  });
});

test('endpoints that only the call names', () => {
  const address = (cluster: PreparedCluster) => cluster.forHttp('http1', 'b.com:81', DESTINATION).endpoints[0]?.address;
  const original = new PreparedCluster(
    messageOf(ClusterSchema, '{name: a, type: ORIGINAL_DST, lb_policy: CLUSTER_PROVIDED}'),
    undefined,
  );
  expect(address(original)).toEqual({ type: 'socket', ...DESTINATION });
  const forward = new PreparedCluster(
    messageOf(
      ClusterSchema,
      '{name: a, lb_policy: CLUSTER_PROVIDED, cluster_type: {name: envoy.clusters.dynamic_forward_proxy}}',
    ),
    undefined,
  );
  expect(address(forward)).toEqual({ type: 'socket', host: 'b.com', port: 81 });
  expect(forward.forHttp('http1', '[::1]', DESTINATION).endpoints[0]?.address).toEqual({
    type: 'socket',
    host: '::1',
    port: 80,
  });
  expect(forward.forTcp(DESTINATION, { host: 'c.com', port: 443 }).endpoints[0]?.address).toEqual({
    type: 'socket',
    host: 'c.com',
    port: 443,
  });
});

test('what is not known is named', () => {
  const cluster = clusterOf('lb_subset_config: {fallback_policy: ANY_ENDPOINT}, filters: [{name: x}]');
  expect(cluster.forTcp(DESTINATION).unknowns.map(({ what }) => what)).toEqual([
    'Cluster.lb_subset_config',
    'Cluster.filters',
  ]);
});
