import type { MessageInitShape } from '@bufbuild/protobuf';
import type { RetryPolicySchema } from '@lateen/envoy-api/envoy/config/route/v3/route_components_pb.js';
import { PreviousHostsPredicateSchema } from '@lateen/envoy-api/envoy/extensions/retry/host/previous_hosts/v3/previous_hosts_pb.js';
import { PreviousPrioritiesConfigSchema } from '@lateen/envoy-api/envoy/extensions/retry/priority/previous_priorities/v3/previous_priorities_config_pb.js';
import { RETRY_SAFE_HEADER } from '../../model/retry.ts';
import type { RetryIr } from '../../proxy/ir/route-action.ts';
import { translateHeader } from './route-match.ts';
import { duration, extension } from './values.ts';

export function translateRetry(retry: Extract<RetryIr, { type: 'on' }>): MessageInitShape<typeof RetryPolicySchema> {
  return {
    retryOn: retry.conditions.join(','),
    numRetries: retry.attempts,
    ...(retry.perTryTimeoutMs === undefined ? {} : { perTryTimeout: duration(retry.perTryTimeoutMs) }),
    retriableStatusCodes: [...retry.statusCodes],
    retriableHeaders: retry.conditions.includes('retriable-headers')
      ? [translateHeader({ name: RETRY_SAFE_HEADER, value: { type: 'present' } })]
      : [],
    ...(retry.baseIntervalMs === undefined ? {} : { retryBackOff: { baseInterval: duration(retry.baseIntervalMs) } }),
    ...(retry.avoidTriedHosts
      ? { retryHostPredicate: [PREVIOUS_HOSTS], hostSelectionRetryMaxAttempts: HOST_SELECTION_ATTEMPTS }
      : {}),
    ...(retry.otherLocalities ? { retryPriority: PREVIOUS_PRIORITIES } : {}),
  };
}

/**
 * How often another endpoint is chosen until one has not failed the request before. An endpoint that fails at once has the
 * fewest requests, so that the load balancer would choose it three times out of four among two; this makes it 1 in 10,000.
 */
const HOST_SELECTION_ATTEMPTS = 32n;

const PREVIOUS_HOSTS = extension('envoy.retry_host_predicates.previous_hosts', PreviousHostsPredicateSchema);
const PREVIOUS_PRIORITIES = extension('envoy.retry_priorities.previous_priorities', PreviousPrioritiesConfigSchema, {
  updateFrequency: 2,
});
