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
  /** Proxies under the same patches of a family, by the key of that set. */
  readonly members: Collection<readonly PatchSelection[]>;
  readonly sets: Collection<PatchSet>;
}

/** The patches that apply to one proxy. */
export interface PatchSelection {
  readonly nodeId: string;
  readonly role: PatchedProxy['role'];
  /** Proxies of one role and with equal patches of a family are under one set; patches of other families do not count. */
  readonly sets: Readonly<Partial<Record<PatchFamily, PatchSetRef>>>;
}

export interface PatchSetRef {
  readonly key: string;
  /** In order: the key of the EnvoyFilter, and which of its patches. */
  readonly parts: readonly { readonly source: string; readonly patches: readonly number[] }[];
}

export interface PatchSet {
  readonly role: PatchedProxy['role'];
  readonly family: PatchFamily;
  /** In their order. */
  readonly list: readonly Patch[];
  readonly patches: Patches;
}

/** What patches are for: resources of a type, or what is added to a proxy. */
export type PatchFamily = 'cluster' | 'route' | 'listener' | 'added';

const FAMILIES: readonly PatchFamily[] = ['cluster', 'route', 'listener', 'added'];

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
    const selected = inOrder(candidates, rootNamespace).filter((source) => selects(source, proxy, rootNamespace));
    const sets = FAMILIES.flatMap((family) => {
      const parts = selected
        .map(({ key, patches }) => ({ source: key, patches: indexesOf(patches, family, proxy) }))
        .filter(({ patches }) => patches.length > 0);
      const key = [family, role, ...parts.map(({ source, patches }) => `${source}[${patches}]`)].join(' ');
      return parts.length === 0 ? [] : [[family, { key, parts }] as const];
    });
    return sets.length === 0 ? undefined : { nodeId, role, sets: Object.fromEntries(sets) };
  });
  const members = graph.index('proxies by patches', selections, ({ sets }) =>
    Object.values(sets).map(({ key }) => key),
  );
  const sets = graph.derive('patch sets', members, ([first], read, key): PatchSet | undefined => {
    const family = FAMILIES.find((each) => first?.sets[each]?.key === key);
    if (first === undefined || family === undefined) return undefined;
    const list = (first.sets[family]?.parts ?? []).flatMap(({ source, patches }) => {
      const known = read.get(sources, source)?.patches ?? [];
      return patches.map((index) => known[index]).filter((patch) => patch !== undefined);
    });
    return { role: first.role, family, list, patches: byTarget(list) };
  });
  return { rootNamespace, sources, selections, members, sets };
}

function indexesOf(patches: readonly Patch[], family: PatchFamily, proxy: PatchedProxy): number[] {
  return [...patches.keys()].filter((index) => {
    const patch = patches[index];
    return patch !== undefined && familyOf(patch) === family && isForProxy(patch, proxy);
  });
}
