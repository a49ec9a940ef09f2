import { type Diagnostic, diagnostic } from '@lateen/api/diagnostic.ts';
import { keyOfRef, type ObjectKey, refOfKey } from '@lateen/api/object-key.ts';
import { nodeIdOf, type WorkloadInstance } from '@lateen/api/workload-instance.ts';
import type { Pilot } from '../pilot.ts';
import type { SourceRef } from '../proxy/ir/source.ts';
import { addedKey } from './holdings.ts';
import type { MeshResources } from './mesh-resources.ts';
import type { Patch } from './patch/patch.ts';
import { contextsOf, isForProxy, type PatchSource, selects } from './patch/select.ts';
import type { ResourceType } from './resource.ts';

/** The patches that took part in a resource as a proxy holds it. */
export function patchesBehind(
  { holdings, envoyFilters, patched }: MeshResources,
  nodeId: string,
  type: ResourceType,
  name: string,
): readonly SourceRef[] {
  const selection = envoyFilters.selections.get(nodeId);
  const key = holdings.get(nodeId)?.[type].get(name);
  if (selection === undefined || key === undefined) return [];
  const own = [...(patched.own.get(nodeId)?.values() ?? [])].find(
    ({ resource }) => resource?.type === type && resource.name === name,
  );
  const set = selection.sets.added?.key ?? '';
  const added = patched.added.get(set)?.find(({ resource }) => addedKey(set, resource) === key);
  return (added ?? patched.shared.get(key) ?? own)?.applied ?? [];
}

/** How many resources each patch found something in, by object and index. What proxies share counts once. */
export type PatchMatches = ReadonlyMap<ObjectKey, readonly number[]>;

export function countMatches({ resources, instances, proxies }: Pilot): PatchMatches {
  const { envoyFilters, patched, holdings } = resources;
  const counts = new Map<ObjectKey, number[]>();
  for (const [, { key, patches }] of envoyFilters.sources.entries()) {
    counts.set(key, new Array(patches.length).fill(0));
  }
  const count = (source: SourceRef) => {
    const list = counts.get(keyOfRef(source));
    const index = Number(/\[(\d+)\]$/.exec(source.path ?? '')?.[1]);
    if (list?.[index] !== undefined) list[index]++;
  };
  for (const [, { applied }] of patched.shared.entries()) applied.forEach(count);
  for (const [, own] of patched.own.entries()) for (const { applied } of own.values()) applied.forEach(count);
  for (const [set, added] of patched.added.entries()) {
    const [first] = envoyFilters.members.get(set) ?? [];
    for (const { resource, applied } of added) {
      const key = holdings.get(first?.nodeId ?? '')?.[resource.type].get(resource.name);
      if (key === addedKey(set, resource)) applied.forEach(count);
    }
  }
  for (const [, source] of envoyFilters.sources.entries()) {
    source.patches.forEach((patch, index) => {
      const list = counts.get(source.key);
      if (patch.target !== 'BOOTSTRAP' || list?.[index] === undefined) return;
      for (const [, { instance, metadata = {} }] of proxies.entries()) {
        const found = instances.get(instance);
        if (found === undefined || !selectsInstance(source, found, resources)) continue;
        if (isForProxy(patch, { ...found, metadata })) list[index]++;
      }
    });
  }
  return counts;
}

function selectsInstance(source: PatchSource, instance: WorkloadInstance, { envoyFilters }: MeshResources): boolean {
  return selects(source, { ...instance, metadata: {} }, envoyFilters.rootNamespace);
}

/** A patch that matches nothing, and what to say about it. */
export interface UnmatchedPatch {
  readonly source: PatchSource;
  /** Absent: the whole EnvoyFilter. */
  readonly patch?: Patch;
  readonly diagnostic: Diagnostic;
}

/**
 * Patches that found nothing, though all proxies that they could be for have told what they are: a name that is
 * misspelt, mostly, or one that is not the same as in another mesh.
 *
 * @param before what this said last: while a proxy is not connected, it still holds
 */
export function unmatchedPatches(pilot: Pilot, before: readonly UnmatchedPatch[] = []): UnmatchedPatch[] {
  const { envoyFilters } = pilot.resources;
  if (envoyFilters.sources.size === 0 || pilot.instances.size === 0) return [];
  const counts = countMatches(pilot);
  const instances = [...pilot.instances.entries()].map(([, instance]) => instance);
  return [...envoyFilters.sources.entries()].flatMap(([, source]): UnmatchedPatch[] => {
    const object = refOfKey(source.key);
    const selected = instances.filter((instance) => selectsInstance(source, instance, pilot.resources));
    if (selected.length === 0) {
      const { selectorPath } = source;
      const path = selectorPath === undefined ? {} : { path: selectorPath };
      const message = 'selects no workload, so its patches have no effect';
      return [{ source, diagnostic: diagnostic('LAT0531', message, { object, ...path }) }];
    }
    return source.patches.flatMap((patch, index): UnmatchedPatch[] => {
      if (counts.get(source.key)?.[index] !== 0) return [];
      const asked = selected.filter(({ role }) => isOfRole(patch, role));
      if (!asked.every((each) => pilot.proxies.has(nodeIdOf(each)))) {
        return before.filter((each) => each.patch === patch);
      }
      const path = `spec.configPatches[${index}]`;
      return [{ source, patch, diagnostic: diagnostic('LAT0531', reason(patch, asked, pilot), { object, path }) }];
    });
  });
}

function isOfRole({ context }: Patch, role: WorkloadInstance['role']): boolean {
  return context === 'ANY' || contextsOf(role).includes(context);
}

function reason(patch: Patch, asked: readonly WorkloadInstance[], pilot: Pilot): string {
  if (asked.length === 0) return `matches nothing: no proxy that is selected has the context ${patch.context}`;
  const isMeant = (instance: WorkloadInstance) =>
    isForProxy(patch, { ...instance, metadata: pilot.proxies.get(nodeIdOf(instance))?.metadata ?? {} });
  if (!asked.some(isMeant)) return 'matches nothing: no proxy that is selected has that version and metadata';
  if (
    patch.operation === 'ADD' &&
    (patch.target === 'CLUSTER' || patch.target === 'LISTENER' || patch.target === 'EXTENSION_CONFIG')
  ) {
    return 'adds nothing: there is one of that name already';
  }
  return `matches nothing: no ${WHAT[patch.target]} of the proxies that are selected fits`;
}

const WHAT: Readonly<Record<Patch['target'], string>> = {
  LISTENER: 'listener',
  LISTENER_FILTER: 'listener filter',
  FILTER_CHAIN: 'filter chain',
  NETWORK_FILTER: 'network filter',
  HTTP_FILTER: 'HTTP filter',
  ROUTE_CONFIGURATION: 'route configuration',
  VIRTUAL_HOST: 'virtual host',
  HTTP_ROUTE: 'route',
  CLUSTER: 'cluster',
  EXTENSION_CONFIG: 'extension',
  BOOTSTRAP: 'bootstrap',
};
