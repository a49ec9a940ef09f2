import type { TrafficPolicy } from '@lateen/api/istio/traffic-policy.ts';
import { describe, expect, it } from 'vitest';
import { buildTrafficSettings, settingsFor } from './traffic-settings.ts';

function settingsOf(policy: TrafficPolicy) {
  return buildTrafficSettings(policy, { kind: 'DestinationRule', namespace: 'default', name: 'a', path: 'spec' });
}

const RANDOM = { simple: 'RANDOM' } as const;
const ROBIN = { simple: 'ROUND_ROBIN' } as const;

/** What holds for a port, of a host or of a subset of it. */
function at(port: number, host: TrafficPolicy, subset?: TrafficPolicy) {
  return settingsFor(settingsOf(host), subset && settingsOf(subset), port);
}

describe('settings', () => {
  it('of a port stand in place of all that ports can have, and beside the rest', () => {
    const host: TrafficPolicy = {
      loadBalancer: RANDOM,
      outlierDetection: {},
      retryBudget: {},
      portLevelSettings: [{ port: { number: 80 }, tls: { mode: 'DISABLE' } }],
    };
    expect(Object.keys(at(81, host))).toEqual(['loadBalancing', 'outlierDetection', 'retryBudget']);
    expect(Object.keys(at(80, host))).toEqual(['retryBudget', 'tls']);
  });

  it('of a subset go before those of the host, one by one', () => {
    const host: TrafficPolicy = { loadBalancer: RANDOM, outlierDetection: {}, proxyProtocol: {} };
    const merged = at(80, host, { loadBalancer: ROBIN });
    expect(merged.loadBalancing?.balancer).toEqual({ type: 'round-robin' });
    expect(Object.keys(merged).sort()).toEqual(['loadBalancing', 'outlierDetection', 'proxyProtocol']);
  });

  it('of a port of a subset go before everything', () => {
    const host: TrafficPolicy = { portLevelSettings: [{ port: { number: 80 }, loadBalancer: RANDOM }] };
    const subset: TrafficPolicy = {
      outlierDetection: {},
      portLevelSettings: [{ port: { number: 80 }, loadBalancer: ROBIN }],
    };
    expect(at(80, host, subset)).toEqual({ loadBalancing: { balancer: { type: 'round-robin' } } });
    expect(at(80, host, { outlierDetection: {} }).loadBalancing?.balancer).toEqual({ type: 'random' });
    expect(Object.keys(at(81, host, subset))).toEqual(['outlierDetection']);
  });
});

describe('a load balancer', () => {
  it.each([
    [{ simple: 'ROUND_ROBIN' }, { type: 'round-robin' }],
    [{ simple: 'LEAST_REQUEST' }, { type: 'least-request' }],
    [{ simple: 'LEAST_CONN' }, { type: 'least-request' }],
    [{ simple: 'RANDOM' }, { type: 'random' }],
    [{ simple: 'PASSTHROUGH' }, { type: 'least-request' }],
    [{ simple: 'UNSPECIFIED' }, undefined],
    [
      { simple: 'ROUND_ROBIN', warmup: { duration: '10s', aggression: 2 } },
      { type: 'round-robin', warmup: { durationMs: 10_000, minimumPercent: 10, aggression: 2 } },
    ],
    [
      { warmupDurationSecs: '30s' },
      { type: 'least-request', warmup: { durationMs: 30_000, minimumPercent: 10, aggression: 1 } },
    ],
    [
      { consistentHash: { httpHeaderName: 'X-User' } },
      { type: 'ring-hash', key: { type: 'header', name: 'x-user' }, minimumRingSize: 1024 },
    ],
    [
      { consistentHash: { useSourceIp: true, minimumRingSize: 5 } },
      { type: 'ring-hash', key: { type: 'source-ip' }, minimumRingSize: 5 },
    ],
    [
      { consistentHash: { httpQueryParameterName: 'User', maglev: {} } },
      { type: 'maglev', key: { type: 'query-parameter', name: 'User' } },
    ],
    [
      { consistentHash: { httpCookie: { name: 'c', ttl: '0s' }, maglev: { tableSize: 7 } } },
      { type: 'maglev', key: { type: 'cookie', cookie: { name: 'c', ttlMs: 0, attributes: [] } }, tableSize: 7 },
    ],
  ] as const)('of %j is %j', (loadBalancer, expected) => {
    const { loadBalancing } = settingsOf({ loadBalancer } as TrafficPolicy);
    expect(loadBalancing?.balancer).toEqual(expected);
  });
});

describe('limits', () => {
  it('of 0 are none, as in Istio', () => {
    const { connectionPool } = settingsOf({
      connectionPool: {
        tcp: { maxConnections: 0 },
        http: { http1MaxPendingRequests: 0, http2MaxRequests: 0, maxRetries: 0, maxConcurrentStreams: 0 },
      },
    });
    expect(connectionPool).toEqual({ limits: {}, tcp: {} });
  });

  it('on idle time of TCP hold for HTTP where that has none of its own', () => {
    const both = settingsOf({ connectionPool: { tcp: { idleTimeout: '1s' }, http: { idleTimeout: '0s' } } });
    expect(both.connectionPool).toMatchObject({ limits: { idleTimeoutMs: 0 }, tcp: { idleTimeoutMs: 1000 } });
    const tcp = settingsOf({ connectionPool: { tcp: { idleTimeout: '1s' } } });
    expect(tcp.connectionPool).toMatchObject({ limits: { idleTimeoutMs: 1000 } });
  });
});

describe('outlier detection', () => {
  it.each([
    [{}, {}],
    [{ consecutiveErrors: 3 }, { consecutive5xx: 0, consecutiveGatewayFailure: 3 }],
    [
      { consecutiveErrors: 3, consecutive5xxErrors: 7 },
      { consecutive5xx: 7, consecutiveGatewayFailure: 3 },
    ],
    [{ maxEjectionPercent: 0 }, {}],
    [{ splitExternalLocalOriginErrors: true }, { localOrigin: {} }],
    [
      { splitExternalLocalOriginErrors: true, consecutiveLocalOriginFailures: 2 },
      { localOrigin: { consecutiveFailures: 2 } },
    ],
  ])('of %j is %j', (settings, expected) => {
    const { outlierDetection } = settingsOf({ outlierDetection: settings });
    expect(outlierDetection).toEqual({ ejection: expected, minHealthPercent: 0 });
  });
});

describe('a retry budget', () => {
  it("has Envoy's defaults", () => {
    const { retryBudget } = settingsOf({ retryBudget: { budgetInterval: '5s' } });
    expect(retryBudget).toEqual({ type: 'budget', percent: 20, minRetryConcurrency: 3, intervalMs: 5000 });
  });
});

describe('a tunnel', () => {
  it('writes the address of its target as URLs do', () => {
    const { tunnel } = settingsOf({ tunnel: { targetHost: '::1', targetPort: 443, protocol: 'POST' } });
    expect(tunnel).toEqual({ method: 'POST', target: '[::1]:443' });
  });
});
