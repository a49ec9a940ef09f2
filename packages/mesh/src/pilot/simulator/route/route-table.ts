import type { RouteTrial, Share, Unknown, VerdictSource } from '@lateen/api/verdict.ts';
import { type VirtualHost, VirtualHostSchema } from '@lateen/envoy-api/envoy/config/route/v3/route_components_pb.js';
import { type RouteConfiguration, RouteConfigurationSchema } from '@lateen/envoy-api/envoy/config/route/v3/route_pb.js';
import { type HeaderOperations, headerOperations } from '../http/header-operations.ts';
import type { RoutedRequest } from '../http/request.ts';
import { sourcesOf } from '../sources.ts';
import { unknownFields } from '../unknowns.ts';
import { percentText } from './chance.ts';
import { type PreparedRoute, prepareRoute } from './route.ts';
import type { RouteTableSource, VirtualHostSource } from './table-source.ts';
import { DomainIndex } from './virtual-host.ts';

/** A route table, made ready to be asked often. Virtual hosts are made ready when they are first asked for. */
export class PreparedTable {
  readonly table: RouteConfiguration;
  readonly requestHeaders: HeaderOperations | undefined;
  readonly responseHeaders: HeaderOperations | undefined;
  readonly unknowns: readonly Unknown[];
  readonly #domains: DomainIndex;
  readonly #hosts = new Map<VirtualHostSource, PreparedVirtualHost>();

  constructor({ table, hosts }: RouteTableSource) {
    this.table = table;
    this.requestHeaders = headerOperations(table.requestHeadersToAdd, table.requestHeadersToRemove);
    this.responseHeaders = headerOperations(table.responseHeadersToAdd, table.responseHeadersToRemove);
    this.unknowns = unknownFields(RouteConfigurationSchema, table, TABLE_FIELDS, `route table ${table.name}`);
    this.#domains = new DomainIndex(hosts, table.ignorePortInHostMatching);
  }

  find(authority: string): { readonly host: PreparedVirtualHost; readonly domain: string } | undefined {
    const found = this.#domains.find(authority);
    if (found === undefined) return undefined;
    let host = this.#hosts.get(found.host);
    if (host === undefined) {
      host = prepareVirtualHost(found.host.read(), this.table.ignorePathParametersInPathMatching);
      this.#hosts.set(found.host, host);
    }
    return { host, domain: found.domain };
  }
}

const TABLE_FIELDS = new Set([
  ...['name', 'virtual_hosts', 'response_headers_to_add', 'response_headers_to_remove', 'request_headers_to_add'],
  ...['request_headers_to_remove', 'most_specific_header_mutations_wins', 'request_mirror_policies'],
  ...['ignore_port_in_host_matching', 'ignore_path_parameters_in_path_matching', 'typed_per_filter_config'],
  ...['validate_clusters', 'max_direct_response_body_size_bytes', 'metadata', 'cluster_specifier_plugins', 'vhds'],
]);

export interface PreparedVirtualHost {
  readonly host: VirtualHost;
  readonly routes: readonly PreparedRoute[];
  readonly requestHeaders: HeaderOperations | undefined;
  readonly responseHeaders: HeaderOperations | undefined;
  readonly sources: readonly VerdictSource[];
  readonly unknowns: readonly Unknown[];
}

function prepareVirtualHost(host: VirtualHost, ignorePathParameters: boolean): PreparedVirtualHost {
  return {
    host,
    routes: host.routes.map((route, index) => prepareRoute(route, index, ignorePathParameters)),
    requestHeaders: headerOperations(host.requestHeadersToAdd, host.requestHeadersToRemove),
    responseHeaders: headerOperations(host.responseHeadersToAdd, host.responseHeadersToRemove),
    sources: sourcesOf(host),
    unknowns: unknownFields(VirtualHostSchema, host, HOST_FIELDS, `virtual host ${host.name}`),
  };
}

const HOST_FIELDS = new Set([
  ...['name', 'domains', 'routes', 'require_tls', 'request_headers_to_add', 'request_headers_to_remove'],
  ...['response_headers_to_add', 'response_headers_to_remove', 'typed_per_filter_config', 'retry_policy'],
  ...['include_request_attempt_count', 'request_mirror_policies', 'metadata'],
  ...['virtual_clusters', 'rate_limits', 'include_attempt_count_in_response', 'hedge_policy'],
  ...['include_is_timeout_retry_header', 'per_request_buffer_limit_bytes', 'request_body_buffer_limit'],
]);

/** A route that takes requests, with the share of them that it takes. Without a route: none takes these. */
export interface TakenRoute {
  readonly share: Share;
  readonly index?: number;
  readonly route?: PreparedRoute;
  readonly undecidable?: string;
}

/** Tries the routes in order until no request is left over. Each request draws one lot, which all routes compare with their share. */
export function tryRoutes(
  host: PreparedVirtualHost,
  request: RoutedRequest,
): { readonly trials: RouteTrial[]; readonly taken: TakenRoute[] } {
  const trials: RouteTrial[] = [];
  const taken: TakenRoute[] = [];
  let drawn = 0;
  for (const [index, route] of host.routes.entries()) {
    const { name, words, sources } = route;
    const failed = firstFailure(route, request);
    if (typeof failed === 'string') {
      trials.push({ name, match: words, matched: 'no', reason: failed, sources });
    } else if (failed !== undefined) {
      trials.push({ name, match: words, matched: 'undecided', reason: failed.undecidable, sources });
      taken.push({ share: 1 - drawn, index, undecidable: failed.undecidable });
      return { trials, taken };
    } else if (route.fraction >= 1) {
      trials.push({ name, match: words, matched: 'yes', sources });
      taken.push({ share: 1 - drawn, index, route });
      return { trials, taken };
    } else if (route.fraction > drawn) {
      const share = route.fraction - drawn;
      const reason = `it takes ${percentText(share)} of such requests`;
      trials.push({ name, match: words, matched: 'sometimes', reason, sources });
      taken.push({ share, index, route });
      drawn = route.fraction;
    } else {
      trials.push({ name, match: words, matched: 'no', reason: 'it takes none of such requests', sources });
    }
  }
  taken.push({ share: 1 - drawn });
  return { trials, taken };
}

/** A condition that certainly fails says more than one that cannot be decided. */
function firstFailure({ conditions }: PreparedRoute, request: RoutedRequest) {
  let undecidable: { undecidable: string } | undefined;
  for (const { check } of conditions) {
    const failed = check(request);
    if (failed === undefined) continue;
    if (typeof failed === 'string') return failed;
    undecidable ??= failed;
  }
  return undecidable;
}

export function asUnknowns(taken: readonly TakenRoute[], where: string): Unknown[] {
  return taken.flatMap(({ undecidable }) => (undecidable === undefined ? [] : [{ what: undecidable, where }]));
}
