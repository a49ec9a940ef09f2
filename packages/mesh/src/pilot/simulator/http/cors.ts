import { fromBinary } from '@bufbuild/protobuf';
import type { Any } from '@bufbuild/protobuf/wkt';
import type { CorsVerdict, HeaderChange, RespondVerdict, Unknown, VerdictHeader } from '@lateen/api/verdict.ts';
import { type CorsPolicy, CorsPolicySchema } from '@lateen/envoy-api/envoy/extensions/filters/http/cors/v3/cors_pb.js';
import { runtimeShare } from '../route/chance.ts';
import { isUndecidable, stringTest } from '../route/string-match.ts';
import { headerValue, type RoutedRequest } from './request.ts';

export interface CorsAnswer {
  readonly verdict: CorsVerdict;
  /** To a preflight request that is allowed. */
  readonly answer?: RespondVerdict;
  readonly responseHeaders: readonly HeaderChange[];
}

/** What the CORS filter does with a request under a route's policy. Undefined: nothing. */
export function corsFor(config: Any | undefined, request: RoutedRequest, unknowns: Unknown[]): CorsAnswer | undefined {
  if (config === undefined) return undefined;
  const policy = policyOf(config);
  const enabled = runtimeShare(policy.filterEnabled, 1);
  if (enabled === 0) return undefined;
  if (enabled < 1) unknowns.push({ what: 'CorsPolicy.filter_enabled for a share of requests', where: 'CORS filter' });
  const origin = headerValue(request, 'origin');
  if (origin === undefined || origin === '') return undefined;
  const requestMethod = headerValue(request, 'access-control-request-method') ?? '';
  const preflight = request.method === 'OPTIONS' && requestMethod !== '';
  const allowed = isAllowed(policy, origin, unknowns);
  const verdict: CorsVerdict = { origin, allowed, preflight };
  if (!allowed) {
    if (!preflight || policy.forwardNotMatchingPreflights !== false) return { verdict, responseHeaders: [] };
    // Without the header that matters, but with the others.
    const permissions = preflightPermissions(policy, request);
    const answer = respond('the origin of the preflight request is not allowed', permissions);
    return { verdict, responseHeaders: [], answer };
  }
  if (!preflight) return { verdict, responseHeaders: actualHeaders(policy, origin) };
  const answer = respond('the preflight request is allowed', preflightHeaders(policy, origin, request));
  return { verdict, responseHeaders: [], answer };
}

function respond(reason: string, headers: readonly VerdictHeader[]): RespondVerdict {
  return { type: 'respond', by: 'cors', status: 200, reason, headers, responseHeaders: [] };
}

const decoded = new WeakMap<Any, CorsPolicy>();

function policyOf(config: Any): CorsPolicy {
  let policy = decoded.get(config);
  if (policy === undefined) {
    policy = fromBinary(CorsPolicySchema, config.value);
    decoded.set(config, policy);
  }
  return policy;
}

function isAllowed({ allowOriginStringMatch }: CorsPolicy, origin: string, unknowns: Unknown[]): boolean {
  return allowOriginStringMatch.some((matcher) => {
    const test = stringTest(matcher);
    if (isUndecidable(test)) {
      unknowns.push({ what: test.undecidable, where: 'CORS filter' });
      return false;
    }
    return test.matches('*') || test.matches(origin);
  });
}

function actualHeaders({ allowCredentials, exposeHeaders }: CorsPolicy, origin: string): HeaderChange[] {
  const overwrite = (name: string, value: string): HeaderChange => ({ action: 'overwrite', name, value });
  return [
    overwrite('access-control-allow-origin', origin),
    ...(allowCredentials === true ? [overwrite('access-control-allow-credentials', 'true')] : []),
    ...(exposeHeaders === '' ? [] : [overwrite('access-control-expose-headers', exposeHeaders)]),
  ];
}

function preflightHeaders(policy: CorsPolicy, origin: string, request: RoutedRequest): VerdictHeader[] {
  return [
    ['access-control-allow-origin', origin],
    ...preflightPermissions(policy, request),
    // The filter sees its own answer pass as well.
    ...(policy.exposeHeaders === ''
      ? []
      : [['access-control-expose-headers', policy.exposeHeaders] satisfies VerdictHeader]),
  ];
}

function preflightPermissions(policy: CorsPolicy, request: RoutedRequest): VerdictHeader[] {
  const { allowMethods, allowHeaders, allowCredentials, maxAge, allowPrivateNetworkAccess } = policy;
  const headers: VerdictHeader[] = [];
  if (allowCredentials === true) headers.push(['access-control-allow-credentials', 'true']);
  if (allowMethods !== '') {
    headers.push(['access-control-allow-methods', spelledOut(allowMethods, request, 'access-control-request-method')]);
  }
  if (allowHeaders !== '') {
    headers.push(['access-control-allow-headers', spelledOut(allowHeaders, request, 'access-control-request-headers')]);
  }
  if (maxAge !== '') headers.push(['access-control-max-age', maxAge]);
  if (allowPrivateNetworkAccess === true && headerValue(request, 'access-control-request-private-network') === 'true') {
    headers.push(['access-control-allow-private-network', 'true']);
  }
  return headers;
}

/** Of `*` the answer makes what was asked for. */
function spelledOut(allowed: string, request: RoutedRequest, wanted: string): string {
  return allowed === '*' ? (headerValue(request, wanted) ?? '') : allowed;
}
