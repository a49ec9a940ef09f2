import type { ForwardVerdict, HashVerdict, HeaderChange, RetryVerdict } from '@lateen/api/verdict.ts';
import type {
  RetryPolicy,
  RouteAction,
  RouteAction_HashPolicy,
} from '@lateen/envoy-api/envoy/config/route/v3/route_components_pb.js';
import { milliseconds } from '../http/fault.ts';
import { headerValue, type RoutedRequest, setHeader } from '../http/request.ts';
import { cookieValue, isGrpc, queryParameters } from './route-match.ts';

/** Envoy's, where a route says nothing. */
const DEFAULT_TIMEOUT_MS = 15_000;

export type RoutePolicies = Pick<ForwardVerdict, 'timeoutMs' | 'idleTimeoutMs' | 'maxStreamDurationMs' | 'retry'>;

/** How a route's requests are treated on their way, but not where they go. */
export function routePolicies(
  action: RouteAction,
  hostRetry: RetryPolicy | undefined,
  request: RoutedRequest,
): RoutePolicies {
  const timeoutMs = timeoutOf(action, request);
  const maxStream = action.maxStreamDuration?.maxStreamDuration;
  const retry = retryOf(action.retryPolicy ?? hostRetry);
  return {
    ...(timeoutMs === 0 ? {} : { timeoutMs }),
    ...(action.idleTimeout === undefined ? {} : { idleTimeoutMs: milliseconds(action.idleTimeout) }),
    ...(maxStream === undefined ? {} : { maxStreamDurationMs: milliseconds(maxStream) }),
    ...(retry === undefined ? {} : { retry }),
  };
}

/** 0: none. */
function timeoutOf({ timeout, maxGrpcTimeout }: RouteAction, request: RoutedRequest): number {
  if (maxGrpcTimeout === undefined || !isGrpc(request))
    return timeout === undefined ? DEFAULT_TIMEOUT_MS : milliseconds(timeout);
  const wanted = grpcTimeoutMs(headerValue(request, 'grpc-timeout'));
  const most = milliseconds(maxGrpcTimeout);
  return most !== 0 && (wanted === 0 || wanted > most) ? most : wanted;
}

/** Tells the endpoint of a gRPC request how long there is for an answer. */
export function setGrpcTimeout(
  { maxGrpcTimeout }: RouteAction,
  { timeoutMs, retry }: Pick<ForwardVerdict, 'timeoutMs' | 'retry'>,
  request: RoutedRequest,
): void {
  if (maxGrpcTimeout === undefined || timeoutMs === undefined || !isGrpc(request)) return;
  const { perTryTimeoutMs = timeoutMs } = retry ?? {};
  setHeader(request.headers, 'grpc-timeout', `${Math.min(timeoutMs, perTryTimeoutMs)}m`);
}

const UNITS_MS: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1_000, m: 1, u: 0.001, n: 0.000_001 };

/** 0: none. */
function grpcTimeoutMs(text = ''): number {
  const timeout = /^(\d{1,8})([HMSmun])$/.exec(text);
  return timeout === null ? 0 : Math.ceil(Number(timeout[1]) * (UNITS_MS[timeout[2] ?? ''] ?? 0));
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
