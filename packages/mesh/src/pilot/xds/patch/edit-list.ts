import type { PatchOperation } from './patch.ts';

export interface ListEdit<T> {
  readonly operation: PatchOperation;
  /** Picks out the items to remove, or the one to replace or to stand beside. Absent: no item was asked for. */
  readonly matches?: (item: T) => boolean;
  readonly value?: T;
  /** Where ADD puts the value; by default behind all others. */
  readonly addAt?: (items: readonly T[]) => number;
}

/** The list as an operation leaves it; the very same list where that changes nothing. MERGE is none of its business. */
export function editList<T>(items: readonly T[], { operation, matches, value, addAt }: ListEdit<T>): readonly T[] {
  if (operation === 'REMOVE') {
    const kept = items.filter((item) => matches !== undefined && !matches(item));
    return kept.length === items.length ? items : kept;
  }
  if (value === undefined) return items;
  const end = addAt?.(items) ?? items.length;
  const found = matches === undefined ? -1 : items.findIndex(matches);
  switch (operation) {
    case 'ADD':
      return items.toSpliced(end, 0, value);
    case 'INSERT_FIRST':
      return [value, ...items];
    case 'INSERT_BEFORE':
      if (matches === undefined) return [value, ...items];
      return found === -1 ? items : items.toSpliced(found, 0, value);
    case 'INSERT_AFTER':
      if (matches === undefined) return items.toSpliced(end, 0, value);
      return found === -1 ? items : items.toSpliced(found + 1, 0, value);
    case 'REPLACE':
      return found === -1 ? items : items.toSpliced(found, 1, value);
    case 'MERGE':
      return items;
  }
}
