import type { ActionVerdict, HeaderChange, HttpTarget, Unknown } from '@lateen/api/verdict.ts';
import { RouteAction_ClusterNotFoundResponseCode } from '@lateen/envoy-api/envoy/config/route/v3/route_components_pb.js';
import { changeRequest, headerChanges } from '../http/header-operations.ts';
import type { FilterOverrides } from '../http/http-filters.ts';
import { type LookUp, lookUpFor } from '../http/look-up.ts';
import { passFilters } from '../http/pass-filters.ts';
import { copyRequest, type RoutedRequest, setHeader, viewOf } from '../http/request.ts';
import { sessionChanges } from '../http/session.ts';
import { mirrorsOf } from './mirror.ts';
import type { PreparedForward, PreparedTarget } from './prepared-forward.ts';
import { rewriteHost, rewritePath } from './rewrite.ts';
import type { PreparedRoute } from './route.ts';
import { hashesOf, newCookies, type RoutePolicies, routePolicies, setGrpcTimeout } from './route-policies.ts';
import { inOrder, type RouteScope, responseLevels } from './scope.ts';

/** Sends a request on as its route says. `levels` is the configuration of filters that holds for the route. */
export function forward(
  scope: RouteScope,
  route: PreparedRoute,
  prepared: PreparedForward,
  request: RoutedRequest,
  responseHeaders: readonly HeaderChange[],
  levels: readonly FilterOverrides[],
  unknowns: Unknown[],
): ActionVerdict {
  const { action } = prepared;
  const policies = routePolicies(action, scope.host.host.retryPolicy, request);
  const targets = prepared.targets.map((target): HttpTarget => {
    const cluster = target.cluster(request);
    const own = target.filters === undefined ? levels : [target.filters, ...levels];
    const lookUp = lookUpFor(scope.prepared, own, request, unknowns);
    const answered = [...responseHeaders, ...sessionChanges(scope.prepared, own, request, unknowns)];
    const sent = send(scope, route, prepared, target, cluster, request, policies, answered, lookUp);
    unknowns.push(...sent.cluster.unknowns);
    if (target.filters === undefined) return sent;
    const { fault } = passFilters(scope.prepared, own, request, { forwards: true, cluster }, unknowns);
    return { ...sent, fault: fault ?? null };
  });
  const noClusterStatus = NOT_FOUND[action.clusterNotFoundResponseCode];
  const [only] = targets;
  if (only !== undefined && targets.length === 1 && only.cluster.kind === 'missing') {
    return {
      type: 'respond',
      by: 'proxy',
      status: noClusterStatus,
      reason: `the proxy has no cluster ${only.cluster.name}`,
      headers: [],
      responseHeaders: only.responseHeaders,
    };
  }
  return {
    type: 'forward',
    targets,
    ...(noClusterStatus === UNAVAILABLE ? {} : { noClusterStatus }),
    mirrors: mirrorsOf(scope, action, request),
    ...policies,
    ...(scope.upgrade === undefined ? {} : { upgrade: scope.upgrade }),
    ...(scope.upgrade === 'CONNECT' && prepared.endsTunnel ? { endsTunnel: true } : {}),
  };
}

const UNAVAILABLE = 503;

const NOT_FOUND: Readonly<Record<RouteAction_ClusterNotFoundResponseCode, number>> = {
  [RouteAction_ClusterNotFoundResponseCode.SERVICE_UNAVAILABLE]: UNAVAILABLE,
  [RouteAction_ClusterNotFoundResponseCode.NOT_FOUND]: 404,
  [RouteAction_ClusterNotFoundResponseCode.INTERNAL_SERVER_ERROR]: 500,
};

function send(
  scope: RouteScope,
  route: PreparedRoute,
  { action, path }: PreparedForward,
  target: PreparedTarget,
  cluster: string,
  original: RoutedRequest,
  policies: RoutePolicies,
  fromFilters: readonly HeaderChange[],
  lookUp: LookUp,
): HttpTarget {
  const request = copyRequest(original);
  const context = { routeName: route.name, virtualHost: scope.host.host.name, cluster };
  changeRequest(
    request,
    inOrder(scope, target.requestHeaders, route.requestHeaders, scope.host.requestHeaders, scope.table.requestHeaders),
    context,
  );
  rewriteHost(request, target.host?.(request), action.appendXForwardedHost);
  rewritePath(request, path);
  setGrpcTimeout(action, policies, request);
  if (scope.host.host.includeRequestAttemptCount) setHeader(request.headers, 'x-envoy-attempt-count', '1');
  const responses = responseLevels(scope, route, target.responseHeaders);
  const changes = headerChanges(responses, { ...context, request });
  const beforeRequest = headerChanges(responses, { ...context, request: original });
  // A route's own come before those of the cluster.
  const hashPolicies =
    action.hashPolicy.length > 0 ? action.hashPolicy : (scope.proxy.cluster(cluster)?.hashPolicies ?? []);
  return {
    share: target.share,
    cluster: scope.proxy.clusterVerdict(cluster, (each) =>
      each.forHttp(request.connection.protocol, request.authority, scope.destination, lookUp),
    ),
    hash: hashesOf(hashPolicies, original),
    request: viewOf(request),
    // Filters stand before the router, so they see the answer after it.
    responseHeaders: [...changes, ...newCookies(hashPolicies, original), ...fromFilters],
    ...(isSame(changes, beforeRequest) ? {} : { abortHeaders: [...beforeRequest, ...fromFilters] }),
  };
}

function isSame(some: readonly HeaderChange[], others: readonly HeaderChange[]): boolean {
  return some.length === others.length && some.every(({ value }, index) => others[index]?.value === value);
}
