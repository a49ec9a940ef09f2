import type { ConfigObject } from '@lateen/api/kinds.ts';
import type { Collection, Reader } from '../incremental/collection.ts';
import type { Graph } from '../incremental/graph.ts';
import type { MeshModel } from '../model/mesh.ts';
import type { ClusterIr } from '../proxy/ir/cluster.ts';
import type { SourceRef } from '../proxy/ir/source.ts';
import type { ProxyIdentity, ResolvedMesh, SharedRefs } from '../proxy/resolve.ts';
import {
  encodeClusterMessage,
  encodeExtension,
  encodeListenerMessage,
  encodePatchedCluster,
  encodePatchedListener,
  encodePatchedTable,
  type PatchedResource,
} from './encode-patched.ts';
import type { EnvoyFilters, PatchFamily, PatchSelection } from './envoy-filters.ts';
import { addedClusters, addedExtensions, addedListeners } from './patch/added.ts';
import { matchesCluster, matchesTable } from './patch/match.ts';
import { byTarget, type Patch, type Patches } from './patch/patch.ts';
import { contextsOf, type PatchedProxy } from './patch/select.ts';
import {
  clusterFacts,
  inlineTableFacts,
  listenerFacts,
  outboundFacts,
  ownTableFacts,
  type Surroundings,
  sharedTableFacts,
} from './patch-facts.ts';
import type { Resource, ResourceType } from './resource.ts';

/** Resources that differ from what other proxies hold because of EnvoyFilters. Where no patch found anything is no entry. */
export interface PatchedResources {
  /** In place of shared resources. Proxies for which the same patches could find something in one share it again. */
  readonly shared: Collection<PatchedResource>;
  /** The key in `shared`, by `variantRef`. */
  readonly variants: Collection<Variant>;
  /** In place of a proxy's own resources, by `TYPE/NAME`; by node ID. */
  readonly own: Collection<ReadonlyMap<string, PatchedResource>>;
  /** What patches add to proxies, by the key of their set. */
  readonly added: Collection<readonly AddedResource[]>;
  /** Of the three above, what holdings depend on: they stay as they are when only contents change. */
  readonly names: {
    readonly shared: Collection<HeldName>;
    readonly own: Collection<ReadonlyMap<string, HeldName>>;
    readonly added: Collection<readonly Named[]>;
  };
}

/** The name under which a patched resource is held; it has none if it was removed. */
export interface HeldName {
  readonly name?: string;
}

export interface Named {
  readonly type: ResourceType;
  readonly name: string;
}

export interface AddedResource {
  readonly resource: Resource;
  readonly applied: readonly SourceRef[];
}

/** A shared resource as one proxy's set of patches would have it. */
export interface Variant {
  /** Of the resource, and the patches that could find something in it. */
  readonly key: string;
  readonly family: 'cluster' | 'listener' | 'route';
  /** Key of the shared fragment. */
  readonly ref: string;
  readonly role: PatchedProxy['role'];
  readonly set: string;
  /** In the order of the set: the positions of those patches in it. */
  readonly positions: readonly number[];
}

/** @param ref `TYPE/KEY` of the resource that is shared by all */
export function variantRef(ref: string, set: string): string {
  return `${ref} ${set}`;
}

export function patchResources(
  graph: Graph,
  model: MeshModel,
  resolved: ResolvedMesh,
  objects: Collection<ConfigObject>,
  proxies: Collection<ProxyIdentity>,
  filters: EnvoyFilters,
): PatchedResources {
  const { clusterDomain } = model.settings;
  const variants = graph.expand('variants', filters.members, (members, read, setKey): [string, Variant][] => {
    const set = read.get(filters.sets, setKey);
    if (set === undefined || set.family === 'added') return [];
    const { family, role, list } = set;
    const isConcerned = concernIn(family, role, { model, objects, read });
    const found = new Map<string, Variant>();
    const refs = new Set(members.map(({ nodeId }) => refsOf(family, read.get(resolved.shared, nodeId))));
    for (const [name, ref] of [...refs].flatMap((each) => [...(each ?? [])])) {
      const positions = [...list.keys()].filter((at) => isConcerned(list[at] as Patch, name));
      if (positions.length === 0) continue;
      const by = positions.map((at) => patchName(list[at] as Patch));
      const key = [`${family}/${ref}`, role, ...by].join(' ');
      found.set(variantRef(`${family}/${ref}`, setKey), { key, family, ref, role, set: setKey, positions });
    }
    return [...found];
  });
  const byKey = graph.index('variants by key', variants, ({ key }) => [key]);
  const patchesOf = patchLists();
  const patched = <T>(family: Variant['family'], of: Collection<T>, encode: EncodePatched<T>) =>
    graph.derive(`patched ${family}s`, byKey, ([variant], read) => {
      if (variant?.family !== family) return undefined;
      const ir = read.get(of, variant.ref);
      const set = read.get(filters.sets, variant.set);
      if (ir === undefined || set === undefined) return undefined;
      return encode(ir, patchesOf(variant.positions.map((at) => set.list[at] as Patch)), variant.role, read);
    });
  const clusters = patched('cluster', resolved.clusters, (ir, patches, role) =>
    encodePatchedCluster(ir, sharedClusterFacts(role), patches),
  );
  const listeners = patched('listener', resolved.listeners, (ir, patches, _, read) => {
    const around = { model, objects, read };
    const facts = outboundFacts(ir, around);
    return encodePatchedListener(ir, facts, (table) => inlineTableFacts(table, facts, around), patches);
  });
  const tables = patched('route', resolved.tables, (ir, patches, role, read) =>
    encodePatchedTable(ir, sharedTableFacts(ir.name, role, { model, objects, read }), patches),
  );

  const own = graph.derive('patched own resources', filters.selections, ({ nodeId, sets }, read) => {
    const ir = read.get(resolved.own, nodeId);
    const instance = read.get(model.instances, read.get(proxies, nodeId)?.instance ?? '');
    if (ir === undefined || instance === undefined) return undefined;
    const patches = (family: PatchFamily) => read.get(filters.sets, sets[family]?.key ?? '')?.patches;
    const around = { model, objects, read };
    const found = new Map<string, PatchedResource>();
    const note = (type: ResourceType, name: string, patched: PatchedResource | undefined) => {
      if (patched !== undefined) found.set(ownName(type, name), patched);
    };
    const forClusters = patches('cluster');
    const forRoutes = patches('route');
    const forListeners = merged(patches('listener'), forRoutes);
    for (const cluster of ir.clusters) {
      if (forClusters === undefined) break;
      const mine = isPlumbing(cluster) ? byNameOnly(forClusters) : forClusters;
      if (mine === undefined) continue;
      note(
        'cluster',
        cluster.name,
        encodePatchedCluster(cluster, clusterFacts(cluster, instance.role, clusterDomain), mine),
      );
    }
    for (const listener of ir.listeners) {
      if (forListeners === undefined) break;
      const facts = listenerFacts(listener, instance, around);
      note(
        'listener',
        listener.name,
        encodePatchedListener(listener, facts, (table) => inlineTableFacts(table, facts, around), forListeners),
      );
    }
    for (const table of ir.tables) {
      if (forRoutes === undefined) break;
      note('route', table.name, encodePatchedTable(table, ownTableFacts(table, ir, instance, around), forRoutes));
    }
    return found;
  });

  const added = graph.derive(
    'added resources',
    filters.members,
    (_, read, setKey): readonly AddedResource[] | undefined => {
      const set = read.get(filters.sets, setKey);
      if (set?.family !== 'added') return undefined;
      const contexts = contextsOf(set.role);
      const { CLUSTER = [], LISTENER = [], EXTENSION_CONFIG = [] } = set.patches;
      return [
        ...addedClusters(contexts, CLUSTER).map(({ message, patch }) => ({
          resource: encodeClusterMessage(message),
          applied: [patch.source],
        })),
        ...addedListeners(contexts, LISTENER).map(({ message, patch }) => ({
          resource: encodeListenerMessage(message),
          applied: [patch.source],
        })),
        ...addedExtensions(contexts, EXTENSION_CONFIG).map(({ message, patch }) => ({
          resource: encodeExtension(message),
          applied: [patch.source],
        })),
      ];
    },
  );
  const shared = graph.union('patched shared resources', [clusters, listeners, tables]);
  return {
    shared,
    variants,
    own,
    added,
    names: {
      shared: graph.derive('names of patched resources', shared, heldName),
      own: graph.derive(
        'names of patched own resources',
        own,
        (patched) => new Map([...patched].map(([key, each]) => [key, heldName(each)] as const)),
      ),
      added: graph.derive('names of added resources', added, (list) =>
        list.map(({ resource: { type, name } }) => ({ type, name })),
      ),
    },
  };
}

type EncodePatched<T> = (
  ir: T,
  patches: Patches,
  role: PatchedProxy['role'],
  read: Reader,
) => PatchedResource | undefined;

function refsOf(family: Variant['family'], shared: SharedRefs | undefined): ReadonlyMap<string, string> | undefined {
  return family === 'cluster' ? shared?.clusters : family === 'listener' ? shared?.listeners : shared?.tables;
}

/** Whether a patch could find something in the shared resource of a name. */
function concernIn(
  family: Variant['family'],
  role: PatchedProxy['role'],
  around: Surroundings,
): (patch: Patch, name: string) => boolean {
  const facts = sharedClusterFacts(role);
  const isMeant = ({ cluster, routes }: Patch, name: string) =>
    family === 'cluster'
      ? matchesCluster(name, facts, cluster)
      : family === 'listener' || matchesTable(sharedTableFacts(name, role, around), routes);
  return (patch, name) => (patch.context === 'ANY' || patch.context === facts.context) && isMeant(patch, name);
}

function patchName({ source }: Patch): string {
  return `${source.namespace}/${source.name} ${source.path}`;
}

/** The same lists of patches are given as the same object, by which what is encoded can be kept. */
function patchLists(): (list: readonly Patch[]) => Patches {
  const known = new Map<string, { readonly list: readonly Patch[]; readonly patches: Patches }>();
  return (list) => {
    const key = list.map(patchName).join(' ');
    const before = known.get(key);
    if (before !== undefined && list.every((patch, at) => patch === before.list[at])) return before.patches;
    const patches = byTarget(list);
    known.set(key, { list, patches });
    return patches;
  };
}

function heldName({ resource }: PatchedResource): HeldName {
  return resource === undefined ? {} : { name: resource.name };
}

export function ownName(type: ResourceType, name: string): string {
  return `${type}/${name}`;
}

function sharedClusterFacts(role: PatchSelection['role']) {
  return { context: role === 'router' ? ('GATEWAY' as const) : ('SIDECAR_OUTBOUND' as const), services: [] };
}

function merged(a: Patches | undefined, b: Patches | undefined): Patches | undefined {
  return a === undefined ? b : b === undefined ? a : { ...a, ...b };
}

/** A cluster that only leads back into the proxy itself; Istio has none such, so only who names it can mean it. */
function isPlumbing({ type }: ClusterIr): boolean {
  return type === 'loopback';
}

function byNameOnly({ CLUSTER = [] }: Patches): Patches | undefined {
  const named = CLUSTER.filter(({ cluster }) => cluster?.name !== undefined);
  return named.length === 0 ? undefined : byTarget(named);
}
