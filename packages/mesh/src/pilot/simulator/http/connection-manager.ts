import { fromBinary } from '@bufbuild/protobuf';
import type { Unknown } from '@lateen/api/verdict.ts';
import {
  type HttpConnectionManager,
  HttpConnectionManagerSchema,
} from '@lateen/envoy-api/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js';
import { PreparedTable } from '../route/route-table.ts';
import { tableOf } from '../route/table-source.ts';
import { unknownFields } from '../unknowns.ts';
import { type PreparedFilter, prepareFilters, unknownRouterFields } from './http-filters.ts';

/** An HTTP connection manager, made ready to be asked often. */
export interface PreparedManager {
  readonly manager: HttpConnectionManager;
  readonly filters: readonly PreparedFilter[];
  /** Of routes that come by RDS. */
  readonly tableName: string;
  readonly inlineTable: PreparedTable | undefined;
  /** Protocols that a connection may change to, in lower case. */
  readonly upgrades: ReadonlySet<string>;
  readonly unknowns: readonly Unknown[];
}

export function prepareManager(config: Uint8Array): PreparedManager {
  const manager = fromBinary(HttpConnectionManagerSchema, config);
  const where = `connection manager ${manager.statPrefix}`;
  const { routeSpecifier: routes } = manager;
  const filters = prepareFilters(manager.httpFilters);
  return {
    manager,
    filters,
    tableName: routes.case === 'rds' ? routes.value.routeConfigName : '',
    inlineTable: routes.case === 'routeConfig' ? new PreparedTable(tableOf(routes.value)) : undefined,
    upgrades: new Set(
      manager.upgradeConfigs
        .filter(({ enabled }) => enabled !== false)
        .map(({ upgradeType }) => upgradeType.toLowerCase()),
    ),
    unknowns: [
      ...unknownFields(HttpConnectionManagerSchema, manager, MANAGER_FIELDS, where),
      ...unknownRouterFields(filters, where),
      ...manager.upgradeConfigs
        .filter(({ filters }) => filters.length > 0)
        .map(({ upgradeType }) => ({ what: `HTTP filters of their own for the upgrade ${upgradeType}`, where })),
    ],
  };
}

const MANAGER_FIELDS = new Set([
  ...['codec_type', 'rds', 'route_config', 'http_filters', 'use_remote_address', 'xff_num_trusted_hops'],
  ...['skip_xff_append', 'generate_request_id', 'forward_client_cert_details', 'set_current_client_cert_details'],
  ...['upgrade_configs', 'normalize_path', 'merge_slashes', 'path_with_escaped_slashes_action'],
  ...['strip_matching_host_port', 'strip_any_host_port', 'strip_trailing_host_dot'],
  // What says nothing about where a call goes, or only changes headers that Envoy makes up.
  ...['stat_prefix', 'add_user_agent', 'tracing', 'common_http_protocol_options', 'http_protocol_options'],
  ...['http1_safe_max_connection_duration', 'http2_protocol_options', 'http3_protocol_options', 'server_name'],
  ...['server_header_transformation', 'max_request_headers_kb', 'stream_idle_timeout', 'stream_flush_timeout'],
  ...['request_timeout', 'request_headers_timeout', 'drain_timeout', 'drain_timeout_jitter', 'delayed_close_timeout'],
  ...['access_log', 'access_log_flush_interval', 'flush_access_log_on_new_request', 'access_log_options'],
  ...['internal_address_config', 'via', 'preserve_external_request_id', 'always_set_request_id_in_response'],
  ...['proxy_100_continue', 'represent_ipv4_remote_address_as_ipv4_mapped_ipv6', 'request_id_extension'],
  ...['stream_error_on_invalid_http_message', 'proxy_status_config', 'append_x_forwarded_port'],
  ...['append_local_overload', 'add_proxy_protocol_connection_state', 'record_route_resolution_stats'],
  // It changes answers that Envoy makes up: see `localReplies`.
  'local_reply_config',
]);
