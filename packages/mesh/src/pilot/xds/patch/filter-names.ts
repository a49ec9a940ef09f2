import type { FilterClass } from './patch.ts';

/** Envoy's names of filters, beside those of old versions that EnvoyFilters may still use, as in Istio. */
const DEPRECATED_NAMES: Readonly<Record<string, string>> = {
  'envoy.filters.http.buffer': 'envoy.buffer',
  'envoy.filters.http.cors': 'envoy.cors',
  'envoy.filters.http.csrf': 'envoy.csrf',
  'envoy.filters.http.dynamo': 'envoy.http_dynamo_filter',
  'envoy.filters.http.ext_authz': 'envoy.ext_authz',
  'envoy.filters.http.fault': 'envoy.fault',
  'envoy.filters.http.grpc_http1_bridge': 'envoy.grpc_http1_bridge',
  'envoy.filters.http.grpc_json_transcoder': 'envoy.grpc_json_transcoder',
  'envoy.filters.http.grpc_web': 'envoy.grpc_web',
  'envoy.filters.http.gzip': 'envoy.gzip',
  'envoy.filters.http.health_check': 'envoy.health_check',
  'envoy.filters.http.ip_tagging': 'envoy.ip_tagging',
  'envoy.filters.http.lua': 'envoy.lua',
  'envoy.filters.http.ratelimit': 'envoy.rate_limit',
  'envoy.filters.http.router': 'envoy.router',
  'envoy.filters.http.squash': 'envoy.squash',
  'envoy.filters.listener.http_inspector': 'envoy.listener.http_inspector',
  'envoy.filters.listener.original_dst': 'envoy.listener.original_dst',
  'envoy.filters.listener.original_src': 'envoy.listener.original_src',
  'envoy.filters.listener.proxy_protocol': 'envoy.listener.proxy_protocol',
  'envoy.filters.listener.tls_inspector': 'envoy.listener.tls_inspector',
  'envoy.filters.network.client_ssl_auth': 'envoy.client_ssl_auth',
  'envoy.filters.network.ext_authz': 'envoy.ext_authz',
  'envoy.filters.network.http_connection_manager': 'envoy.http_connection_manager',
  'envoy.filters.network.mongo_proxy': 'envoy.mongo_proxy',
  'envoy.filters.network.ratelimit': 'envoy.ratelimit',
  'envoy.filters.network.redis_proxy': 'envoy.redis_proxy',
  'envoy.filters.network.tcp_proxy': 'envoy.tcp_proxy',
};

export const HTTP_CONNECTION_MANAGER = 'envoy.filters.network.http_connection_manager';

/** Whether a filter has the name that is asked for, in today's or the older spelling. */
export function isNamed(name: string, wanted: string): boolean {
  return name === wanted || DEPRECATED_NAMES[name] === wanted;
}

/** Filters that answer or hand on and let none behind them have a turn: the last of their chain. */
const TERMINAL: ReadonlySet<string> = new Set([
  'envoy.extensions.filters.http.router.v3.Router',
  'envoy.extensions.filters.network.direct_response.v3.Config',
  'envoy.extensions.filters.network.echo.v3.Echo',
  'envoy.extensions.filters.network.generic_proxy.v3.GenericProxy',
  'envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager',
  'envoy.extensions.filters.network.redis_proxy.v3.RedisProxy',
  'envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy',
  'envoy.extensions.filters.network.thrift_proxy.v3.ThriftProxy',
]);

export function isTerminal(typeName: string): boolean {
  return TERMINAL.has(typeName);
}

const CLASSES: Readonly<Record<Exclude<FilterClass, 'UNSPECIFIED'>, RegExp>> = {
  AUTHN: /^(istio_authn|envoy\.filters\.http\.(jwt_authn|basic_auth|api_key_auth|oauth2|gcp_authn))$/,
  AUTHZ: /^envoy\.filters\.(http|network)\.(rbac|ext_authz)$/,
  STATS: /^(istio\.stats|envoy\.filters\.http\.grpc_stats)$/,
};

/** Whether a filter that the mesh itself puts into a chain is of this class. */
export function isOfClass(name: string, filterClass: Exclude<FilterClass, 'UNSPECIFIED'>): boolean {
  return CLASSES[filterClass].test(name);
}
