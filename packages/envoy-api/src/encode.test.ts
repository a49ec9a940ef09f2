import { create, fromBinary } from '@bufbuild/protobuf';
import { anyUnpack, StructSchema } from '@bufbuild/protobuf/wkt';
import { type Cluster, ClusterSchema } from '@lateen/envoy-api/envoy/config/cluster/v3/cluster_pb.js';
import { RouteConfigurationSchema } from '@lateen/envoy-api/envoy/config/route/v3/route_pb.js';
import { HttpProtocolOptionsSchema } from '@lateen/envoy-api/envoy/extensions/upstreams/http/v3/http_protocol_options_pb.js';
import { RuntimeSchema } from '@lateen/envoy-api/envoy/service/runtime/v3/rtds_pb.js';
import { IstioCertificateRequestSchema } from '@lateen/envoy-api/istio/v1/auth/ca_pb.js';
import { expect, test } from 'vitest';
import { encode, packAny } from './encode.ts';

function cluster(metadata: Record<string, Record<string, never>>): Cluster {
  return create(ClusterSchema, {
    name: 'outbound|9080|v1|reviews.default.svc.cluster.local',
    connectTimeout: { seconds: 10n, nanos: 0 },
    perConnectionBufferLimitBytes: 32768,
    clusterDiscoveryType: { case: 'type', value: 3 },
    metadata: { filterMetadata: metadata },
  });
}

test('a Cluster round-trips', () => {
  const before = cluster({ istio: {} });
  const after = fromBinary(ClusterSchema, encode(ClusterSchema, before));
  expect(after).toEqual(before);
  expect(after.clusterDiscoveryType).toEqual({ case: 'type', value: 3 });
});

test('equal content in another order of map and Struct keys gives the same Any', () => {
  const one = cluster({ b: { z: 1, list: [{ q: 1, c: 2 }] }, a: {}, '10': {}, '9': {} } as never);
  const two = cluster({ '9': {}, a: {}, '10': {}, b: { list: [{ c: 2, q: 1 }], z: 1 } } as never);
  expect(Object.keys(one.metadata?.filterMetadata ?? {})).toEqual(['9', '10', 'b', 'a']);
  const packed = packAny(ClusterSchema, one);
  expect(packed).toEqual(packAny(ClusterSchema, two));
  expect(packed.typeUrl).toBe('type.googleapis.com/envoy.config.cluster.v3.Cluster');
  expect(anyUnpack(packed, ClusterSchema)).toEqual(two);
  expect(Object.keys(one.metadata?.filterMetadata ?? {}), 'the message is not changed').toEqual(['9', '10', 'b', 'a']);
});

test('numbers too large for an array index are keys like any other', () => {
  const one = cluster({ '5000000001': {}, '5000000000': {} });
  const two = cluster({ '5000000000': {}, '5000000001': {} });
  expect(encode(ClusterSchema, one)).toEqual(encode(ClusterSchema, two));
});

test('sorts maps in lists, in oneofs, in maps of Any, and in a Struct that is the message itself', () => {
  const options = (size: number) => ({
    typeUrl: 'type.googleapis.com/google.protobuf.Int32Value',
    value: new Uint8Array([8, size]),
  });
  const routes = (reverse: boolean) => {
    const entries = Object.entries({ one: options(1), two: options(2) });
    return create(RouteConfigurationSchema, {
      virtualHosts: [
        { name: 'first', domains: ['*'] },
        { name: 'second', typedPerFilterConfig: Object.fromEntries(reverse ? entries.reverse() : entries) },
      ],
    });
  };
  expect(encode(RouteConfigurationSchema, routes(false))).toEqual(encode(RouteConfigurationSchema, routes(true)));

  const protocol = (keys: string[]) =>
    create(HttpProtocolOptionsSchema, {
      upstreamProtocolOptions: {
        case: 'explicitHttpConfig',
        value: {
          protocolConfig: {
            case: 'httpProtocolOptions',
            value: {
              headerKeyFormat: {
                headerFormat: {
                  case: 'statefulFormatter',
                  value: { name: 'f', typedConfig: packAny(StructSchema, struct(keys)) },
                },
              },
            },
          },
        },
      },
    });
  expect(encode(HttpProtocolOptionsSchema, protocol(['x', 'y']))).toEqual(
    encode(HttpProtocolOptionsSchema, protocol(['y', 'x'])),
  );

  const runtime = (keys: string[]) =>
    create(RuntimeSchema, { layer: Object.fromEntries(keys.map((key) => [key, { nested: key }])) });
  expect(encode(RuntimeSchema, runtime(['b', 'a']))).toEqual(encode(RuntimeSchema, runtime(['a', 'b'])));
});

function struct(keys: string[]) {
  return create(StructSchema, {
    fields: Object.fromEntries(keys.map((key) => [key, { kind: { case: 'stringValue' as const, value: key } }])),
  });
}

test('frozen messages can be encoded', () => {
  const frozen = cluster({ b: {}, a: {} });
  Object.freeze(frozen.metadata?.filterMetadata);
  Object.freeze(frozen.metadata);
  Object.freeze(frozen);
  expect(encode(ClusterSchema, frozen)).toEqual(encode(ClusterSchema, cluster({ a: {}, b: {} })));
});

test('the certificate service has the wire format of its contract', () => {
  const request = create(IstioCertificateRequestSchema, { csr: 'c', validityDuration: 86400n });
  expect(Buffer.from(encode(IstioCertificateRequestSchema, request)).toString('hex')).toBe('0a01631880a305');
});
