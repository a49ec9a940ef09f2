import { dequal } from 'dequal';
import type { Collection, Reader, Source } from './collection.ts';
import { DerivedNode } from './derived-node.ts';
import { ExpandedNode } from './expanded-node.ts';
import { IndexNode } from './index-node.ts';
import { erase, type Node, nodeOf } from './node.ts';
import { SourceNode } from './source-node.ts';
import { UnionNode } from './union-node.ts';

/** Collections that are derived from each other, brought up to date together. */
export class Graph {
  readonly #nodes: Node<unknown>[] = [];
  readonly #afterCommit: (() => void)[] = [];
  #depth = 0;
  readonly #onError: (error: unknown, where: string) => void;

  /** `onError` hears of a derivation that threw; its last value stays in force. */
  constructor(onError: (error: unknown, where: string) => void = rethrow) {
    this.#onError = onError;
  }

  source<V>(name: string): Source<V> {
    return this.#add(new SourceNode<V>(name, this.#nodes.length, (change) => this.transaction(change)));
  }

  /**
   * One value for each entry of `input`, under the same key; `undefined` leaves it out.
   *
   * @param isSame whether a result is no news; where it is large and made of values of other collections, to look into it
   * would cost more than it saves
   */
  derive<In, Out>(
    name: string,
    input: Collection<In>,
    compute: (value: In, read: Reader, key: string) => Out | undefined,
    isSame: (last: Out, value: Out) => boolean = dequal,
  ): Collection<Out> {
    const node = new DerivedNode(name, this.#nodes.length, nodeOf(input), compute, isSame, this.#onError);
    nodeOf(input).inputs.push(erase(node));
    return this.#add(node);
  }

  /** Any number of entries for each entry of `input`. Two inputs must not give the same key: group with `index`. */
  expand<In, Out>(
    name: string,
    input: Collection<In>,
    compute: (value: In, read: Reader, key: string) => Iterable<readonly [string, Out]>,
    isSame: (last: Out, value: Out) => boolean = dequal,
  ): Collection<Out> {
    const node = new ExpandedNode<In, Out>(name, this.#nodes.length, nodeOf(input), compute, isSame, this.#onError);
    nodeOf(input).inputs.push(erase(node));
    return this.#add(node);
  }

  /** All entries of several collections, whose keys must differ. */
  union<V>(name: string, inputs: readonly Collection<V>[]): Collection<V> {
    const node = new UnionNode<V>(name, this.#nodes.length, inputs.map(nodeOf));
    for (const input of inputs) nodeOf(input).inputs.push(erase(node));
    return this.#add(node);
  }

  /** The entries of `input` grouped under each of the keys that `keysOf` gives, ordered by their own key. */
  index<V>(
    name: string,
    input: Collection<V>,
    keysOf: (value: V, key: string) => Iterable<string>,
  ): Collection<readonly V[]> {
    const node = new IndexNode<V>(name, this.#nodes.length, nodeOf(input), keysOf);
    nodeOf(input).inputs.push(erase(node));
    return this.#add(node);
  }

  /** Makes several changes to sources and brings everything up to date once, at the end. */
  transaction<T>(change: () => T): T {
    this.#depth++;
    try {
      return change();
    } finally {
      this.#depth--;
      if (this.#depth === 0) this.#commit();
    }
  }

  /** Calls `listener` after every commit, when all `onChange` listeners have been called. */
  afterCommit(listener: () => void): void {
    this.#afterCommit.push(listener);
  }

  #add<V, N extends Node<V>>(node: N & Node<V>): N {
    this.#nodes.push(erase(node));
    return node;
  }

  #commit(): void {
    const changed: [Node<unknown>, ReadonlySet<string>][] = [];
    for (const node of this.#nodes) {
      const keys = node.update();
      if (keys.size === 0) continue;
      changed.push([node, keys]);
      for (const input of node.inputs) input.markDirty(keys);
      node.markReadersDirty(keys);
    }
    for (const [node, keys] of changed) for (const listener of node.listeners) listener(keys);
    if (changed.length > 0) for (const listener of this.#afterCommit) listener();
  }
}

function rethrow(error: unknown): never {
  throw error;
}
