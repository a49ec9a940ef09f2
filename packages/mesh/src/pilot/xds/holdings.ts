import type { Collection, Reader } from '../incremental/collection.ts';
import type { Graph } from '../incremental/graph.ts';
import type { ResolvedMesh } from '../proxy/resolve.ts';
import type { EnvoyFilters, PatchSelection } from './envoy-filters.ts';
import { LayeredMap } from './layered-map.ts';
import { type Named, ownName, type PatchedResources, variantRef } from './patched-resources.ts';
import type { ResourceType } from './resource.ts';

/** For each type: name -> key in `MeshResources.resources`. */
export type Holdings = Readonly<Record<ResourceType, ReadonlyMap<string, string>>>;

/** Which proxy holds which resources, in two parts: what many hold alike is put together once, and noted once. */
export interface HeldResources {
  /** What proxies of a group hold of what is shared, by the key of the group. */
  readonly ofGroups: Collection<Holdings>;
  /** The key of a proxy's group, by node ID. */
  readonly groups: Collection<string>;
  /** What a proxy holds beside that, or in its place; by node ID. */
  readonly own: Collection<Holdings>;
  /** All that a proxy holds, by node ID. */
  readonly holdings: Collection<Holdings>;
}

/** Proxies that look at the mesh in the same way, under the same patches. */
interface HolderGroup {
  readonly key: string;
  readonly viewer: string;
  readonly sets: PatchSelection['sets'];
}

export function resolveHoldings(
  graph: Graph,
  resolved: ResolvedMesh,
  envoyFilters: EnvoyFilters,
  patched: PatchedResources,
): HeldResources {
  const memberships = graph.derive('holder groups of proxies', resolved.own, (_, read, nodeId): HolderGroup => {
    const viewer = read.get(resolved.viewers, nodeId)?.key ?? '';
    const sets = read.get(envoyFilters.selections, nodeId)?.sets ?? {};
    return { key: [viewer, ...Object.values(sets).map((set) => set.key)].join('\n'), viewer, sets };
  });
  const byGroup = graph.index('proxies by holder group', memberships, ({ key }) => [key]);
  const members = graph.derive('holder groups', byGroup, ([first]) => first);
  const resolveGroup = ({ viewer, sets }: HolderGroup, read: Reader): Holdings => {
    const shared = read.get(resolved.ofViewers, viewer);
    const addedSet = sets.added?.key ?? '';
    const added = addedSet === '' ? [] : (read.get(patched.names.added, addedSet) ?? []);
    /** Of two with one name, what the mesh itself has counts: a patch that adds cannot replace. */
    const all = (type: ResourceType, refs: ReadonlyMap<string, string> = NONE) => {
      const found = new Map<string, string>();
      for (const each of added) if (each.type === type) found.set(each.name, addedKey(addedSet, each));
      const set = type === 'cluster' || type === 'listener' || type === 'route' ? sets[type]?.key : undefined;
      for (const [name, ref] of refs) {
        const key = `${type}/${ref}`;
        const variant = set === undefined ? undefined : read.get(patched.variants, variantRef(key, set));
        const instead = variant === undefined ? undefined : read.get(patched.names.shared, variant.key);
        if (variant === undefined || instead === undefined) found.set(name, key);
        else if (instead.name !== undefined) found.set(instead.name, variant.key);
      }
      return found;
    };
    return {
      secret: all('secret', shared?.secrets),
      cluster: all('cluster', shared?.clusters),
      endpoint: all('endpoint', shared?.endpoints),
      extension: all('extension'),
      listener: all('listener', shared?.listeners),
      route: all('route', shared?.tables),
      virtualHost: all('virtualHost', shared?.virtualHosts),
    };
  };
  const ofGroups = graph.derive('holdings of groups', members, resolveGroup, never);
  const own = graph.derive('own holdings', resolved.own, (fragments, read, nodeId): Holdings => {
    const hasPatches = read.get(envoyFilters.selections, nodeId) !== undefined;
    const names = hasPatches ? read.get(patched.names.own, nodeId) : undefined;
    const all = (type: ResourceType, irs: readonly { readonly name: string }[] = []) => {
      if (irs.length === 0) return NONE;
      return new Map(
        irs.flatMap(({ name: before }): [string, string][] => {
          const { name } = names?.get(ownName(type, before)) ?? { name: before };
          return name === undefined ? [] : [[name, ownKey(nodeId, { type, name })]];
        }),
      );
    };
    const { secrets, clusters, listeners, tables } = fragments;
    return {
      ...NOTHING_HELD,
      secret: all('secret', secrets),
      cluster: all('cluster', clusters),
      listener: all('listener', listeners),
      route: all('route', tables),
    };
  });
  const groups = graph.derive('holder group keys', memberships, ({ key }) => key);
  const together = (mine: Holdings, read: Reader, nodeId: string): Holdings =>
    layered(read.get(ofGroups, read.get(groups, nodeId) ?? '') ?? NOTHING_HELD, mine);
  return { ofGroups, groups, own, holdings: graph.derive('holdings', own, together, never) };
}

/** Made again only when what it is made of has changed; to compare it would cost as much as to use it. */
function never(): boolean {
  return false;
}

function layered(under: Holdings, over: Holdings): Holdings {
  const ofType = (type: ResourceType) =>
    over[type].size === 0
      ? under[type]
      : new LayeredMap(
          () => under[type],
          () => over[type],
        );
  return {
    secret: ofType('secret'),
    cluster: ofType('cluster'),
    endpoint: ofType('endpoint'),
    extension: ofType('extension'),
    listener: ofType('listener'),
    route: ofType('route'),
    virtualHost: ofType('virtualHost'),
  };
}

const NONE: ReadonlyMap<string, string> = new Map();

export const NOTHING_HELD: Holdings = {
  secret: NONE,
  cluster: NONE,
  endpoint: NONE,
  extension: NONE,
  listener: NONE,
  route: NONE,
  virtualHost: NONE,
};

/** Key of a resource that is one proxy's own. */
export function ownKey(nodeId: string, { type, name }: Named): string {
  return `${nodeId}/${type}/${name}`;
}

/** Key of a resource that a set of patches adds. */
export function addedKey(set: string, { type, name }: Named): string {
  return `${type}/${name} by ${set}`;
}
