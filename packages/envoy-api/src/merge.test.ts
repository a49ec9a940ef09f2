import { create, fromBinary, type Message } from '@bufbuild/protobuf';
import { type Cluster, ClusterSchema } from '@lateen/envoy-api/envoy/config/cluster/v3/cluster_pb.js';
import { UpstreamTlsContextSchema } from '@lateen/envoy-api/envoy/extensions/transport_sockets/tls/v3/tls_pb.js';
import { expect, test } from 'vitest';
import { encode, packAny } from './encode.ts';
import { mergeMessage } from './merge.ts';
import { parseMessage } from './parse.ts';
import { registry, toYamlObject } from './registry.ts';

const options = { registry: registry() };

function read(value: unknown) {
  const { written, problems } = parseMessage(ClusterSchema, value, options);
  expect(problems).toEqual([]);
  return written;
}

function merged(target: unknown, value: unknown) {
  return toYamlObject(mergeMessage(read(target).message, read(value)));
}

const target = {
  name: 'c',
  type: 'EDS',
  lb_policy: 'LEAST_REQUEST',
  circuit_breakers: { thresholds: [{ max_connections: 1 }] },
  common_lb_config: { healthy_panic_threshold: { value: 50 }, close_connections_on_host_set_change: true },
  metadata: { filter_metadata: { ours: { a: 1, b: 2 }, other: { c: 3 } } },
};

test.each([
  ['a scalar is replaced', { name: 'd' }, { name: 'd' }],
  [
    'messages are merged',
    { common_lb_config: { healthy_panic_threshold: { value: 0 } } },
    { common_lb_config: { healthy_panic_threshold: {}, close_connections_on_host_set_change: true } },
  ],
  [
    'lists are appended',
    { circuit_breakers: { thresholds: [{ priority: 'HIGH' }] } },
    { circuit_breakers: { thresholds: [{ max_connections: 1 }, { priority: 'HIGH' }] } },
  ],
  [
    'entries of maps are replaced',
    { metadata: { filter_metadata: { ours: { a: 9 } } } },
    { metadata: { filter_metadata: { ours: { a: 9 }, other: { c: 3 } } } },
  ],
])('%s, as protobuf does it', (_, value, expected) => {
  const plain = fromBinary(
    ClusterSchema,
    Buffer.concat([
      encode(ClusterSchema, read(target).message as Cluster),
      encode(ClusterSchema, read(value).message as Cluster),
    ]),
  );
  expect(merged(target, value)).toEqual({ ...target, ...expected });
  if (!JSON.stringify(value).includes(':0')) expect(toYamlObject(plain)).toEqual({ ...target, ...expected });
});

test('zero counts where it was written', () => {
  const { lb_policy: _, ...rest } = target;
  expect(merged(target, { lb_policy: 'ROUND_ROBIN' })).toEqual(rest);
});

test('a duration is replaced as one, and not field by field', () => {
  expect(merged({ connect_timeout: '10s' }, { connect_timeout: '0.5s' })).toEqual({ connect_timeout: '0.500s' });
});

test('another member of a group takes the place of the one before', () => {
  expect(merged(target, { cluster_type: { name: 'mine' } })).toMatchObject({ cluster_type: { name: 'mine' } });
  expect(merged(target, { cluster_type: { name: 'mine' } })).not.toHaveProperty('type');
});

test('an Any is merged with one of its type, and replaced by one of another', () => {
  const tls = 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext';
  const raw = 'type.googleapis.com/envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer';
  const before = {
    transport_socket: {
      name: 'tls',
      typed_config: { '@type': tls, sni: 'a', common_tls_context: { alpn_protocols: ['h2'] } },
    },
  };
  const change = { typed_config: { '@type': tls, sni: 'b' } };
  expect(merged(before, { transport_socket: change })).toEqual({
    transport_socket: {
      name: 'tls',
      typed_config: { '@type': tls, sni: 'b', common_tls_context: { alpn_protocols: ['h2'] } },
    },
  });
  expect(merged(before, { transport_socket: { typed_config: { '@type': raw } } })).toEqual({
    transport_socket: { name: 'tls', typed_config: { '@type': raw } },
  });
});

test('changes neither of the two', () => {
  const socket = {
    name: 'tls',
    configType: {
      case: 'typedConfig' as const,
      value: packAny(UpstreamTlsContextSchema, create(UpstreamTlsContextSchema)),
    },
  };
  const before = create(ClusterSchema, { name: 'c', circuitBreakers: { thresholds: [{}] }, transportSocket: socket });
  const change = read({ circuit_breakers: { thresholds: [{ priority: 'HIGH' }] }, transport_socket: { name: 'x' } });
  const copies = [before, change.message].map((each) => structuredClone(each) as Message);
  mergeMessage(before, change);
  expect([before, change.message]).toEqual(copies);
});
