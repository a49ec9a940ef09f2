import type { Reader } from '../incremental/collection.ts';
import type { ClientClass } from '../model/client.ts';
import type { MeshModel } from '../model/mesh.ts';
import { byHostname, type Service, serviceSeenFrom } from '../model/service.ts';
import { NO_SETTINGS, settingsFor } from '../model/traffic-settings.ts';
import { clusterKey, clusterName, policyForClient } from './clusters.ts';
import { type PlacedCluster, placementOf } from './endpoint-sets.ts';

/** What the proxies of one class see: each hostname stands for one service, under the policy that holds for them. */
export interface Scope {
  /** In order of hostname. */
  readonly services: readonly Service[];
  /** Of the service ports and subsets: name -> key in `ResolvedMesh.clusters`. */
  readonly clusters: ReadonlyMap<string, string>;
  /** Those of the clusters in which localities count. */
  readonly placed: readonly PlacedCluster[];
  readonly outside: OutsidePolicy;
}

/** What becomes of calls to hosts that are not in the scope. */
export type OutsidePolicy = { readonly type: 'allow' } | { readonly type: 'refuse' };

export const EMPTY_SCOPE: Scope = { services: [], clusters: new Map(), placed: [], outside: { type: 'allow' } };

/** What clients of a class can call: every service that their namespace sees, under the policy that holds for them. */
export function resolveScope(client: ClientClass, model: MeshModel, read: Reader): Scope {
  const services = [...read.all(model.servicesByHost).values()]
    .map((candidates) => serviceSeenFrom(candidates, client.namespace))
    .filter((service) => service !== undefined)
    .sort(byHostname);
  const clusters = new Map<string, string>();
  const placed: PlacedCluster[] = [];
  for (const service of services) {
    const policy = policyForClient(service, client, model, read);
    for (const { port } of service.ports) {
      for (const subset of [undefined, ...(policy?.subsets ?? [])]) {
        const name = clusterName(service.hostname, port, subset?.name);
        const key = clusterKey(service, policy, name);
        clusters.set(name, key);
        const placement = placementOf(settingsFor(policy?.settings ?? NO_SETTINGS, subset?.settings, port));
        if (placement !== undefined) placed.push({ name, key, placement });
      }
    }
  }
  return { services, clusters, placed, outside: { type: 'allow' } };
}
