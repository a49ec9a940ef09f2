import type { Collection, Reader } from '../incremental/collection.ts';
import type { Graph } from '../incremental/graph.ts';
import { defaultsOf, type MeshModel } from '../model/mesh.ts';
import { type ByClient, type CallingWay, mapByClient } from './client-policies.ts';
import { clusterKey, clusterName, placementIn, settingsOfPort } from './clusters.ts';
import { comesByEds, goesToOriginal } from './discovery.ts';
import type { PlacedCluster } from './endpoint-sets.ts';

/** What clients must know of a cluster to hold it. It stays as it is when only what is in the cluster changes. */
export interface ClusterRef {
  readonly name: string;
  readonly port: number;
  /** `clusterKey` */
  readonly key: string;
  /** The key for clients whose proxies know the address that was meant, if that is where their calls go. */
  readonly originalKey?: string;
  /** Its endpoints come by themselves, and not with the cluster. */
  readonly byEds: boolean;
  readonly isRefused: boolean;
  /** Where localities count. */
  readonly placed?: PlacedCluster;
  /** Names of the secrets that it needs, of which those of `files` are the same for all clients. */
  readonly files: readonly string[];
  readonly credentials: readonly string[];
}

/** By key of the service. */
export function resolveClusterRefs(
  graph: Graph,
  model: MeshModel,
  policies: Collection<ByClient<CallingWay>>,
): Collection<ByClient<readonly ClusterRef[]>> {
  return graph.derive('cluster references', policies, (byClient, read, serviceKey) =>
    mapByClient(byClient, (way) => refsUnder(serviceKey, way, model, read)),
  );
}

function refsUnder(
  serviceKey: string,
  { policy, shown }: CallingWay,
  model: MeshModel,
  read: Reader,
): readonly ClusterRef[] {
  const service = read.get(model.services, serviceKey);
  if (service === undefined) return [];
  const { locality } = defaultsOf(model, read);
  const byEds = comesByEds(service);
  return service.ports.flatMap(({ port }) =>
    [undefined, ...(policy?.subsets ?? [])].map((subset): ClusterRef => {
      const name = clusterName(service.hostname, port, subset?.name);
      const settings = settingsOfPort(service, policy, subset, port, shown);
      const { tls } = settings;
      const isRefused = tls?.type === 'refuse';
      const placement = isRefused ? undefined : placementIn(service, settings, locality);
      const key = clusterKey(service, policy, name, false, shown);
      const toOriginal = goesToOriginal(service, settings, true);
      return {
        name,
        port,
        key,
        ...(toOriginal ? { originalKey: clusterKey(service, policy, name, true, shown) } : {}),
        byEds,
        isRefused,
        ...(placement === undefined ? {} : { placed: { name, key, placement, byEds } }),
        files: tls?.type === 'originate' ? tls.files.map((file) => file.name) : [],
        credentials: tls?.type === 'originate' ? tls.credentials : [],
      };
    }),
  );
}
