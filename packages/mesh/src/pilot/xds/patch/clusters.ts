import type { Cluster } from '@lateen/envoy-api/envoy/config/cluster/v3/cluster_pb.js';
import type { TransportSocket } from '@lateen/envoy-api/envoy/config/core/v3/base_pb.js';
import { mergeMessage } from '@lateen/envoy-api/merge';
import type { WrittenMessage } from '@lateen/envoy-api/parse';
import { addSources } from '../translate/metadata.ts';
import { type ClusterFacts, matchesCluster } from './match.ts';
import { type Applied, type Patches, patchesFor } from './patch.ts';

/** `undefined` if a patch removes it; the same message if none is for it. */
export function patchCluster(
  cluster: Cluster,
  facts: ClusterFacts,
  patches: Patches,
  applied: Applied,
): Cluster | undefined {
  const mine = patchesFor(patches, 'CLUSTER', facts.context).filter(
    ({ operation, cluster: wanted }) => operation !== 'ADD' && matchesCluster(cluster.name, facts, wanted),
  );
  const removal = mine.find(({ operation }) => operation === 'REMOVE');
  if (removal !== undefined) {
    applied.add(removal);
    return undefined;
  }
  let current = cluster;
  for (const patch of mine) {
    if (patch.value === undefined) continue;
    const next = mergeCluster(current, patch.value);
    if (next === current) continue;
    current = addSources(next, [patch.source]);
    applied.add(patch);
  }
  return current;
}

/**
 * A transport socket is merged with the one of the same name, which a cluster that chooses among several has in one of
 * its matches. Where there is none of that name it takes the place of the one there is, or is left out where that is a
 * choice among several: with both, Envoy would refuse the cluster.
 */
function mergeCluster(cluster: Cluster, value: WrittenMessage): Cluster {
  const socket = value.fields.get('transport_socket');
  if (socket === undefined) return mergeMessage(cluster, value);
  const fields = new Map([...value.fields].filter(([name]) => name !== 'transport_socket'));
  const rest = fields.size === 0 ? cluster : mergeMessage(cluster, { ...value, fields });
  const given = socket.message as TransportSocket;
  const at = rest.transportSocketMatches.findIndex(({ transportSocket }) => transportSocket?.name === given.name);
  const match = rest.transportSocketMatches[at];
  if (match?.transportSocket !== undefined) {
    const transportSocket = mergeMessage(match.transportSocket, socket);
    return { ...rest, transportSocketMatches: rest.transportSocketMatches.with(at, { ...match, transportSocket }) };
  }
  if (rest.transportSocketMatches.length > 0) return rest;
  const isSame = rest.transportSocket?.name === given.name;
  return { ...rest, transportSocket: isSame ? mergeMessage(rest.transportSocket as TransportSocket, socket) : given };
}
