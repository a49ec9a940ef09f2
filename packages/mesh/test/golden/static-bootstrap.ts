import type { JsonObject, JsonValue } from '@bufbuild/protobuf';
import { NO_BACKEND_CLUSTER } from '#pilot/proxy/clusters.ts';
import type { ProxyResources } from './outputs.ts';

/**
 * A bootstrap that holds everything a proxy would get over xDS, so that Envoy can check all of it at once: route tables
 * (with the virtual hosts that come on their own) and extensions stand in the listeners, and endpoints in the clusters. Envoy also checks then that each route leads to a cluster.
 */
export function staticBootstrap({
  listener,
  route,
  virtualHost = [],
  cluster,
  endpoint,
  extension = [],
}: ProxyResources): JsonObject {
  const tables = new Map(
    route.map((table) => [table.name, { ...withHosts(table, virtualHost), validate_clusters: true }]),
  );
  const extensions = new Map(extension.map((each) => [each.name, each]));
  const assignments = new Map(endpoint.map((assignment) => [assignment.cluster_name, assignment]));
  return {
    node: { id: 'checked', cluster: 'checked' },
    static_resources: {
      listeners: listener.map((each) => withInlineExtensions(withInlineTables(each, tables), extensions)),
      clusters: [
        ...cluster.map((each) => withEndpoints(withInlineTables(each, tables), assignments)),
        SECRETS,
        NO_BACKEND,
      ],
    },
  };
}

/** A table whose hosts come on their own, with these hosts. */
function withHosts({ vhds, ...table }: JsonObject, hosts: readonly JsonObject[]): JsonObject {
  if (vhds === undefined) return table;
  const own = hosts.filter(({ name }) => String(name).startsWith(`${String(table.name)}/`));
  return { ...table, virtual_hosts: [...((table.virtual_hosts ?? []) as JsonObject[]), ...own] };
}

/** What the TLS contexts refer to. Nothing connects to it here. */
const SECRETS: JsonObject = {
  name: 'sds-grpc',
  type: 'STATIC',
  load_assignment: {
    cluster_name: 'sds-grpc',
    endpoints: [{ lb_endpoints: [{ endpoint: { address: { pipe: { path: '/nowhere.sock' } } } }] }],
  },
  typed_extension_protocol_options: {
    'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
      '@type': 'type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
      explicit_http_config: { http2_protocol_options: {} },
    },
  },
};

/** What routes name that lead nowhere. Proxies have no such cluster, which is the point. */
const NO_BACKEND: JsonObject = { name: NO_BACKEND_CLUSTER, type: 'STATIC' };

const SDS_SOURCE: JsonObject = {
  api_config_source: {
    api_type: 'GRPC',
    transport_api_version: 'V3',
    grpc_services: [{ envoy_grpc: { cluster_name: 'sds-grpc' } }],
  },
  resource_api_version: 'V3',
};

function withInlineTables<T extends JsonValue>(value: T, tables: ReadonlyMap<JsonValue | undefined, JsonObject>): T {
  if (Array.isArray(value)) return value.map((item) => withInlineTables(item, tables)) as T;
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([key, inner]): [string, JsonValue] => {
    // Without a control plane Envoy takes no source of that kind. Nothing is asked for here.
    if (key === 'sds_config') return [key, SDS_SOURCE];
    if (key !== 'rds') return [key, withInlineTables(inner, tables)];
    const name = (inner as JsonObject).route_config_name;
    const table = tables.get(name);
    if (table === undefined) throw new Error(`a listener wants the route table ${name}, which the proxy does not hold`);
    return ['route_config', table];
  });
  return Object.fromEntries(entries) as T;
}

/** Filters whose configuration is discovered, with that configuration. */
function withInlineExtensions<T extends JsonValue>(
  value: T,
  extensions: ReadonlyMap<JsonValue | undefined, JsonObject>,
): T {
  if (extensions.size === 0 || typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((item) => withInlineExtensions(item, extensions)) as T;
  const { config_discovery: discovery, ...rest } = value as JsonObject;
  const entries = Object.entries(rest).map(([key, inner]) => [key, withInlineExtensions(inner, extensions)]);
  const found = discovery === undefined ? {} : { typed_config: extensions.get(rest.name)?.typed_config ?? null };
  return { ...Object.fromEntries(entries), ...found } as T;
}

function withEndpoints(cluster: JsonObject, assignments: ReadonlyMap<JsonValue | undefined, JsonObject>): JsonObject {
  const { eds_cluster_config, ...rest } = cluster;
  if (eds_cluster_config === undefined) return cluster;
  const assignment = assignments.get((eds_cluster_config as JsonObject).service_name ?? cluster.name);
  if (assignment === undefined) throw new Error(`the cluster ${cluster.name} has no endpoint set`);
  return { ...rest, type: 'STATIC', load_assignment: assignment };
}
