import { durationMs, optionalDurationMs } from '@lateen/api/duration.ts';
import type { LoadBalancer } from '@lateen/api/istio/load-balancer.ts';
import type { HashKeyIr, LoadBalancerIr, WarmupIr } from '../proxy/ir/load-balancer.ts';
import { buildLocalitySetting, type LocalitySetting } from './locality-setting.ts';

/** `loadBalancer` of a DestinationRule. */
export interface LoadBalancing {
  /** Absent: as the mesh has it. */
  readonly balancer?: LoadBalancerIr;
  /** Absent: as the mesh has it. */
  readonly locality?: LocalitySetting;
  /** To the address that the caller asked for, where its proxy knows it; elsewhere `balancer` chooses. */
  readonly passthrough?: true;
}

type ConsistentHash = NonNullable<LoadBalancer['consistentHash']>;

export const DEFAULT_BALANCER: LoadBalancerIr = { type: 'least-request' };

/** Calls of one client go to one instance. */
export const CLIENT_AFFINITY: LoadBalancing = {
  balancer: { type: 'ring-hash', key: { type: 'source-ip' }, minimumRingSize: 1024 },
  locality: { type: 'affinity' },
};

/** What a policy says, over what the service itself says. An affinity is a way of choosing, so another way ends it. */
export function mergeLoadBalancing(own: LoadBalancing | undefined, said: LoadBalancing | undefined): LoadBalancing {
  const isReplaced = said?.balancer !== undefined && own?.locality?.type === 'affinity';
  return isReplaced ? said : { ...own, ...said };
}

/** Istio's: with as many points on the ring as Envoy's own default, an instance among a hundred gets its fair share. */
const MINIMUM_RING_SIZE = 1024;
/** Envoy's defaults. */
const WARMUP_START_PERCENT = 10;
const EVEN_GROWTH = 1;

export function buildLoadBalancing(settings: LoadBalancer): LoadBalancing {
  const balancer = buildBalancer(settings);
  const locality = buildLocalitySetting(settings);
  return {
    ...(balancer === undefined ? {} : { balancer }),
    ...(locality === undefined ? {} : { locality }),
    ...(settings.simple === 'PASSTHROUGH' ? { passthrough: true } : {}),
  };
}

function buildBalancer(settings: LoadBalancer): LoadBalancerIr | undefined {
  if (settings.consistentHash !== undefined) return buildConsistentHash(settings.consistentHash);
  const warmup = buildWarmup(settings);
  const warming = warmup === undefined ? {} : { warmup };
  switch (settings.simple) {
    case 'ROUND_ROBIN':
      return { type: 'round-robin', ...warming };
    case 'RANDOM':
      return { type: 'random' };
    case 'LEAST_REQUEST':
    case 'LEAST_CONN':
      return { type: 'least-request', ...warming };
    // Where applications are told ports in place of addresses, and in gateways, the address that was asked for is the
    // proxy's own: any instance will do.
    case 'PASSTHROUGH':
      return DEFAULT_BALANCER;
    default:
      return warmup === undefined ? undefined : { type: 'least-request', ...warming };
  }
}

function buildWarmup({ warmup, warmupDurationSecs }: LoadBalancer): WarmupIr | undefined {
  const window = optionalDurationMs(warmup?.duration ?? warmupDurationSecs);
  if (window === undefined) return undefined;
  return {
    durationMs: window,
    minimumPercent: warmup?.minimumPercent ?? WARMUP_START_PERCENT,
    aggression: warmup?.aggression ?? EVEN_GROWTH,
  };
}

/** A size of 0 stands for the default, as in Istio. */
function buildConsistentHash(settings: ConsistentHash): LoadBalancerIr {
  const key = buildHashKey(settings);
  if (settings.maglev !== undefined) {
    const { tableSize = 0 } = settings.maglev;
    return { type: 'maglev', key, ...(tableSize === 0 ? {} : { tableSize }) };
  }
  const minimumRingSize = settings.ringHash?.minimumRingSize || settings.minimumRingSize || MINIMUM_RING_SIZE;
  return { type: 'ring-hash', key, minimumRingSize };
}

function buildHashKey({ httpHeaderName, httpCookie, httpQueryParameterName }: ConsistentHash): HashKeyIr {
  if (httpHeaderName !== undefined) return { type: 'header', name: httpHeaderName.toLowerCase() };
  if (httpQueryParameterName !== undefined) return { type: 'query-parameter', name: httpQueryParameterName };
  if (httpCookie === undefined) return { type: 'source-ip' };
  const { name, path, ttl, attributes = [] } = httpCookie;
  return {
    type: 'cookie',
    cookie: {
      name,
      ...(path === undefined ? {} : { path }),
      ...(ttl === undefined ? {} : { ttlMs: durationMs(ttl) ?? 0 }),
      attributes: attributes.map(({ name, value = '' }) => ({ name, value })),
    },
  };
}
