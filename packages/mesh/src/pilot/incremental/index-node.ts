import { NONE, Node } from './node.ts';

/** The entries of a collection grouped by other keys. */
export class IndexNode<V> extends Node<readonly V[]> {
  readonly #input: Node<V>;
  readonly #keysOf: (value: V, key: string) => Iterable<string>;
  readonly #given = new Map<string, readonly string[]>();
  /** For each group: the keys of its entries, sorted, beside the list of their values. */
  readonly #members = new Map<string, string[]>();

  constructor(name: string, order: number, input: Node<V>, keysOf: (value: V, key: string) => Iterable<string>) {
    super(name, order);
    this.#input = input;
    this.#keysOf = keysOf;
    this.markDirty(input.keys());
  }

  update(): ReadonlySet<string> {
    const dirty = this.takeDirty();
    if (dirty.size === 0) return NONE;
    const before = new Map<string, readonly V[] | undefined>();
    /** Lists are shared with whoever read them, so each group that changes gets one new list. */
    const edited = new Map<string, V[]>();
    const listOf = (group: string): V[] => {
      const open = edited.get(group);
      if (open !== undefined) return open;
      before.set(group, this.values.get(group));
      const list = [...(this.values.get(group) ?? [])];
      edited.set(group, list);
      return list;
    };
    for (const key of dirty) {
      const value = this.#input.get(key);
      const earlier = this.#given.get(key) ?? [];
      const groups = value === undefined ? [] : [...new Set(this.#keysOf(value, key))];
      for (const group of earlier) {
        if (groups.includes(group)) continue;
        const keys = this.#members.get(group) ?? [];
        const at = positionOf(keys, key);
        keys.splice(at, 1);
        listOf(group).splice(at, 1);
      }
      for (const group of groups) {
        const keys = this.#members.get(group);
        const at = keys === undefined ? 0 : positionOf(keys, key);
        const isNew = keys?.[at] !== key;
        if (keys === undefined) this.#members.set(group, [key]);
        else if (isNew) keys.splice(at, 0, key);
        listOf(group).splice(at, isNew ? 0 : 1, value as V);
      }
      if (groups.length === 0) this.#given.delete(key);
      else this.#given.set(key, groups);
    }
    const changed = new Set<string>();
    for (const [group, list] of edited) {
      const last = before.get(group);
      if (list.length === 0) {
        this.#members.delete(group);
        this.values.delete(group);
        if (last !== undefined) changed.add(group);
      } else if (last?.length !== list.length || list.some((value, i) => value !== last[i])) {
        // Most lists are short, and one that grew keeps room for more; the copy has none.
        this.values.set(group, list.slice());
        changed.add(group);
      }
    }
    return changed;
  }
}

/** Where a key stands in a sorted list, or would have to be put. */
function positionOf(keys: readonly string[], key: string): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((keys[middle] as string) < key) low = middle + 1;
    else high = middle;
  }
  return low;
}
