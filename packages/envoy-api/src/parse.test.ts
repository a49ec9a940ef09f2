import { ClusterSchema } from '@lateen/envoy-api/envoy/config/cluster/v3/cluster_pb.js';
import { FilterSchema } from '@lateen/envoy-api/envoy/config/listener/v3/listener_components_pb.js';
import { ListenerSchema } from '@lateen/envoy-api/envoy/config/listener/v3/listener_pb.js';
import { RouteConfigurationSchema } from '@lateen/envoy-api/envoy/config/route/v3/route_pb.js';
import { describe, expect, test } from 'vitest';
import { parseMessage } from './parse.ts';
import { registry, toYamlObject } from './registry.ts';

const options = { registry: registry(), hint: (word: string) => ` (hint for ${word})` };

function problemsOf(schema: Parameters<typeof parseMessage>[0], value: unknown): string[] {
  return parseMessage(schema, value, options).problems.map(({ path, message }) => `${path.join('.')}: ${message}`);
}

test('reads what Envoy itself would read, in snake case and in camel case', () => {
  const value = {
    name: 'c',
    connect_timeout: '1.5s',
    perConnectionBufferLimitBytes: 1024,
    type: 'STRICT_DNS',
    lb_policy: 2,
    circuit_breakers: { thresholds: [{ max_connections: '7' }] },
    metadata: { filter_metadata: { a: { b: [1, null, { c: true }] } } },
    respect_dns_ttl: null,
    load_assignment: {
      cluster_name: 'c',
      endpoints: [
        { lb_endpoints: [{ endpoint: { address: { socket_address: { address: '::1', port_value: 80 } } } }] },
      ],
    },
    transport_socket: {
      name: 'envoy.transport_sockets.tls',
      typed_config: {
        '@type': 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext',
        sni: 'example.com',
      },
    },
  };
  const { written, problems } = parseMessage(ClusterSchema, value, options);
  expect(problems).toEqual([]);
  expect(toYamlObject(written.message)).toEqual({
    name: 'c',
    type: 'STRICT_DNS',
    connect_timeout: '1.500s',
    per_connection_buffer_limit_bytes: 1024,
    lb_policy: 'RING_HASH',
    circuit_breakers: { thresholds: [{ max_connections: 7 }] },
    metadata: value.metadata,
    load_assignment: value.load_assignment,
    transport_socket: value.transport_socket,
  });
  expect([...written.fields.keys()]).not.toContain('respect_dns_ttl');
  expect(written.fields.get('transport_socket')?.fields.get('typed_config')?.schema.typeName).toBe(
    'envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext',
  );
});

test('tells a field that was set to zero from one that was left out', () => {
  const { written } = parseMessage(ClusterSchema, { lb_policy: 'ROUND_ROBIN', alt_stat_name: '' }, options);
  expect([...written.fields.keys()]).toEqual(['lb_policy', 'alt_stat_name']);
});

test('a TypedStruct is read as the type that it names', () => {
  const typed = (type: string) => ({
    name: 'lua',
    typed_config: {
      '@type': type,
      type_url: 'type.googleapis.com/envoy.extensions.filters.network.echo.v3.Echo',
      value: {},
    },
  });
  for (const type of ['udpa.type.v1.TypedStruct', 'xds.type.v3.TypedStruct']) {
    const { written, problems } = parseMessage(FilterSchema, typed(`type.googleapis.com/${type}`), options);
    expect(problems).toEqual([]);
    expect(toYamlObject(written.message)).toEqual({
      name: 'lua',
      typed_config: { '@type': 'type.googleapis.com/envoy.extensions.filters.network.echo.v3.Echo' },
    });
  }
});

describe('refuses, with the place and the name of the field or type,', () => {
  test.each([
    [
      { conect_timeout: '1s' },
      "conect_timeout: unknown field 'conect_timeout' of envoy.config.cluster.v3.Cluster (hint for conect_timeout)",
    ],
    [{ connect_timeout: 5 }, 'connect_timeout: must be a duration in seconds, such as 1.5s, not 5'],
    [{ connect_timeout: '5m' }, 'connect_timeout: must be a duration in seconds, such as 1.5s, not "5m"'],
    [{ name: 5 }, 'name: must be a string, not 5'],
    [{ name: {} }, 'name: must be a string, not a mapping'],
    [
      { per_connection_buffer_limit_bytes: -1 },
      'per_connection_buffer_limit_bytes: must be a whole number, not negative, not -1',
    ],
    [{ respect_dns_ttl: 'yes' }, 'respect_dns_ttl: must be true or false, not "yes"'],
    [
      { circuit_breakers: [] },
      'circuit_breakers: expected a mapping (envoy.config.cluster.v3.CircuitBreakers), got a list',
    ],
    [{ circuit_breakers: { thresholds: {} } }, 'circuit_breakers.thresholds: expected a list, got a mapping'],
    [
      { circuit_breakers: { thresholds: [{}, { priority: 'LOW' }] } },
      'circuit_breakers.thresholds.1.priority: must be one of DEFAULT, HIGH, not "LOW"',
    ],
    [{ metadata: { filter_metadata: { a: 1 } } }, 'metadata.filter_metadata.a: must be a mapping, not 1'],
    [{ metadata: { filter_metadata: [] } }, 'metadata.filter_metadata: expected a mapping, got a list'],
    [
      { type: 'EDS', cluster_type: { name: 'x' } },
      'cluster_type: type and cluster_type exclude each other: set only one of the two',
    ],
    [
      { lb_policy: 'RANDOM', lbPolicy: 'MAGLEV' },
      'lbPolicy: lb_policy and lb_policy exclude each other: set only one of the two',
    ],
    [[], ': expected a mapping (envoy.config.cluster.v3.Cluster), got a list'],
  ])('%j', (value, problem) => {
    expect(problemsOf(ClusterSchema, value)).toEqual([problem]);
  });

  test.each([
    [
      { '@type': 'type.googleapis.com/envoy.config.filter.http.lua.v2.Lua' },
      '@type: this Envoy has no type envoy.config.filter.http.lua.v2.Lua (hint for envoy.config.filter.http.lua.v2.Lua)',
    ],
    [{ stat_prefix: 'x' }, '@type: is required: it says which type the rest is of'],
    [{ '@type': 5 }, '@type: must be a string'],
    ['text', ': expected a mapping with @type, got "text"'],
    [{ '@type': 'a/google.protobuf.Duration', value: 1 }, 'value: expected a duration in seconds, such as 1.5s'],
    [
      { '@type': 'a/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy', stat_prefx: 'x' },
      "stat_prefx: unknown field 'stat_prefx' of envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy (hint for stat_prefx)",
    ],
    [
      { '@type': 'a/xds.type.v3.TypedStruct', type_url: 'x/acme.Unknown' },
      'type_url: this Envoy has no type acme.Unknown (hint for acme.Unknown)',
    ],
  ])('in typed_config: %j', (typedConfig, problem) => {
    const value = { filter_chains: [{ filters: [{ typed_config: typedConfig }] }] };
    const [place, ...message] = problem.split(': ');
    const path = ['filter_chains.0.filters.0.typed_config', place].filter((part) => part !== '').join('.');
    expect(problemsOf(ListenerSchema, value)).toEqual([`${path}: ${message.join(': ')}`]);
  });

  test('what is nested deeper than any message of Envoy', () => {
    let rule: object = { any: true };
    for (let depth = 0; depth < 300; depth++) rule = { not_rule: rule };
    const value = {
      virtual_hosts: [
        {
          typed_per_filter_config: {
            rbac: {
              '@type': 'a/envoy.extensions.filters.http.rbac.v3.RBAC',
              rules: { policies: { p: { permissions: [rule] } } },
            },
          },
        },
      ],
    };
    expect(problemsOf(RouteConfigurationSchema, value)).toEqual([expect.stringMatching(/is nested too deeply$/)]);
  });
});

test('several problems are all told', () => {
  expect(problemsOf(ClusterSchema, { a: 1, name: 2, dns_lookup_family: 'V5' })).toHaveLength(3);
});
