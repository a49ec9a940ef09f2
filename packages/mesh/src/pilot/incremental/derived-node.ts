import type { Reader } from './collection.ts';
import { NONE, type Node } from './node.ts';
import { ReadingNode } from './reading-node.ts';

/** One value or none for each entry of another collection, under the same key. */
export class DerivedNode<In, Out> extends ReadingNode<In, Out> {
  readonly #compute: (value: In, read: Reader, key: string) => Out | undefined;
  readonly #isSame: (last: Out, value: Out) => boolean;

  constructor(
    name: string,
    order: number,
    input: Node<In>,
    compute: (value: In, read: Reader, key: string) => Out | undefined,
    isSame: (last: Out, value: Out) => boolean,
    onError: (error: unknown, where: string) => void,
  ) {
    super(name, order, input, onError);
    this.#compute = compute;
    this.#isSame = isSame;
  }

  update(): ReadonlySet<string> {
    const dirty = this.takeDirty();
    if (dirty.size === 0) return NONE;
    const changed = new Set<string>();
    for (const key of dirty) {
      const last = this.values.get(key);
      const value = this.computing<Out | undefined>(
        key,
        (input, read) => this.#compute(input, read, key),
        undefined,
        () => last,
      );
      if (value === last || (value !== undefined && last !== undefined && this.#isSame(last, value))) continue;
      if (value === undefined) this.values.delete(key);
      else this.values.set(key, value);
      changed.add(key);
    }
    return changed;
  }
}
