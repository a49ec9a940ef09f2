import { fromBinary } from '@bufbuild/protobuf';
import type { Any } from '@bufbuild/protobuf/wkt';
import type { Unknown } from '@lateen/api/verdict.ts';
import { FilterConfigSchema } from '@lateen/envoy-api/envoy/config/route/v3/route_components_pb.js';
import { RouterSchema } from '@lateen/envoy-api/envoy/extensions/filters/http/router/v3/router_pb.js';
import type { HttpFilter } from '@lateen/envoy-api/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js';
import { typeName } from '../any-type.ts';
import { unknownFields } from '../unknowns.ts';

/** An HTTP filter of a connection manager, by what the simulator does about it. */
export interface PreparedFilter {
  readonly name: string;
  readonly kind: FilterKind;
  readonly config: Any | undefined;
  /** Only on for routes that say so. */
  readonly disabled: boolean;
}

/** `harmless`: decides nothing about where a request goes or what becomes of it. */
export type FilterKind = 'cors' | 'fault' | 'grpc-web' | 'filter-state' | 'session' | 'harmless' | 'unknown';

const KINDS: Readonly<Record<string, FilterKind>> = {
  'envoy.extensions.filters.http.cors.v3.Cors': 'cors',
  'envoy.extensions.filters.http.fault.v3.HTTPFault': 'fault',
  'envoy.extensions.filters.http.grpc_web.v3.GrpcWeb': 'grpc-web',
  'envoy.extensions.filters.http.dynamic_forward_proxy.v3.FilterConfig': 'harmless',
  'envoy.extensions.filters.http.set_filter_state.v3.Config': 'filter-state',
  'envoy.extensions.filters.http.stateful_session.v3.StatefulSession': 'session',
  // A place for filters that routes bring along: which, is not looked at.
  'envoy.extensions.filters.http.composite.v3.Composite': 'unknown',
  'envoy.extensions.filters.http.grpc_stats.v3.FilterConfig': 'harmless',
  'envoy.extensions.filters.http.router.v3.Router': 'harmless',
};

export function prepareFilters(filters: readonly HttpFilter[]): PreparedFilter[] {
  return filters.map(({ name, configType, disabled }) => {
    const config = configType.case === 'typedConfig' ? configType.value : undefined;
    return { name, kind: KINDS[typeName(config)] ?? 'unknown', config, disabled };
  });
}

/**
 * Fields of Envoy's own last filter that say nothing of where a call goes. `suppress_envoy_headers` is none of them: with it,
 * `x-envoy-...` headers are missing from requests and answers.
 */
const ROUTER_FIELDS = new Set([
  ...['dynamic_stats', 'start_child_span', 'upstream_log', 'upstream_log_options'],
  'suppress_grpc_request_failure_code_stats',
]);

/** What of the router's own settings is not considered. */
export function unknownRouterFields(filters: readonly PreparedFilter[], where: string): Unknown[] {
  return filters
    .filter(({ config }) => typeName(config) === RouterSchema.typeName)
    .flatMap(({ name, config }) =>
      unknownFields(
        RouterSchema,
        fromBinary(RouterSchema, config?.value ?? new Uint8Array()),
        ROUTER_FIELDS,
        `${where}, HTTP filter ${name}`,
      ),
    );
}

/** Configuration of filters at one level: a weighted cluster, a route, a virtual host or a table. */
export type FilterOverrides = Readonly<Record<string, Any>>;

export interface FilterState {
  readonly enabled: boolean;
  /** The most specific one; absent: the filter's own holds. */
  readonly override?: Any;
}

/** `levels`: the most specific first. */
export function filterState(filter: PreparedFilter, levels: readonly FilterOverrides[]): FilterState {
  for (const level of levels) {
    const override = level[filter.name];
    if (override === undefined) continue;
    if (typeName(override) !== FilterConfigSchema.typeName) return { enabled: true, override };
    const { disabled, config } = fromBinary(FilterConfigSchema, override.value);
    if (disabled) return { enabled: false };
    return { enabled: true, ...(config === undefined ? {} : { override: config }) };
  }
  return { enabled: !filter.disabled };
}

export function unknownFilters(
  filters: readonly PreparedFilter[],
  levels: readonly FilterOverrides[],
  where: string,
): Unknown[] {
  return filters
    .filter((filter) => filter.kind === 'unknown' && filterState(filter, levels).enabled)
    .map(({ name }) => ({ what: `HTTP filter ${name}`, where }));
}
