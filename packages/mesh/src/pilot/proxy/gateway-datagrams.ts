import type { Reader } from '../incremental/collection.ts';
import { endpointKey } from '../model/endpoints.ts';
import type { AttachedServer } from '../model/gateway-port.ts';
import type { MeshModel } from '../model/mesh.ts';
import type { Destination } from '../model/route-action.ts';
import { serviceSeenFrom } from '../model/service.ts';
import { NO_BACKEND_CLUSTER } from './clusters.ts';
import type { DatagramClusterIr } from './ir/cluster.ts';
import type { DatagramProxyIr, WeightedClusterIr } from './ir/listener.ts';
import type { SourceRef } from './ir/source.ts';
import { byPrecedence } from './l4-chains.ts';

/** What a listener for UDP passes datagrams on to, and the clusters for that. */
export interface ResolvedDatagrams {
  readonly proxy: DatagramProxyIr;
  readonly clusters: readonly DatagramClusterIr[];
  readonly sources: readonly SourceRef[];
}

/** The oldest of the routes has the listener; undefined: there is none. Datagrams carry nothing to tell them apart by. */
export function resolveDatagrams(
  server: AttachedServer,
  model: MeshModel,
  read: Reader,
): ResolvedDatagrams | undefined {
  const ruleSets = [...(read.get(model.gatewayRoutes, server.gateway) ?? [])].sort(byPrecedence);
  const rule = ruleSets.flatMap(({ tcp }) => tcp)[0];
  if (rule === undefined) return undefined;
  const shares: WeightedClusterIr[] = [];
  const clusters: DatagramClusterIr[] = [];
  for (const destination of rule.destinations) {
    const cluster = clusterFor(destination, rule.source, model, read);
    if (cluster === undefined) continue;
    shares.push({ cluster: cluster.name, weight: destination.weight });
    if (!clusters.some(({ name }) => name === cluster.name)) clusters.push(cluster);
  }
  const refused = rule.refused ?? 0;
  if (refused > 0) shares.push({ cluster: NO_BACKEND_CLUSTER, weight: refused });
  const proxy = { statPrefix: `gateway_${server.port}_udp`, clusters: shares };
  return shares.length === 0 ? undefined : { proxy, clusters, sources: [rule.source] };
}

function clusterFor(
  { host, port, source: { namespace } }: Destination,
  source: SourceRef,
  model: MeshModel,
  read: Reader,
): DatagramClusterIr | undefined {
  const service = serviceSeenFrom(read.get(model.servicesByHost, host), namespace);
  const at = port ?? service?.datagramPorts?.[0]?.port;
  if (service === undefined || at === undefined) return undefined;
  const endpoints = read.get(model.datagramEndpoints, endpointKey(service, at)) ?? [];
  return { type: 'datagrams', name: `outbound-udp|${at}||${host}`, endpoints, sources: [service.source, source] };
}
