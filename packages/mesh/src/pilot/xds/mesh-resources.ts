import type { Collection } from '../incremental/collection.ts';
import type { Graph } from '../incremental/graph.ts';
import type { ResolvedMesh } from '../proxy/resolve.ts';
import { encodeCluster, encodeEndpoints, encodeListener, encodeRouteTable } from './encode-resource.ts';
import type { Resource, ResourceType } from './resource.ts';

/** Every resource that some proxy holds, encoded; and which proxy holds which. */
export interface MeshResources {
  /** By the resource's own key: proxies may hold different contents under one name. */
  readonly resources: Collection<Resource>;
  /** By node ID. */
  readonly holdings: Collection<Holdings>;
}

/** For each type: name -> key in `resources`. */
export type Holdings = Readonly<Record<ResourceType, ReadonlyMap<string, string>>>;

export function collectResources(graph: Graph, resolved: ResolvedMesh): MeshResources {
  const shared = [
    graph.expand('cluster resources', resolved.clusters, (ir, _, key) => [[`cluster/${key}`, encodeCluster(ir)]]),
    graph.expand('endpoint resources', resolved.endpoints, (ir, _, key) => [[`endpoint/${key}`, encodeEndpoints(ir)]]),
    graph.expand('table resources', resolved.tables, (ir, _, key) => [[`route/${key}`, encodeRouteTable(ir)]]),
  ];
  const own = graph.expand('own resources', resolved.own, ({ clusters, listeners, tables }, _, nodeId) =>
    [...clusters.map(encodeCluster), ...listeners.map(encodeListener), ...tables.map(encodeRouteTable)].map(
      (resource) => [ownKey(nodeId, resource), resource] as const,
    ),
  );
  const holdings = graph.derive('holdings', resolved.own, ({ clusters, listeners, tables }, read, nodeId): Holdings => {
    const held = read.get(resolved.shared, nodeId);
    const own_ = (type: ResourceType, names: readonly { name: string }[]) =>
      names.map(({ name }) => [name, ownKey(nodeId, { type, name })] as const);
    return {
      cluster: new Map([...prefixed('cluster', held?.clusters), ...own_('cluster', clusters)]),
      endpoint: new Map(prefixed('endpoint', held?.endpoints)),
      listener: new Map(own_('listener', listeners)),
      route: new Map([...prefixed('route', held?.tables), ...own_('route', tables)]),
    };
  });
  return { resources: graph.union('resources', [...shared, own]), holdings };
}

function ownKey(nodeId: string, { type, name }: { type: ResourceType; name: string }): string {
  return `${nodeId}/${type}/${name}`;
}

function prefixed(prefix: string, refs: ReadonlyMap<string, string> | undefined): [string, string][] {
  return [...(refs ?? [])].map(([name, key]) => [name, `${prefix}/${key}`]);
}
