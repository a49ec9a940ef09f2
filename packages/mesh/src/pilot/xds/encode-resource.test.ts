import { describe, expect, it } from 'vitest';
import type { EndpointIr } from '../proxy/ir/endpoints.ts';
import type { RouteIr } from '../proxy/ir/route.ts';
import { encodeCluster, encodeEndpoints, encodeRouteTable } from './encode-resource.ts';
import { printResource } from './print-resource.ts';

const endpoint = { address: '127.0.0.1', port: 80, meshTls: true, instance: 'a.default' } satisfies EndpointIr;

function route(sources: RouteIr['sources'], prefix = '/'): RouteIr {
  return {
    name: 'a',
    match: { path: { type: 'prefix', value: prefix }, headers: [] },
    action: {
      type: 'forward',
      destinations: [{ cluster: 'a', weight: 1 }],
      retry: { type: 'off' },
      stripResponseHeaders: [],
    },
    sources,
  };
}

function table(...routes: RouteIr[]) {
  return encodeRouteTable({
    name: 't',
    ignorePortInHost: false,
    virtualHosts: [{ name: 'v', domains: ['*'], routes }],
  });
}

describe('an encoded resource', () => {
  it('has the same version for the same content, whatever the order of keys', () => {
    const source = { kind: 'VirtualService', namespace: 'default', name: 'x' };
    const turned = { name: 'x', namespace: 'default', kind: 'VirtualService' };
    expect(table(route([source])).version).toBe(table(route([turned])).version);
    expect(table(route([source])).version).not.toBe(table(route([source], '/x')).version);
    const { instance, meshTls, port, address } = endpoint;
    const encoded = (each: EndpointIr) =>
      encodeEndpoints({ clusterName: 'a', groups: [{ priority: 0, endpoints: [each] }] }).version;
    expect(encoded({ instance, meshTls, port, address })).toBe(encoded(endpoint));
  });

  it('of a service names its endpoints; the others have theirs in them', () => {
    const service = encodeCluster({
      type: 'service',
      name: 'outbound|80||a',
      upstreamProtocol: 'http1',
      discovery: { type: 'eds' },
      policy: {
        loadBalancer: { type: 'random' },
        connectionPool: { connectTimeoutMs: 1500 },
        retryLimit: { type: 'count', maxRetries: 7 },
        panicThresholdPercent: 0,
        tls: { type: 'mesh-where-accepted', sni: 'a', peerIds: [], alpn: ['istio'] },
      },
      weightedLocalities: false,
      sources: [],
    });
    expect(service.edsName).toBe('outbound|80||a');
    // An empty list would let everybody be the service.
    expect(JSON.stringify(printResource(service))).toContain('{"exact":"spiffe://nobody"}');
    expect(printResource(service)).toMatchObject({ connect_timeout: '1.500s', lb_policy: 'RANDOM' });
    const own = encodeCluster({ type: 'loopback', name: 'l', address: '127.0.0.1', port: 80, sources: [] });
    expect(own).not.toHaveProperty('edsName');
  });

  it('marks endpoints that take mutual TLS', () => {
    const printed = printResource(
      encodeEndpoints({
        clusterName: 'a',
        groups: [{ priority: 0, endpoints: [endpoint, { ...endpoint, port: 81, meshTls: false }] }],
      }),
    );
    expect(printed).toMatchObject({
      endpoints: [
        {
          lb_endpoints: [
            { metadata: { filter_metadata: { 'envoy.transport_socket_match': { tlsMode: 'istio' } } } },
            { metadata: { filter_metadata: { lateen: { instance: 'a.default' } } } },
          ],
        },
      ],
    });
    expect(JSON.stringify(printed).match(/tlsMode/g)).toHaveLength(1);
  });
});
