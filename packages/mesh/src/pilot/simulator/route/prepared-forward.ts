import type {
  RouteAction,
  WeightedCluster_ClusterWeight,
} from '@lateen/envoy-api/envoy/config/route/v3/route_components_pb.js';
import { type HeaderOperations, headerOperations } from '../http/header-operations.ts';
import type { FilterOverrides } from '../http/http-filters.ts';
import { headerValue, type RoutedRequest } from '../http/request.ts';
import { type HostRewrite, hostRewrite, type MatchedPath, pathRewrite, type TextRewrite } from './rewrite.ts';
import { isUndecidable, type Undecidable } from './string-match.ts';

/** Where a route leads, made ready to be gone often. */
export interface PreparedForward {
  readonly action: RouteAction;
  readonly path: TextRewrite | undefined;
  readonly targets: readonly PreparedTarget[];
  /** The change of protocol to CONNECT ends at this proxy. */
  readonly endsTunnel: boolean;
}

export interface PreparedTarget {
  readonly share: number;
  readonly cluster: (request: RoutedRequest) => string;
  readonly host: HostRewrite | undefined;
  readonly requestHeaders: HeaderOperations | undefined;
  readonly responseHeaders: HeaderOperations | undefined;
  /** Its own configuration of filters; absent: none. */
  readonly filters?: FilterOverrides;
}

export function prepareForward(action: RouteAction, matched: MatchedPath): PreparedForward | Undecidable {
  const path = pathRewrite(action, matched);
  if (path !== undefined && isUndecidable(path)) return path;
  const targets = prepareTargets(action);
  if (isUndecidable(targets)) return targets;
  const endsTunnel = action.upgradeConfigs.some(
    ({ upgradeType, connectConfig }) => upgradeType.toUpperCase() === 'CONNECT' && connectConfig !== undefined,
  );
  return { action, path, targets, endsTunnel };
}

function prepareTargets(action: RouteAction): PreparedTarget[] | Undecidable {
  const specifier = action.clusterSpecifier;
  switch (specifier.case) {
    case 'cluster':
      return single(action, () => specifier.value);
    case 'clusterHeader':
      return single(action, fromHeader(specifier.value));
    case 'weightedClusters': {
      const { clusters, randomValueSpecifier } = specifier.value;
      if (randomValueSpecifier.case === 'headerName') {
        return { undecidable: `the cluster is chosen by the header ${randomValueSpecifier.value}` };
      }
      const total = clusters.reduce((sum, { weight = 0 }) => sum + weight, 0);
      const targets: PreparedTarget[] = [];
      for (const weighted of clusters) {
        const target = weightedTarget(action, weighted, total);
        if (target !== undefined && isUndecidable(target)) return target;
        if (target !== undefined) targets.push(target);
      }
      return targets;
    }
    case 'clusterSpecifierPlugin':
      return { undecidable: `the cluster is chosen by the plugin ${specifier.value}` };
    case 'inlineClusterSpecifierPlugin':
      return { undecidable: 'the cluster is chosen by a plugin' };
    case undefined:
      return { undecidable: 'a route without a cluster' };
  }
}

function single(action: RouteAction, cluster: PreparedTarget['cluster']): PreparedTarget[] | Undecidable {
  const host = hostRewrite(action, undefined);
  if (host !== undefined && isUndecidable(host)) return host;
  return [{ share: 1, cluster, host, requestHeaders: undefined, responseHeaders: undefined }];
}

function weightedTarget(
  action: RouteAction,
  weighted: WeightedCluster_ClusterWeight,
  total: number,
): PreparedTarget | Undecidable | undefined {
  const { weight = 0, name, clusterHeader, typedPerFilterConfig } = weighted;
  if (weight === 0) return undefined;
  const host = hostRewrite(action, weighted);
  if (host !== undefined && isUndecidable(host)) return host;
  return {
    share: weight / total,
    cluster: name === '' ? fromHeader(clusterHeader) : () => name,
    host,
    requestHeaders: headerOperations(weighted.requestHeadersToAdd, weighted.requestHeadersToRemove),
    responseHeaders: headerOperations(weighted.responseHeadersToAdd, weighted.responseHeadersToRemove),
    ...(Object.keys(typedPerFilterConfig).length === 0 ? {} : { filters: typedPerFilterConfig }),
  };
}

function fromHeader(written: string): PreparedTarget['cluster'] {
  const name = written.toLowerCase();
  return (request) => headerValue(request, name) ?? '';
}
