import { NONE, Node } from './node.ts';

/** The entries of several collections in one. */
export class UnionNode<V> extends Node<V> {
  readonly #members: readonly Node<V>[];
  #dirty = new Set<string>();

  constructor(name: string, order: number, members: readonly Node<V>[]) {
    super(name, order);
    this.#members = members;
    for (const member of members) for (const [key] of member.entries()) this.#dirty.add(key);
  }

  markDirty(keys: Iterable<string>): void {
    for (const key of keys) this.#dirty.add(key);
  }

  update(): ReadonlySet<string> {
    const changed = this.#dirty;
    if (changed.size === 0) return NONE;
    this.#dirty = new Set();
    for (const key of changed) {
      const value = this.#members.find((member) => member.has(key))?.get(key);
      if (value === undefined) this.values.delete(key);
      else this.values.set(key, value);
    }
    return changed;
  }
}
