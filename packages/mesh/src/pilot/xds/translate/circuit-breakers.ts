import type { CircuitBreakersSchema } from '@lateen/envoy-api/envoy/config/cluster/v3/circuit_breaker_pb.js';
import type { ConnectionPoolIr, RetryLimitIr } from '../../proxy/ir/upstream-policy.ts';
import type { Init } from './init.ts';
import { duration } from './values.ts';

/** Envoy's own defaults (1,024 of each) would shed load that nobody asked to be shed. */
const UNLIMITED = 0xffff_ffff;

export const NO_LIMITS: Init<typeof CircuitBreakersSchema> = {
  thresholds: [
    { maxConnections: UNLIMITED, maxPendingRequests: UNLIMITED, maxRequests: UNLIMITED, maxRetries: UNLIMITED },
  ],
};

export function circuitBreakers(pool: ConnectionPoolIr, retries: RetryLimitIr): Init<typeof CircuitBreakersSchema> {
  return {
    thresholds: [
      {
        maxConnections: pool.maxConnections ?? UNLIMITED,
        maxPendingRequests: pool.maxPendingRequests ?? UNLIMITED,
        maxRequests: pool.maxRequests ?? UNLIMITED,
        ...retryThreshold(retries),
      },
    ],
  };
}

function retryThreshold(ir: RetryLimitIr) {
  if (ir.type === 'count') return { maxRetries: ir.maxRetries };
  return {
    retryBudget: {
      budgetPercent: { value: ir.percent },
      minRetryConcurrency: ir.minRetryConcurrency,
      ...(ir.intervalMs === undefined ? {} : { budgetInterval: duration(ir.intervalMs) }),
    },
  };
}
