import type { Collection, Reader } from './collection.ts';
import { ALL, NONE, Node, nodeOf } from './node.ts';

/** Entries computed from those of another collection, and from whatever the computation read. */
export class DerivedNode<In, Out> extends Node<Out> {
  readonly #input: Node<In>;
  readonly #compute: (value: In, read: Reader, key: string) => Iterable<readonly [string, Out]>;
  readonly #isSame: (last: Out, value: Out) => boolean;
  readonly #onError: (error: unknown, where: string) => void;
  /** For each input key: the keys it gave, and what it read. */
  readonly #given = new Map<string, readonly string[]>();
  readonly #reads = new Map<string, Map<Node<unknown>, Set<string>>>();

  constructor(
    name: string,
    order: number,
    input: Node<In>,
    compute: (value: In, read: Reader, key: string) => Iterable<readonly [string, Out]>,
    isSame: (last: Out, value: Out) => boolean,
    onError: (error: unknown, where: string) => void,
  ) {
    super(name, order);
    this.#input = input;
    this.#compute = compute;
    this.#isSame = isSame;
    this.#onError = onError;
    this.markDirty(input.keys());
  }

  update(): ReadonlySet<string> {
    const dirty = this.takeDirty();
    if (dirty.size === 0) return NONE;
    const next = new Map<string, readonly (readonly [string, Out])[]>();
    for (const key of dirty) next.set(key, this.#recompute(key));

    // Removals before additions, so that a key may move from one input to another.
    const before = new Map<string, Out | undefined>();
    for (const key of dirty) {
      for (const given of this.#given.get(key) ?? []) {
        before.set(given, this.values.get(given));
        this.values.delete(given);
      }
      this.#given.delete(key);
    }
    for (const [key, outputs] of next) {
      if (outputs.length === 0) continue;
      for (const [given, value] of outputs) {
        if (this.values.has(given)) {
          this.#onError(new Error('two inputs give one key'), `${this.name} ${given}`);
          continue;
        }
        const last = before.get(given);
        if (!before.has(given)) before.set(given, undefined);
        this.values.set(given, last !== undefined && this.#isSame(last, value) ? last : value);
      }
      this.#given.set(
        key,
        outputs.map(([given]) => given),
      );
    }
    const changed = new Set<string>();
    for (const [key, last] of before) if (this.values.get(key) !== last) changed.add(key);
    return changed;
  }

  #recompute(key: string): readonly (readonly [string, Out])[] {
    const earlier = this.#reads.get(key);
    if (!this.#input.has(key)) {
      this.#forget(key, earlier);
      this.#reads.delete(key);
      return [];
    }
    const reads = new Map<Node<unknown>, Set<string>>();
    let outputs: readonly (readonly [string, Out])[];
    try {
      outputs = [...this.#compute(this.#input.get(key) as In, this.#reader(reads), key)];
    } catch (error) {
      this.#onError(error, `${this.name} ${key}`);
      outputs = (this.#given.get(key) ?? []).map((given) => [given, this.values.get(given) as Out]);
    }
    this.#forget(key, earlier);
    for (const [node, keys] of reads) {
      for (const read of keys) node.addReader(read, this, key);
    }
    if (reads.size === 0) this.#reads.delete(key);
    else this.#reads.set(key, reads);
    return outputs;
  }

  #reader(reads: Map<Node<unknown>, Set<string>>): Reader {
    const record = (collection: Collection<unknown>, key: string) => {
      const node = nodeOf<unknown>(collection);
      if (node.order >= this.order) throw new Error(`${this.name} reads ${node.name}, which is made after it`);
      const keys = reads.get(node);
      if (keys === undefined) reads.set(node, new Set([key]));
      else keys.add(key);
    };
    return {
      get: (collection, key) => {
        record(collection, key);
        return collection.get(key);
      },
      all: (collection) => {
        record(collection, ALL);
        return new Map(collection.entries());
      },
    };
  }

  #forget(key: string, reads: Map<Node<unknown>, Set<string>> | undefined): void {
    for (const [node, keys] of reads ?? []) {
      for (const read of keys) node.removeReader(read, this, key);
    }
  }
}
