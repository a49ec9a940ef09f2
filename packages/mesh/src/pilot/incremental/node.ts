import type { Collection } from './collection.ts';
import { type Dependent, Readers } from './readers.ts';

export const NONE: ReadonlySet<string> = new Set();

/** Stands for "any key" in the record of what was read. */
export const ALL = '\u0000all';

/** What all collections of a graph have in common: their entries, and who depends on them. */
export abstract class Node<V> implements Collection<V> {
  readonly name: string;
  readonly order: number;
  readonly inputs: Node<unknown>[] = [];
  readonly listeners: ((keys: ReadonlySet<string>) => void)[] = [];
  protected readonly values = new Map<string, V>();
  /** Keys that changed where this node gets its entries from, since the last update. */
  #dirty = new Set<string>();
  /** For each key of this collection: the derived entries that read it. */
  readonly #readers = new Readers();

  constructor(name: string, order: number) {
    this.name = name;
    this.order = order;
  }

  /** Brings the collection up to date and tells which keys changed. */
  abstract update(): ReadonlySet<string>;

  markDirty(keys: Iterable<string>): void {
    for (const key of keys) this.#dirty.add(key);
  }

  /** What was marked so far; from now on it counts as done. */
  protected takeDirty(): ReadonlySet<string> {
    if (this.#dirty.size === 0) return NONE;
    const dirty = this.#dirty;
    this.#dirty = new Set();
    return dirty;
  }

  get(key: string): V | undefined {
    return this.values.get(key);
  }
  has(key: string): boolean {
    return this.values.has(key);
  }
  entries(): IterableIterator<[string, V]> {
    return this.values.entries();
  }
  keys(): IterableIterator<string> {
    return this.values.keys();
  }
  get size(): number {
    return this.values.size;
  }
  onChange(listener: (keys: ReadonlySet<string>) => void): void {
    this.listeners.push(listener);
  }

  addReader(key: string, reader: Dependent): void {
    this.#readers.add(key, reader);
  }

  removeReader(key: string, reader: Dependent): void {
    this.#readers.remove(key, reader);
  }

  markReadersDirty(changed: ReadonlySet<string>): void {
    for (const key of changed) this.#readers.markDirty(key);
    this.#readers.markDirty(ALL);
  }
}

/** Every collection is made by a Graph, so it is a node of it. */
export function nodeOf<V>(collection: Collection<V>): Node<V> {
  return collection as Node<V>;
}

/** A node among nodes of other types. */
export function erase<V>(node: Node<V>): Node<unknown> {
  return node as unknown as Node<unknown>;
}
