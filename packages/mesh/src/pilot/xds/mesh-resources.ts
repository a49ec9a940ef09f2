import type { ConfigObject } from '@lateen/api/kinds.ts';
import type { Collection } from '../incremental/collection.ts';
import type { Graph } from '../incremental/graph.ts';
import type { MeshModel } from '../model/mesh.ts';
import type { ProxyIdentity, ResolvedMesh } from '../proxy/resolve.ts';
import {
  encodeCluster,
  encodeEndpoints,
  encodeListener,
  encodeRouteTable,
  encodeSecret,
  encodeTableHost,
} from './encode-resource.ts';
import type { EnvoyFilters } from './envoy-filters.ts';
import { addedKey, type HeldResources, type Holdings, ownKey, resolveHoldings } from './holdings.ts';
import { ownName, type PatchedResources, patchResources } from './patched-resources.ts';
import type { Resource, ResourceType } from './resource.ts';

/** Every resource that some proxy holds, encoded; and which proxy holds which. */
export interface MeshResources {
  /** By the resource's own key: proxies may hold different contents under one name. */
  readonly resources: Collection<Resource>;
  readonly held: HeldResources;
  /** All that a proxy holds, by node ID. */
  readonly holdings: Collection<Holdings>;
  readonly envoyFilters: EnvoyFilters;
  readonly patched: PatchedResources;
}

export function collectResources(
  graph: Graph,
  model: MeshModel,
  resolved: ResolvedMesh,
  objects: Collection<ConfigObject>,
  proxies: Collection<ProxyIdentity>,
  envoyFilters: EnvoyFilters,
): MeshResources {
  const patched = patchResources(graph, model, resolved, objects, proxies, envoyFilters);
  const shared = [
    graph.expand('secret resources', resolved.secrets, (ir, _, key) => [[`secret/${key}`, encodeSecret(ir)]]),
    graph.expand('cluster resources', resolved.clusters, (ir, _, key) => [[`cluster/${key}`, encodeCluster(ir)]]),
    graph.expand('endpoint resources', resolved.endpoints, (ir, _, key) => [[`endpoint/${key}`, encodeEndpoints(ir)]]),
    graph.expand('listener resources', resolved.listeners, (ir, _, key) => [[`listener/${key}`, encodeListener(ir)]]),
    graph.expand('table resources', resolved.tables, (ir, _, key) => [[`route/${key}`, encodeRouteTable(ir)]]),
    graph.expand('virtual host resources', resolved.virtualHosts, (ir, _, key) => [
      [`virtualHost/${key}`, encodeTableHost(ir)],
    ]),
    graph.expand('patched resources', patched.shared, ({ resource }, _, key) =>
      resource === undefined ? [] : [[key, resource]],
    ),
    graph.expand('all added resources', patched.added, (list, _, set) =>
      list.map(({ resource }) => [addedKey(set, resource), resource] as const),
    ),
  ];
  const own = graph.expand('own resources', resolved.own, ({ secrets, clusters, listeners, tables }, read, nodeId) => {
    const instead = read.get(patched.own, nodeId);
    const encoded = <T extends { readonly name: string }>(
      type: ResourceType,
      irs: readonly T[],
      encode: (ir: T) => Resource,
    ) =>
      irs.flatMap((ir): [string, Resource][] => {
        const found = instead?.get(ownName(type, ir.name));
        const resource = found === undefined ? encode(ir) : found.resource;
        return resource === undefined ? [] : [[ownKey(nodeId, resource), resource]];
      });
    return [
      ...encoded('secret', secrets, encodeSecret),
      ...encoded('cluster', clusters, encodeCluster),
      ...encoded('listener', listeners, encodeListener),
      ...encoded('route', tables, encodeRouteTable),
    ];
  });
  const held = resolveHoldings(graph, resolved, envoyFilters, patched);
  return {
    resources: graph.union('resources', [...shared, own]),
    held,
    holdings: held.holdings,
    envoyFilters,
    patched,
  };
}
