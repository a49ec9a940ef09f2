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
