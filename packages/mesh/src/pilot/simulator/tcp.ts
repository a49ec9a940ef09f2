import { fromBinary } from '@bufbuild/protobuf';
import type { Handling, TcpTarget, Unknown } from '@lateen/api/verdict.ts';
import type { RouteAction_HashPolicy } from '@lateen/envoy-api/envoy/config/route/v3/route_components_pb.js';
import {
  type TcpProxy,
  TcpProxy_TunnelingConfigSchema,
  TcpProxySchema,
} from '@lateen/envoy-api/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy_pb.js';
import type { SocketAddress } from './call.ts';
import type { Named } from './cluster/cluster.ts';
import type { PreparedProxy } from './proxy.ts';
import { unknownFields } from './unknowns.ts';

export interface TcpArrival {
  readonly destination: SocketAddress;
  /** What a filter before looked up by the server name. */
  readonly serverName: Named | undefined;
}

export function handleTcp(
  proxy: PreparedProxy,
  config: Uint8Array,
  arrival: TcpArrival,
  unknowns: Unknown[],
): Handling {
  const tcp = fromBinary(TcpProxySchema, config);
  const where = `TCP proxy ${tcp.statPrefix}`;
  unknowns.push(...unknownFields(TcpProxySchema, tcp, TCP_FIELDS, where));
  const tunnel = tunnelOf(tcp, where, unknowns);
  const targets = clustersOf(tcp).map(({ name, share }): TcpTarget => {
    const cluster = proxy.clusterVerdict(name, (each) =>
      tunnel === undefined
        ? each.forTcp(arrival.destination, arrival.serverName)
        : each.forHttp('http1', tunnel.authority, arrival.destination),
    );
    unknowns.push(...cluster.unknowns);
    const bySource = proxy.cluster(name)?.hashPolicies.some(isSource) === true;
    return { share, cluster, hash: bySource ? [{ type: 'source' }] : [], ...(tunnel === undefined ? {} : { tunnel }) };
  });
  if (targets.length === 0) return { type: 'closed', reason: 'the TCP proxy leads to no cluster' };
  const [only] = targets;
  if (only !== undefined && targets.length === 1 && only.cluster.kind === 'missing') {
    return { type: 'closed', reason: `the proxy has no cluster ${only.cluster.name}` };
  }
  return { type: 'tcp', tcp: { targets } };
}

function isSource({ policySpecifier: specifier }: RouteAction_HashPolicy): boolean {
  return specifier.case === 'connectionProperties' && specifier.value.sourceIp;
}

function clustersOf({ clusterSpecifier: specifier }: TcpProxy): { name: string; share: number }[] {
  if (specifier.case === 'cluster') return [{ name: specifier.value, share: 1 }];
  if (specifier.case === undefined) return [];
  const { clusters } = specifier.value;
  const total = clusters.reduce((sum, { weight }) => sum + weight, 0);
  return clusters.filter(({ weight }) => weight > 0).map(({ name, weight }) => ({ name, share: weight / total }));
}

function tunnelOf({ tunnelingConfig: config }: TcpProxy, where: string, unknowns: Unknown[]): TcpTarget['tunnel'] {
  if (config === undefined) return undefined;
  unknowns.push(...unknownFields(TcpProxy_TunnelingConfigSchema, config, TUNNEL_FIELDS, where));
  if (config.hostname.includes('%')) unknowns.push({ what: `the host of the tunnel, ${config.hostname}`, where });
  return { method: config.usePost ? 'POST' : 'CONNECT', authority: config.hostname, path: config.postPath };
}

const TUNNEL_FIELDS = new Set([
  ...[
    'hostname',
    'use_post',
    'post_path',
    'headers_to_add',
    'propagate_response_headers',
    'propagate_response_trailers',
  ],
  ...['request_id_extension', 'request_id_header', 'request_id_metadata_key'],
]);

const TCP_FIELDS = new Set([
  ...['stat_prefix', 'cluster', 'weighted_clusters', 'tunneling_config'],
  // What says nothing about where a connection goes.
  ...['idle_timeout', 'downstream_idle_timeout', 'upstream_idle_timeout', 'access_log', 'max_connect_attempts'],
  ...['backoff_options', 'hash_policy', 'max_downstream_connection_duration', 'access_log_flush_interval'],
  ...['max_downstream_connection_duration_jitter_percentage', 'flush_access_log_on_connected', 'access_log_options'],
  ...['proxy_protocol_tlvs', 'proxy_protocol_tlv_merge_policy', 'upstream_connect_mode', 'max_early_data_bytes'],
  ...['check_drain_close', 'on_demand'],
]);
