import { create, type DescMessage, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { anyPack } from '@bufbuild/protobuf/wkt';
import { Cluster_DiscoveryType, ClusterSchema } from '@lateen/envoy-api/envoy/config/cluster/v3/cluster_pb.js';
import { ClusterLoadAssignmentSchema } from '@lateen/envoy-api/envoy/config/endpoint/v3/endpoint_pb.js';
import { ListenerSchema } from '@lateen/envoy-api/envoy/config/listener/v3/listener_pb.js';
import { RouteConfigurationSchema } from '@lateen/envoy-api/envoy/config/route/v3/route_pb.js';
import { HttpConnectionManagerSchema } from '@lateen/envoy-api/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js';
import { DeltaDiscoveryResponseSchema } from '@lateen/envoy-api/envoy/service/discovery/v3/discovery_pb.js';
import { describe, expect, test } from 'vitest';
import { Catalog, type Type, typeUrlOf } from './catalog.ts';
import { addressOfChange, CONNECTIONS_OF_CHANGE } from './mesh-files.ts';

function response<Schema extends DescMessage>(
  type: Type,
  schema: Schema,
  bodies: Readonly<Record<string, MessageInitShape<Schema>>>,
  { version = 'v1', nonce = '1', removed = [] as string[] } = {},
): Buffer {
  const message = create(DeltaDiscoveryResponseSchema, {
    systemVersionInfo: nonce,
    typeUrl: typeUrlOf[type],
    nonce,
    removedResources: removed,
    resources: Object.entries(bodies).map(([name, body]) => ({
      name,
      version,
      resource: anyPack(schema, create(schema, body) as never),
    })),
  });
  return Buffer.from(toBinary(DeltaDiscoveryResponseSchema, message));
}

describe('the catalog', () => {
  test('knows whose endpoints a cluster needs, and the change in its limit of connections', () => {
    const catalog = new Catalog();
    const parsed = catalog.parse(
      response('cluster', ClusterSchema, {
        named: {
          clusterDiscoveryType: { case: 'type', value: Cluster_DiscoveryType.EDS },
          edsClusterConfig: { serviceName: 'other' },
          circuitBreakers: { thresholds: [{ maxConnections: CONNECTIONS_OF_CHANGE + 17 }] },
        },
        unnamed: { clusterDiscoveryType: { case: 'type', value: Cluster_DiscoveryType.EDS } },
        static: { clusterDiscoveryType: { case: 'type', value: Cluster_DiscoveryType.STATIC } },
      }),
    );
    const endpoints = parsed?.revisions.map(({ endpoints: number }) => number) ?? [];
    expect(endpoints.map((number) => (number < 0 ? undefined : catalog.name('endpoint', number)))).toEqual([
      'other',
      'unnamed',
      undefined,
    ]);
    expect(parsed?.revisions.map(({ marks }) => marks)).toEqual([[17], [], []]);
  });

  test('finds the route tables of all filter chains of a listener', () => {
    const catalog = new Catalog();
    const chain = (routeConfigName: string) => ({
      filters: [
        {
          name: 'http',
          configType: {
            case: 'typedConfig' as const,
            value: anyPack(
              HttpConnectionManagerSchema,
              create(HttpConnectionManagerSchema, {
                statPrefix: 'http',
                routeSpecifier: { case: 'rds', value: { routeConfigName } },
              }),
            ),
          },
        },
      ],
    });
    const parsed = catalog.parse(
      response('listener', ListenerSchema, {
        one: { filterChains: [chain('80'), chain('9080')], defaultFilterChain: chain('rest') },
      }),
    );
    const routes = parsed?.revisions[0]?.routes.map((number) => catalog.name('route', number));
    expect(routes).toEqual(['80', '9080', 'rest']);
  });

  test('finds changes in endpoints and in routes, and whether a table gets its hosts one by one', () => {
    const catalog = new Catalog();
    const endpoints = catalog.parse(
      response('endpoint', ClusterLoadAssignmentSchema, {
        a: {
          endpoints: [
            {
              lbEndpoints: [
                {
                  hostIdentifier: {
                    case: 'endpoint',
                    value: {
                      address: { address: { case: 'socketAddress', value: { address: addressOfChange(1_000) } } },
                    },
                  },
                },
              ],
            },
          ],
        },
      }),
    );
    expect(endpoints?.revisions[0]?.marks).toEqual([1_000]);
    const routes = catalog.parse(
      response('route', RouteConfigurationSchema, {
        whole: { virtualHosts: [{ name: 'mark-7-' }, { name: 'mark-8-' }] },
        parts: { vhds: {} },
      }),
    );
    expect(routes?.revisions.map(({ marks, hasVirtualHosts }) => [marks, hasVirtualHosts])).toEqual([
      [[7, 8], false],
      [[], true],
    ]);
  });

  test('gives equal resources the same revision, whichever response they are in', () => {
    const catalog = new Catalog();
    const both = { a: {}, b: {} };
    const first = catalog.parse(response('route', RouteConfigurationSchema, both, { nonce: '1' }));
    const again = catalog.parse(response('route', RouteConfigurationSchema, both, { nonce: '2', removed: ['c'] }));
    expect(again?.revisions).toBe(first?.revisions);
    expect(again?.nonce.toString()).toBe('2');
    expect(again?.removed).toEqual(['c']);
    // A part of what was seen, and more than that, are not mistaken for it.
    const part = catalog.parse(response('route', RouteConfigurationSchema, { a: {} }));
    expect(part?.revisions).toEqual([first?.revisions[0]]);
    const more = catalog.parse(response('route', RouteConfigurationSchema, { ...both, d: {} }));
    expect(more?.revisions.map(({ name }) => catalog.name('route', name))).toEqual(['a', 'b', 'd']);
    const newer = catalog.parse(response('route', RouteConfigurationSchema, { a: {} }, { version: 'v2' }));
    expect(newer?.revisions[0]?.id).not.toBe(first?.revisions[0]?.id);
  });
});
