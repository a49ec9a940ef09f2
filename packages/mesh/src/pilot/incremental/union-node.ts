import { Node } from './node.ts';

/** The entries of several collections in one. */
export class UnionNode<V> extends Node<V> {
  readonly #members: readonly Node<V>[];

  constructor(name: string, order: number, members: readonly Node<V>[]) {
    super(name, order);
    this.#members = members;
    for (const member of members) this.markDirty(member.keys());
  }

  update(): ReadonlySet<string> {
    const changed = this.takeDirty();
    for (const key of changed) {
      const value = this.#members.find((member) => member.has(key))?.get(key);
      if (value === undefined) this.values.delete(key);
      else this.values.set(key, value);
    }
    return changed;
  }
}
