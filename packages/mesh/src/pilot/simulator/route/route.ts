import type { Unknown, VerdictSource } from '@lateen/api/verdict.ts';
import {
  type Route,
  RouteActionSchema,
  RouteMatchSchema,
  RouteSchema,
} from '@lateen/envoy-api/envoy/config/route/v3/route_components_pb.js';
import { type HeaderOperations, headerOperations } from '../http/header-operations.ts';
import { sourcesOf } from '../sources.ts';
import { unknownFields } from '../unknowns.ts';
import { runtimeShare } from './chance.ts';
import { type Condition, undecidableCondition } from './condition.ts';
import { type PreparedForward, prepareForward } from './prepared-forward.ts';
import { prepareRedirect, type Redirect } from './redirect.ts';
import { matchedPath } from './rewrite.ts';
import { routeConditions } from './route-match.ts';
import type { Undecidable } from './string-match.ts';

/** A route, made ready to be tried often. */
export interface PreparedRoute {
  readonly route: Route;
  /** Its own, or its place in the virtual host. */
  readonly name: string;
  readonly words: string;
  readonly conditions: readonly Condition[];
  /** Of the requests that fulfil the conditions. */
  readonly fraction: number;
  /** For routes that send on. */
  readonly forward: PreparedForward | Undecidable | undefined;
  readonly redirect: Redirect | Undecidable | undefined;
  readonly requestHeaders: HeaderOperations | undefined;
  readonly responseHeaders: HeaderOperations | undefined;
  readonly sources: readonly VerdictSource[];
  readonly unknowns: readonly Unknown[];
}

export function prepareRoute(route: Route, index: number, ignorePathParameters: boolean): PreparedRoute {
  const name = route.name === '' ? `#${index + 1}` : route.name;
  const { match } = route;
  const conditions =
    match === undefined
      ? [undecidableCondition('a route without a match')]
      : routeConditions(match, ignorePathParameters);
  return {
    route,
    name,
    words: conditions
      .map(({ words }) => words)
      .filter((words, at) => at > 0 || words !== EVERY_PATH || conditions.length === 1)
      .join(', '),
    conditions,
    fraction: runtimeShare(match?.runtimeFraction, 1),
    ...preparedAction(route),
    requestHeaders: headerOperations(route.requestHeadersToAdd, route.requestHeadersToRemove),
    responseHeaders: headerOperations(route.responseHeadersToAdd, route.responseHeadersToRemove),
    sources: sourcesOf(route),
    unknowns: unknownsOf(route, `route ${name}`),
  };
}

function preparedAction({ action, match }: Route): Pick<PreparedRoute, 'forward' | 'redirect'> {
  const matched = match === undefined ? () => '' : matchedPath(match);
  return {
    forward: action.case === 'route' ? prepareForward(action.value, matched) : undefined,
    redirect: action.case === 'redirect' ? prepareRedirect(action.value, matched) : undefined,
  };
}

const EVERY_PATH = 'path starting with "/"';

function unknownsOf(route: Route, where: string): Unknown[] {
  const unknowns = unknownFields(RouteSchema, route, ROUTE_FIELDS, where);
  if (route.match !== undefined) unknowns.push(...unknownFields(RouteMatchSchema, route.match, MATCH_FIELDS, where));
  if (route.action.case === 'route') {
    unknowns.push(...unknownFields(RouteActionSchema, route.action.value, ACTION_FIELDS, where));
  }
  return unknowns;
}

const ROUTE_FIELDS = new Set([
  ...['name', 'match', 'route', 'redirect', 'direct_response', 'metadata', 'typed_per_filter_config'],
  ...['request_headers_to_add', 'request_headers_to_remove', 'response_headers_to_add', 'response_headers_to_remove'],
  // What says nothing about where a call goes.
  ...['decorator', 'tracing', 'stat_prefix', 'per_request_buffer_limit_bytes', 'request_body_buffer_limit'],
]);

const MATCH_FIELDS = new Set([
  ...['prefix', 'path', 'safe_regex', 'connect_matcher', 'path_separated_prefix', 'path_match_policy'],
  ...['case_sensitive', 'runtime_fraction', 'headers', 'query_parameters', 'cookies', 'grpc', 'tls_context'],
  ...['dynamic_metadata', 'filter_state'],
]);

const ACTION_FIELDS = new Set([
  ...['cluster', 'cluster_header', 'weighted_clusters', 'cluster_specifier_plugin', 'inline_cluster_specifier_plugin'],
  ...[
    'cluster_not_found_response_code',
    'prefix_rewrite',
    'regex_rewrite',
    'host_rewrite_literal',
    'auto_host_rewrite',
  ],
  ...['host_rewrite_header', 'host_rewrite_path_regex', 'host_rewrite', 'append_x_forwarded_host', 'timeout'],
  ...[
    'idle_timeout',
    'retry_policy',
    'request_mirror_policies',
    'hash_policy',
    'upgrade_configs',
    'max_stream_duration',
  ],
  ...['flush_timeout', 'early_data_policy', 'priority', 'rate_limits', 'include_vh_rate_limits', 'hedge_policy'],
  ...['max_grpc_timeout', 'grpc_timeout_offset'],
]);
