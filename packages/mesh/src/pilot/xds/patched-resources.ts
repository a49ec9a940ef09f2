import type { ConfigObject } from '@lateen/api/kinds.ts';
import type { Collection, Reader } from '../incremental/collection.ts';
import type { Graph } from '../incremental/graph.ts';
import type { MeshModel } from '../model/mesh.ts';
import type { ClusterIr } from '../proxy/ir/cluster.ts';
import type { SourceRef } from '../proxy/ir/source.ts';
import type { ProxyIdentity, ResolvedMesh } from '../proxy/resolve.ts';
import {
  encodeClusterMessage,
  encodeExtension,
  encodeListenerMessage,
  encodePatchedCluster,
  encodePatchedListener,
  encodePatchedTable,
  type PatchedResource,
} from './encode-patched.ts';
import { type EnvoyFilters, type PatchFamily, type PatchSelection, type PatchSet, setKey } from './envoy-filters.ts';
import { addedClusters, addedExtensions, addedListeners } from './patch/added.ts';
import { concernsCluster } from './patch/clusters.ts';
import { matchesTable } from './patch/match.ts';
import { byTarget, type Patches } from './patch/patch.ts';
import { contextsOf, type PatchedProxy } from './patch/select.ts';
import {
  clusterFacts,
  inlineTableFacts,
  listenerFacts,
  outboundFacts,
  ownTableFacts,
  sharedTableFacts,
} from './patch-facts.ts';
import type { Resource, ResourceType } from './resource.ts';

/** Resources that differ from what other proxies hold because of EnvoyFilters. Where no patch found anything is no entry. */
export interface PatchedResources {
  /** In place of shared resources, by `patchedKey`. Proxies with equal patches share these again. */
  readonly shared: Collection<PatchedResource>;
  /** In place of a proxy's own resources, by `TYPE/NAME`; by node ID. */
  readonly own: Collection<ReadonlyMap<string, PatchedResource>>;
  /** What patches add to proxies, by the key of their selection. */
  readonly added: Collection<readonly AddedResource[]>;
}

export interface AddedResource {
  readonly resource: Resource;
  readonly applied: readonly SourceRef[];
}

/** @param ref `TYPE/KEY` of the resource that is shared by all */
export function patchedKey(ref: string, selection: string): string {
  return `${ref} ${selection}`;
}

interface Wanted {
  readonly ref: string;
  readonly selection: string;
  readonly role: PatchedProxy['role'];
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
  const setOf = (read: Reader, family: PatchFamily, selection: string) =>
    read.get(filters.sets, setKey(family, selection));

  /** Shared fragments of all proxies with equal patches for which one of those could be. */
  const wanted = (
    family: 'cluster' | 'listener' | 'route',
    refsOf: (nodeId: string, read: Reader) => ReadonlyMap<string, string> | undefined,
    isConcerned: (name: string, set: PatchSet, read: Reader) => boolean,
  ) =>
    graph.expand(`patched ${family}s wanted`, filters.members, (members, read, selection) => {
      const set = setOf(read, family, selection);
      if (set === undefined) return [];
      const found = new Map<string, Wanted>();
      for (const refs of new Set(members.map(({ nodeId }) => refsOf(nodeId, read)))) {
        for (const [name, ref] of refs ?? []) {
          if (!isConcerned(name, set, read)) continue;
          found.set(patchedKey(`${family}/${ref}`, selection), { ref, selection, role: set.role });
        }
      }
      return found;
    });
  const clustersWanted = wanted(
    'cluster',
    (nodeId, read) => read.get(resolved.shared, nodeId)?.clusters,
    (name, { role, patches }) => concernsCluster(name, sharedClusterFacts(role), patches),
  );
  const listenersWanted = wanted(
    'listener',
    (nodeId, read) => read.get(resolved.shared, nodeId)?.listeners,
    () => true,
  );
  const tablesWanted = wanted(
    'route',
    (nodeId, read) => read.get(resolved.shared, nodeId)?.tables,
    (name, { role, patches }, read) => {
      const facts = sharedTableFacts(name, role, { model, objects, read });
      return Object.values(patches).some((each) => each.some(({ routes }) => matchesTable(facts, routes)));
    },
  );
  const clusters = graph.derive('patched clusters', clustersWanted, ({ ref, selection, role }, read) => {
    const ir = read.get(resolved.clusters, ref);
    const set = setOf(read, 'cluster', selection);
    return ir && set && encodePatchedCluster(ir, sharedClusterFacts(role), set.patches);
  });
  const listeners = graph.derive('patched listeners', listenersWanted, ({ ref, selection }, read) => {
    const ir = read.get(resolved.listeners, ref);
    const set = setOf(read, 'listener', selection);
    if (ir === undefined || set === undefined) return undefined;
    const around = { model, objects, read };
    const facts = outboundFacts(ir, around);
    return encodePatchedListener(ir, facts, (table) => inlineTableFacts(table, facts, around), set.patches);
  });
  const tables = graph.derive('patched tables', tablesWanted, ({ ref, selection, role }, read) => {
    const ir = read.get(resolved.tables, ref);
    const set = setOf(read, 'route', selection);
    return ir && set && encodePatchedTable(ir, sharedTableFacts(ir.name, role, { model, objects, read }), set.patches);
  });

  const own = graph.derive('patched own resources', filters.selections, ({ nodeId, key }, read) => {
    const ir = read.get(resolved.own, nodeId);
    const instance = read.get(model.instances, read.get(proxies, nodeId)?.instance ?? '');
    if (ir === undefined || instance === undefined) return undefined;
    const patches = (family: PatchFamily) => setOf(read, family, key)?.patches;
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

  const added = graph.derive('added resources', filters.members, (_, read, selection): readonly AddedResource[] => {
    const set = setOf(read, 'added', selection);
    if (set === undefined) return [];
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
  });
  return { shared: graph.union('patched shared resources', [clusters, listeners, tables]), own, added };
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
