import { dequal } from 'dequal';

/**
 * Keyed collections derived from other keyed collections.
 *
 * What a function reads is recorded; when a key changes, only what read it is computed again; a result equal to the last
 * one is not an event and keeps its identity. So the work for a change is what the change touches, and a value that is
 * identical (`===`) to an earlier one can be used as a cache key further down.
 *
 * A collection may only read collections made before it, so one pass in order of creation brings everything up to date.
 */
export interface Collection<V> {
  readonly name: string;
  get(key: string): V | undefined;
  has(key: string): boolean;
  entries(): IterableIterator<[string, V]>;
  readonly size: number;
  /** Calls `listener` after each commit that changed something here, with the keys that were set, altered or removed. */
  onChange(listener: (keys: ReadonlySet<string>) => void): void;
}

/** Reads other collections on behalf of one derived value, and remembers what was read. */
export interface Reader {
  get<V>(collection: Collection<V>, key: string): V | undefined;
  /** Every entry: the value is computed again at any change in the collection. For small collections only. */
  all<V>(collection: Collection<V>): ReadonlyMap<string, V>;
}

export interface Source<V> extends Collection<V> {
  set(key: string, value: V): void;
  delete(key: string): void;
}

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

  /** One value for each entry of `input`, under the same key; `undefined` leaves it out. */
  derive<In, Out>(
    name: string,
    input: Collection<In>,
    compute: (value: In, read: Reader, key: string) => Out | undefined,
  ): Collection<Out> {
    return this.expand(name, input, (value, read, key) => {
      const out = compute(value, read, key);
      return out === undefined ? [] : [[key, out]];
    });
  }

  /** Any number of entries for each entry of `input`. Two inputs must not give the same key: group with `index`. */
  expand<In, Out>(
    name: string,
    input: Collection<In>,
    compute: (value: In, read: Reader, key: string) => Iterable<readonly [string, Out]>,
  ): Collection<Out> {
    const node = new DerivedNode<In, Out>(name, this.#nodes.length, nodeOf(input), compute, this.#onError);
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

const NONE: ReadonlySet<string> = new Set();
/** Stands for "any key" in the record of what was read. */
const ALL = '\u0000all';

abstract class Node<V> implements Collection<V> {
  readonly name: string;
  readonly order: number;
  readonly inputs: Node<unknown>[] = [];
  readonly listeners: ((keys: ReadonlySet<string>) => void)[] = [];
  protected readonly values = new Map<string, V>();
  /** For each key of this collection: the derived entries that read it. */
  readonly #readers = new Map<string, Map<DerivedNode<unknown, unknown>, Set<string>>>();

  constructor(name: string, order: number) {
    this.name = name;
    this.order = order;
  }

  /** Brings the collection up to date and tells which keys changed. */
  abstract update(): ReadonlySet<string>;
  abstract markDirty(keys: Iterable<string>): void;

  get(key: string): V | undefined {
    return this.values.get(key);
  }
  has(key: string): boolean {
    return this.values.has(key);
  }
  entries(): IterableIterator<[string, V]> {
    return this.values.entries();
  }
  get size(): number {
    return this.values.size;
  }
  onChange(listener: (keys: ReadonlySet<string>) => void): void {
    this.listeners.push(listener);
  }

  addReader(key: string, reader: DerivedNode<unknown, unknown>, readerKey: string): void {
    const nodes = this.#readers.get(key) ?? new Map<DerivedNode<unknown, unknown>, Set<string>>();
    this.#readers.set(key, nodes);
    const keys = nodes.get(reader);
    if (keys === undefined) nodes.set(reader, new Set([readerKey]));
    else keys.add(readerKey);
  }

  removeReader(key: string, reader: DerivedNode<unknown, unknown>, readerKey: string): void {
    const nodes = this.#readers.get(key);
    const keys = nodes?.get(reader);
    if (nodes === undefined || keys === undefined) return;
    keys.delete(readerKey);
    if (keys.size === 0) nodes.delete(reader);
    if (nodes.size === 0) this.#readers.delete(key);
  }

  markReadersDirty(changed: ReadonlySet<string>): void {
    for (const key of changed) for (const [node, keys] of this.#readers.get(key) ?? []) node.markDirty(keys);
    for (const [node, keys] of this.#readers.get(ALL) ?? []) node.markDirty(keys);
  }
}

/** Every collection is made by a Graph, so it is a node of it. */
function nodeOf<V>(collection: Collection<V>): Node<V> {
  return collection as Node<V>;
}

/** A node among nodes of other types. */
function erase<V>(node: Node<V>): Node<unknown> {
  return node as unknown as Node<unknown>;
}

class SourceNode<V> extends Node<V> implements Source<V> {
  #changed = new Set<string>();
  readonly #transaction: (change: () => void) => void;

  constructor(name: string, order: number, transaction: (change: () => void) => void) {
    super(name, order);
    this.#transaction = transaction;
  }

  set(key: string, value: V): void {
    if (dequal(this.values.get(key), value) && this.values.has(key)) return;
    this.#transaction(() => {
      this.values.set(key, value);
      this.#changed.add(key);
    });
  }

  delete(key: string): void {
    if (!this.values.has(key)) return;
    this.#transaction(() => {
      this.values.delete(key);
      this.#changed.add(key);
    });
  }

  markDirty(): void {}

  update(): ReadonlySet<string> {
    const changed = this.#changed;
    if (changed.size === 0) return NONE;
    this.#changed = new Set();
    return changed;
  }
}

class DerivedNode<In, Out> extends Node<Out> {
  readonly #input: Node<In>;
  readonly #compute: (value: In, read: Reader, key: string) => Iterable<readonly [string, Out]>;
  readonly #onError: (error: unknown, where: string) => void;
  #dirty = new Set<string>();
  /** For each input key: the keys it gave, and what it read. */
  readonly #given = new Map<string, readonly string[]>();
  readonly #reads = new Map<string, Map<Node<unknown>, Set<string>>>();

  constructor(
    name: string,
    order: number,
    input: Node<In>,
    compute: (value: In, read: Reader, key: string) => Iterable<readonly [string, Out]>,
    onError: (error: unknown, where: string) => void,
  ) {
    super(name, order);
    this.#input = input;
    this.#compute = compute;
    this.#onError = onError;
    for (const [key] of input.entries()) this.#dirty.add(key);
  }

  markDirty(keys: Iterable<string>): void {
    for (const key of keys) this.#dirty.add(key);
  }

  update(): ReadonlySet<string> {
    if (this.#dirty.size === 0) return NONE;
    const dirty = this.#dirty;
    this.#dirty = new Set();
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
        if (this.values.has(given)) throw new Error(`collection ${this.name}: two inputs give the key ${given}`);
        const last = before.get(given);
        if (!before.has(given)) before.set(given, undefined);
        this.values.set(given, last !== undefined && dequal(last, value) ? last : value);
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
      for (const read of keys) node.addReader(read, this as DerivedNode<unknown, unknown>, key);
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
      for (const read of keys) node.removeReader(read, this as DerivedNode<unknown, unknown>, key);
    }
  }
}

class UnionNode<V> extends Node<V> {
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

class IndexNode<V> extends Node<readonly V[]> {
  readonly #input: Node<V>;
  readonly #keysOf: (value: V, key: string) => Iterable<string>;
  #dirty = new Set<string>();
  readonly #given = new Map<string, readonly string[]>();
  /** For each group: the keys of its entries, sorted, beside the list of their values. */
  readonly #members = new Map<string, string[]>();

  constructor(name: string, order: number, input: Node<V>, keysOf: (value: V, key: string) => Iterable<string>) {
    super(name, order);
    this.#input = input;
    this.#keysOf = keysOf;
    for (const [key] of input.entries()) this.#dirty.add(key);
  }

  markDirty(keys: Iterable<string>): void {
    for (const key of keys) this.#dirty.add(key);
  }

  update(): ReadonlySet<string> {
    if (this.#dirty.size === 0) return NONE;
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
    for (const key of this.#dirty) {
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
        const keys = this.#members.get(group) ?? [];
        this.#members.set(group, keys);
        const at = positionOf(keys, key);
        const isNew = keys[at] !== key;
        if (isNew) keys.splice(at, 0, key);
        listOf(group).splice(at, isNew ? 0 : 1, value as V);
      }
      if (groups.length === 0) this.#given.delete(key);
      else this.#given.set(key, groups);
    }
    this.#dirty = new Set();
    const changed = new Set<string>();
    for (const [group, list] of edited) {
      const last = before.get(group);
      if (list.length === 0) {
        this.#members.delete(group);
        this.values.delete(group);
        if (last !== undefined) changed.add(group);
      } else if (last?.length !== list.length || list.some((value, i) => value !== last[i])) {
        this.values.set(group, list);
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
