import { optionalDurationMs } from '@lateen/api/duration.ts';
import type { VirtualService } from '@lateen/api/kinds.ts';
import type { RetryIr } from '../proxy/ir/route-action.ts';

type HttpRetry = NonNullable<NonNullable<VirtualService['spec']['http']>[number]['retries']>;

/**
 * A sidecar sets this header on an answer that it made itself for a request that may safely be sent again: it did not
 * reach the application, or its method is idempotent. The caller's proxy retries on it and takes it off.
 */
export const RETRY_SAFE_HEADER = 'x-lateen-retry-safe';

/** Conditions under which a request surely did not reach an application, so that sending it again does no harm. */
const SAFE_CONDITIONS = ['connect-failure', 'refused-stream', 'reset-before-request', 'retriable-headers'];

/** Retries without being asked, where they are safe. Twice, as in Istio. */
export const DEFAULT_RETRY: RetryIr = {
  type: 'on',
  attempts: 2,
  conditions: SAFE_CONDITIONS,
  statusCodes: [],
  avoidTriedHosts: true,
  otherLocalities: false,
};

/**
 * VirtualService `spec.http[].retries`. A condition that is a number is a status code; without `retryOn` the safe
 * conditions hold.
 */
export function buildRetry(retries: HttpRetry): RetryIr {
  const attempts = retries.attempts ?? 2;
  if (attempts === 0) return { type: 'off' };
  const asked = (retries.retryOn ?? '')
    .split(',')
    .map((condition) => condition.trim())
    .filter((condition) => condition !== '');
  const conditions = asked.filter((condition) => !/^\d+$/.test(condition));
  const statusCodes = asked.filter((condition) => /^\d+$/.test(condition)).map(Number);
  if (statusCodes.length > 0 && !conditions.includes('retriable-status-codes'))
    conditions.push('retriable-status-codes');
  const perTryTimeoutMs = optionalDurationMs(retries.perTryTimeout);
  const baseIntervalMs = optionalDurationMs(retries.backoff);
  return {
    type: 'on',
    attempts,
    ...(perTryTimeoutMs === undefined || perTryTimeoutMs === 0 ? {} : { perTryTimeoutMs }),
    conditions: asked.length === 0 ? SAFE_CONDITIONS : [...new Set([...conditions, 'retriable-headers'])],
    statusCodes,
    ...(baseIntervalMs === undefined ? {} : { baseIntervalMs }),
    avoidTriedHosts: retries.retryIgnorePreviousHosts ?? true,
    otherLocalities: retries.retryRemoteLocalities ?? false,
  };
}
