import type { ForwardVerdict, HashVerdict, HeaderChange, RetryVerdict } from '@lateen/api/verdict.ts';
import type {
  RetryPolicy,
  RouteAction,
  RouteAction_HashPolicy,
} from '@lateen/envoy-api/envoy/config/route/v3/route_components_pb.js';
import { milliseconds } from '../http/fault.ts';
import { headerValue, type RoutedRequest } from '../http/request.ts';
import { cookieValue, queryParameters } from './route-match.ts';

/** Envoy's, where a route says nothing. */
const DEFAULT_TIMEOUT_MS = 15_000;

/** How a route's requests are treated on their way, but not where they go. */
export function routePolicies(
  action: RouteAction,
  hostRetry: RetryPolicy | undefined,
): Pick<ForwardVerdict, 'timeoutMs' | 'idleTimeoutMs' | 'maxStreamDurationMs' | 'retry'> {
  const timeoutMs = action.timeout === undefined ? DEFAULT_TIMEOUT_MS : milliseconds(action.timeout);
  const maxStream = action.maxStreamDuration?.maxStreamDuration;
  const retry = retryOf(action.retryPolicy ?? hostRetry);
  return {
    ...(timeoutMs === 0 ? {} : { timeoutMs }),
    ...(action.idleTimeout === undefined ? {} : { idleTimeoutMs: milliseconds(action.idleTimeout) }),
    ...(maxStream === undefined ? {} : { maxStreamDurationMs: milliseconds(maxStream) }),
    ...(retry === undefined ? {} : { retry }),
  };
}

function retryOf(policy: RetryPolicy | undefined): RetryVerdict | undefined {
  if (policy === undefined) return undefined;
  const { retryOn, retriableStatusCodes, numRetries = 1, perTryTimeout } = policy;
  return {
    conditions: retryOn.split(',').filter((condition) => condition !== ''),
    statusCodes: retriableStatusCodes,
    attempts: numRetries,
    ...(perTryTimeout === undefined ? {} : { perTryTimeoutMs: milliseconds(perTryTimeout) }),
  };
}

/** What the load balancer hashes of a request. */
export function hashesOf(policies: readonly RouteAction_HashPolicy[], request: RoutedRequest): HashVerdict[] {
  return policies.map((policy) => hashOf(policy, request));
}

/** Callers without the cookie that is hashed get one, if it has a lifetime. */
export function newCookies(policies: readonly RouteAction_HashPolicy[], request: RoutedRequest): HeaderChange[] {
  return policies.flatMap(({ policySpecifier: specifier }): HeaderChange[] => {
    if (specifier.case !== 'cookie' || specifier.value.ttl === undefined) return [];
    if (cookieValue(request, specifier.value.name) !== undefined) return [];
    return [{ action: 'append', name: 'set-cookie', value: null }];
  });
}

function hashOf({ policySpecifier: specifier }: RouteAction_HashPolicy, request: RoutedRequest): HashVerdict {
  const by = (type: 'header' | 'cookie' | 'query', name: string, value: string | undefined): HashVerdict => ({
    type,
    name,
    ...(value === undefined ? {} : { value }),
  });
  switch (specifier.case) {
    case 'header': {
      const { headerName } = specifier.value;
      return by('header', headerName, headerValue(request, headerName.toLowerCase()));
    }
    case 'cookie':
      return by('cookie', specifier.value.name, cookieValue(request, specifier.value.name));
    case 'queryParameter':
      return by('query', specifier.value.name, queryParameters(request.path).get(specifier.value.name));
    case 'connectionProperties':
      return { type: 'source' };
    default:
      return { type: 'other', name: specifier.case ?? 'none' };
  }
}
