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
import { type Named, ownName, type PatchedResources, patchResources, variantRef } from './patched-resources.ts';
import type { Resource, ResourceType } from './resource.ts';

/** Every resource that some proxy holds, encoded; and which proxy holds which. */
export interface MeshResources {
  /** By the resource's own key: proxies may hold different contents under one name. */
  readonly resources: Collection<Resource>;
  /** By node ID. */
  readonly holdings: Collection<Holdings>;
  readonly envoyFilters: EnvoyFilters;
  readonly patched: PatchedResources;
}

/** For each type: name -> key in `resources`. */
export type Holdings = Readonly<Record<ResourceType, ReadonlyMap<string, string>>>;

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
  const holdings = graph.derive('holdings', resolved.own, (fragments, read, nodeId): Holdings => {
    const { secrets, clusters, listeners, tables } = fragments;
    const held = read.get(resolved.shared, nodeId);
    const sets = read.get(envoyFilters.selections, nodeId)?.sets;
    const ownNames = sets === undefined ? undefined : read.get(patched.names.own, nodeId);
    const addedSet = sets?.added?.key ?? '';
    const added = addedSet === '' ? [] : (read.get(patched.names.added, addedSet) ?? []);
    const sharedRefs = (type: ResourceType, refs: ReadonlyMap<string, string> = NONE) => {
      const set = type === 'cluster' || type === 'listener' || type === 'route' ? sets?.[type]?.key : undefined;
      return [...refs].flatMap(([name, ref]): [string, string][] => {
        const key = `${type}/${ref}`;
        const variant = set === undefined ? undefined : read.get(patched.variants, variantRef(key, set));
        const instead = variant === undefined ? undefined : read.get(patched.names.shared, variant.key);
        if (variant === undefined || instead === undefined) return [[name, key]];
        return instead.name === undefined ? [] : [[instead.name, variant.key]];
      });
    };
    const ownRefs = (type: ResourceType, irs: readonly { readonly name: string }[] = []) =>
      irs.flatMap(({ name: before }): [string, string][] => {
        const { name } = ownNames?.get(ownName(type, before)) ?? { name: before };
        return name === undefined ? [] : [[name, ownKey(nodeId, { type, name })]];
      });
    /** Of two with one name, what the mesh itself has counts: a patch that adds cannot replace. */
    const all = (type: ResourceType, refs?: ReadonlyMap<string, string>, irs?: readonly { readonly name: string }[]) =>
      new Map([
        ...added
          .filter((each) => each.type === type)
          .map((each): [string, string] => [each.name, addedKey(addedSet, each)]),
        ...sharedRefs(type, refs),
        ...ownRefs(type, irs),
      ]);
    return {
      secret: all('secret', held?.secrets, secrets),
      cluster: all('cluster', held?.clusters, clusters),
      endpoint: all('endpoint', held?.endpoints),
      extension: all('extension'),
      listener: all('listener', held?.listeners, listeners),
      route: all('route', held?.tables, tables),
      virtualHost: all('virtualHost', held?.virtualHosts),
    };
  });
  return { resources: graph.union('resources', [...shared, own]), holdings, envoyFilters, patched };
}

const NONE: ReadonlyMap<string, string> = new Map();

function ownKey(nodeId: string, { type, name }: Named): string {
  return `${nodeId}/${type}/${name}`;
}

export function addedKey(set: string, { type, name }: Named): string {
  return `${type}/${name} by ${set}`;
}
