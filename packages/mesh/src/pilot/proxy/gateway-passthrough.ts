import type { AttachedServer } from '../model/gateway-port.ts';
import { hostCovers } from '../model/hostname.ts';
import type { ServerNameClusterIr } from './ir/cluster.ts';

/**
 * Clusters named as the server names of the mesh's TLS are, for gateways that pass it on by them (AUTO_PASSTHROUGH). They
 * add no TLS of their own, and share the endpoints of the clusters that callers have.
 *
 * @param clusterNames of all services, as callers have them: `outbound|9080|v1|reviews.default.svc.cluster.local`
 */
export function passthroughClusters(
  servers: readonly AttachedServer[],
  clusterNames: () => Iterable<string>,
  connectTimeoutMs: number,
): ServerNameClusterIr[] {
  const passing = servers.filter(({ tls }) => tls?.type === 'passthrough' && tls.routedBy === 'server-name');
  if (passing.length === 0) return [];
  const hosts = passing.flatMap((server) => server.hosts.map(({ host }) => host));
  const sources = passing.map(({ source }) => source);
  return [...clusterNames()].flatMap((name): ServerNameClusterIr[] => {
    const [, port = '', subset = '', hostname = ''] = name.split('|');
    if (!hosts.some((host) => hostCovers(host, hostname))) return [];
    return [
      {
        type: 'server-name',
        name: `outbound_.${port}_.${subset}_.${hostname}`,
        endpoints: name,
        connectTimeoutMs,
        sources,
      },
    ];
  });
}
