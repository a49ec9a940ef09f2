import type { ActionVerdict, HeaderChange, HttpTarget, Unknown } from '@lateen/api/verdict.ts';
import {
  type RouteAction,
  RouteAction_ClusterNotFoundResponseCode,
  type WeightedCluster_ClusterWeight,
} from '@lateen/envoy-api/envoy/config/route/v3/route_components_pb.js';
import { changeRequest, headerChanges, headerOperations } from '../http/header-operations.ts';
import type { FilterOverrides } from '../http/http-filters.ts';
import { passFilters } from '../http/pass-filters.ts';
import { copyRequest, headerValue, type RoutedRequest, setHeader, viewOf } from '../http/request.ts';
import { mirrorsOf } from './mirror.ts';
import { hostRewrite, pathRewrite, rewriteHost, rewritePath } from './rewrite.ts';
import type { PreparedRoute } from './route.ts';
import { hashesOf, newCookies, type RoutePolicies, routePolicies, setGrpcTimeout } from './route-policies.ts';
import { inOrder, type RouteScope, responseLevels, undecided } from './scope.ts';
import { isUndecidable } from './string-match.ts';

export function forward(
  scope: RouteScope,
  prepared: PreparedRoute,
  action: RouteAction,
  request: RoutedRequest,
  responseHeaders: readonly HeaderChange[],
  levels: readonly FilterOverrides[],
  unknowns: Unknown[],
): ActionVerdict {
  const clusters = clustersOf(action, request);
  if (isUndecidable(clusters)) return undecided(clusters.undecidable, prepared, unknowns);
  const policies = routePolicies(action, scope.host.host.retryPolicy, request);
  const targets: HttpTarget[] = [];
  for (const { share, name, weighted } of clusters) {
    const target = targetOf(scope, prepared, action, name, weighted, request, policies, responseHeaders);
    if (isUndecidable(target)) return undecided(target.undecidable, prepared, unknowns);
    const own = weighted?.typedPerFilterConfig ?? {};
    const fault = Object.keys(own).length === 0 ? {} : ownFault(scope, [own, ...levels], request, name, unknowns);
    targets.push({ share, ...target, ...fault });
    unknowns.push(...target.cluster.unknowns);
  }
  const [only] = targets;
  if (only !== undefined && targets.length === 1 && only.cluster.kind === 'missing') {
    return {
      type: 'respond',
      by: 'proxy',
      status: NOT_FOUND[action.clusterNotFoundResponseCode],
      reason: `the proxy has no cluster ${only.cluster.name}`,
      headers: [],
      responseHeaders: only.responseHeaders,
    };
  }
  return {
    type: 'forward',
    targets,
    mirrors: mirrorsOf(scope, action, request),
    ...policies,
    ...(scope.upgrade === undefined ? {} : { upgrade: scope.upgrade }),
    ...(scope.upgrade === 'CONNECT' && endsTunnel(action) ? { endsTunnel: true } : {}),
  };
}

function endsTunnel({ upgradeConfigs }: RouteAction): boolean {
  return upgradeConfigs.some(
    ({ upgradeType, connectConfig }) => upgradeType.toUpperCase() === 'CONNECT' && connectConfig !== undefined,
  );
}

const NOT_FOUND: Readonly<Record<RouteAction_ClusterNotFoundResponseCode, number>> = {
  [RouteAction_ClusterNotFoundResponseCode.SERVICE_UNAVAILABLE]: 503,
  [RouteAction_ClusterNotFoundResponseCode.NOT_FOUND]: 404,
  [RouteAction_ClusterNotFoundResponseCode.INTERNAL_SERVER_ERROR]: 500,
};

function ownFault(
  scope: RouteScope,
  levels: readonly FilterOverrides[],
  request: RoutedRequest,
  cluster: string,
  unknowns: Unknown[],
) {
  const { fault } = passFilters(scope.prepared, levels, request, { forwards: true, cluster }, unknowns);
  return { fault: fault ?? null };
}

interface ChosenCluster {
  readonly share: number;
  readonly name: string;
  readonly weighted?: WeightedCluster_ClusterWeight;
}

function clustersOf(
  { clusterSpecifier: specifier }: RouteAction,
  request: RoutedRequest,
): ChosenCluster[] | { undecidable: string } {
  switch (specifier.case) {
    case 'cluster':
      return [{ share: 1, name: specifier.value }];
    case 'clusterHeader':
      return [{ share: 1, name: headerValue(request, specifier.value.toLowerCase()) ?? '' }];
    case 'weightedClusters': {
      const { clusters, randomValueSpecifier } = specifier.value;
      if (randomValueSpecifier.case === 'headerName') {
        return { undecidable: `the cluster is chosen by the header ${randomValueSpecifier.value}` };
      }
      const total = clusters.reduce((sum, { weight = 0 }) => sum + weight, 0);
      return clusters
        .filter(({ weight = 0 }) => weight > 0)
        .map((weighted) => ({
          share: (weighted.weight ?? 0) / total,
          name:
            weighted.name === '' ? (headerValue(request, weighted.clusterHeader.toLowerCase()) ?? '') : weighted.name,
          weighted,
        }));
    }
    case 'clusterSpecifierPlugin':
      return { undecidable: `the cluster is chosen by the plugin ${specifier.value}` };
    case 'inlineClusterSpecifierPlugin':
      return { undecidable: 'the cluster is chosen by a plugin' };
    case undefined:
      return { undecidable: 'a route without a cluster' };
  }
}

function targetOf(
  scope: RouteScope,
  prepared: PreparedRoute,
  action: RouteAction,
  cluster: string,
  weighted: WeightedCluster_ClusterWeight | undefined,
  original: RoutedRequest,
  policies: RoutePolicies,
  fromFilters: readonly HeaderChange[],
): Omit<HttpTarget, 'share'> | { undecidable: string } {
  const path = pathRewrite(action, prepared.matched);
  const host = hostRewrite(action, weighted);
  if (path !== undefined && isUndecidable(path)) return path;
  if (host !== undefined && isUndecidable(host)) return host;
  const request = copyRequest(original);
  const context = { routeName: prepared.name, virtualHost: scope.host.host.name, cluster };
  const ownRequest = weighted && headerOperations(weighted.requestHeadersToAdd, weighted.requestHeadersToRemove);
  const ownResponse = weighted && headerOperations(weighted.responseHeadersToAdd, weighted.responseHeadersToRemove);
  changeRequest(
    request,
    inOrder(scope, ownRequest, prepared.requestHeaders, scope.host.requestHeaders, scope.table.requestHeaders),
    context,
  );
  rewriteHost(request, host?.(request), action.appendXForwardedHost);
  rewritePath(request, path);
  setGrpcTimeout(action, policies, request);
  if (scope.host.host.includeRequestAttemptCount) setHeader(request.headers, 'x-envoy-attempt-count', '1');
  const responses = responseLevels(scope, prepared, ownResponse);
  const changes = headerChanges(responses, { ...context, request });
  const beforeRequest = headerChanges(responses, { ...context, request: original });
  const { protocol } = request.connection;
  // A route's own come before those of the cluster.
  const hashPolicies =
    action.hashPolicy.length > 0 ? action.hashPolicy : (scope.proxy.cluster(cluster)?.hashPolicies ?? []);
  return {
    cluster: scope.proxy.clusterVerdict(cluster, (each) =>
      each.forHttp(protocol, request.authority, scope.destination),
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
