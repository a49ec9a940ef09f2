import type { ConfigObject } from '@lateen/api/kinds.ts';
import type { WorkloadInstance } from '@lateen/api/workload-instance.ts';
import type { Collection } from '../incremental/collection.ts';
import type { Graph } from '../incremental/graph.ts';
import type { ProxyIdentity } from '../proxy/resolve.ts';
import { byTarget, type Patch, type Patches } from './patch/patch.ts';
import { buildPatchSource, inOrder, isForProxy, type PatchedProxy, type PatchSource, selects } from './patch/select.ts';

/** Which EnvoyFilters apply to which proxies. Proxies to which none applies have no entry anywhere here. */
export interface EnvoyFilters {
  readonly rootNamespace: string;
  /** By object key. */
  readonly sources: Collection<PatchSource>;
  /** By node ID. */
  readonly selections: Collection<PatchSelection>;
  /** Proxies with equal patches, by the key of their selection. */
  readonly members: Collection<readonly PatchSelection[]>;
  /** By `setKey`. */
  readonly sets: Collection<PatchSet>;
}

/** The patches that apply to one proxy. */
export interface PatchSelection {
  readonly nodeId: string;
  /** Proxies of one role and with equal patches have equal keys, and share what is patched. */
  readonly key: string;
  readonly role: PatchedProxy['role'];
  /** In order: the EnvoyFilter, and which of its patches. */
  readonly parts: readonly { readonly source: string; readonly patches: readonly number[] }[];
}

/** The patches of a selection that are for one family of resources; what has none is not touched by others. */
export interface PatchSet {
  readonly role: PatchedProxy['role'];
  readonly patches: Patches;
}

export type PatchFamily = 'cluster' | 'route' | 'listener' | 'added';

export function setKey(family: PatchFamily, selection: string): string {
  return `${family} ${selection}`;
}

function familyOf({ target, operation }: Patch): PatchFamily | undefined {
  switch (target) {
    case 'BOOTSTRAP':
      return undefined;
    case 'EXTENSION_CONFIG':
      return 'added';
    case 'CLUSTER':
      return operation === 'ADD' ? 'added' : 'cluster';
    case 'LISTENER':
      return operation === 'ADD' ? 'added' : 'listener';
    case 'ROUTE_CONFIGURATION':
    case 'VIRTUAL_HOST':
    case 'HTTP_ROUTE':
      return 'route';
    default:
      return 'listener';
  }
}

export function selectEnvoyFilters(
  graph: Graph,
  objects: Collection<ConfigObject>,
  instances: Collection<WorkloadInstance>,
  proxies: Collection<ProxyIdentity>,
  rootNamespace: string,
): EnvoyFilters {
  const sources = graph.derive('envoy filters', objects, (object) =>
    object.kind === 'EnvoyFilter' ? buildPatchSource(object) : undefined,
  );
  const byNamespace = graph.index('envoy filters by namespace', sources, ({ namespace }) => [namespace]);
  const selections = graph.derive('patch selections', proxies, (identity, read, nodeId): PatchSelection | undefined => {
    const instance = read.get(instances, identity.instance);
    if (instance === undefined) return undefined;
    const namespaces = new Set([rootNamespace, instance.namespace]);
    const candidates = [...namespaces].flatMap((namespace) => read.get(byNamespace, namespace) ?? []);
    if (candidates.length === 0) return undefined;
    const { role, namespace, labels } = instance;
    const proxy = { role, namespace, labels, metadata: identity.metadata ?? {} };
    const parts = inOrder(candidates, rootNamespace)
      .filter((source) => selects(source, proxy, rootNamespace))
      .map(({ key, patches }) => ({
        source: key,
        patches: [...patches.keys()].filter((index) => isForProxy(patches[index] as Patch, proxy)),
      }))
      .filter(({ patches }) => patches.length > 0);
    if (parts.length === 0) return undefined;
    const key = [role, ...parts.map(({ source, patches }) => `${source}[${patches}]`)].join(' ');
    return { nodeId, key, role, parts };
  });
  const members = graph.index('proxies by patches', selections, ({ key }) => [key]);
  const sets = graph.expand('patch sets', members, ([first], read, key) => {
    if (first === undefined) return [];
    const all = first.parts.flatMap(({ source, patches }) => {
      const known = read.get(sources, source)?.patches ?? [];
      return patches.map((index) => known[index]).filter((patch) => patch !== undefined);
    });
    const families = Object.groupBy(all, (patch) => familyOf(patch) ?? 'none');
    return (['cluster', 'route', 'listener', 'added'] as const).flatMap((family): [string, PatchSet][] => {
      const patches = families[family];
      return patches === undefined ? [] : [[setKey(family, key), { role: first.role, patches: byTarget(patches) }]];
    });
  });
  return { rootNamespace, sources, selections, members, sets };
}
