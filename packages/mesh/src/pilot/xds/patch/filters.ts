import type { Message } from '@bufbuild/protobuf';
import type { Any } from '@bufbuild/protobuf/wkt';
import { isOfType, mergeMessage } from '@lateen/envoy-api/merge';
import { editList } from './edit-list.ts';
import { isNamed, isOfClass, isTerminal } from './filter-names.ts';
import type { Applied, FilterClass, Patch } from './patch.ts';

/** A listener filter, a network filter or an HTTP filter. */
export interface AnyFilter extends Message {
  name: string;
  configType: { case: 'typedConfig'; value: Any } | { case: string | undefined; value?: unknown };
}

/**
 * The filters of one chain as the patches leave them: first everything that moves filters, then what is merged into them,
 * each in the order of the patches. `nameOf` tells which filter a patch asks for, if it does.
 */
export function patchFilters<T extends AnyFilter>(
  filters: readonly T[],
  patches: readonly Patch[],
  nameOf: (patch: Patch) => string | undefined,
  applied: Applied,
): readonly T[] {
  let edited = filters;
  /** Filters that stand here for their class. They have no name by which that could be told. */
  const added = new Map<T, FilterClass>();
  for (const patch of patches) {
    if (patch.operation === 'MERGE') continue;
    const wanted = nameOf(patch);
    const value = patch.value?.message as T | undefined;
    const { operation, filterClass } = patch;
    const after = editList(edited, {
      operation,
      ...(wanted === undefined ? {} : { matches: ({ name }) => isNamed(name, wanted) }),
      ...(value === undefined ? {} : { value, addAt: (items) => placeOf(value, filterClass, items, added) }),
    });
    if (after === edited) continue;
    if (value !== undefined) added.set(value, filterClass);
    edited = after;
    applied.add(patch);
  }
  const merging = patches.filter(({ operation }) => operation === 'MERGE');
  if (merging.length === 0) return edited;
  let isMerged = false;
  const merged = edited.map((filter) => {
    let current = filter;
    for (const patch of merging) {
      const next = mergeFilter(current, patch, nameOf(patch));
      if (next === undefined) continue;
      current = next;
      isMerged = true;
      applied.add(patch);
    }
    return current;
  });
  return isMerged ? merged : edited;
}

/** `undefined` if the patch is not for this filter: it has another name, or, where no name is asked for, another type. */
function mergeFilter<T extends AnyFilter>(filter: T, { value }: Patch, wanted: string | undefined): T | undefined {
  if (value === undefined) return undefined;
  if (wanted !== undefined) return isNamed(filter.name, wanted) ? mergeMessage(filter, value) : undefined;
  const config = value.fields.get('typed_config');
  const held = typedConfig(filter);
  if (config !== undefined && (held === undefined || !isOfType(held, config.schema))) return undefined;
  return mergeMessage(filter, value);
}

export function typedConfig({ configType }: AnyFilter): Any | undefined {
  return configType.case === 'typedConfig' ? (configType.value as Any) : undefined;
}

/**
 * Where a filter that is added belongs: in front of the filter that ends the chain, and by its class behind (AUTHN, AUTHZ)
 * or in front of (STATS) the mesh's own filters of that class. Filters of one class stay in the order of the patches.
 */
function placeOf<T extends AnyFilter>(
  value: T,
  filterClass: FilterClass,
  items: readonly T[],
  added: ReadonlyMap<T, FilterClass>,
): number {
  const isOf = (item: T, wanted: Exclude<FilterClass, 'UNSPECIFIED'>) =>
    added.get(item) === wanted || isOfClass(item.name, wanted);
  switch (filterClass) {
    case 'AUTHN':
      return items.findLastIndex((item) => isOf(item, 'AUTHN')) + 1;
    case 'AUTHZ':
      return items.findLastIndex((item) => isOf(item, 'AUTHN') || isOf(item, 'AUTHZ')) + 1;
    case 'STATS': {
      const first = items.findIndex((item) => isOfClass(item.name, 'STATS'));
      if (first !== -1) return first;
    }
  }
  const last = items.at(-1);
  return last !== undefined && endsChain(last) && !endsChain(value) ? items.length - 1 : items.length;
}

function endsChain(filter: AnyFilter): boolean {
  const config = typedConfig(filter);
  return config !== undefined && isTerminal(config.typeUrl.slice(config.typeUrl.lastIndexOf('/') + 1));
}
