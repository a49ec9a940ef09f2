/** Two maps as one, without a copy: what is in `over` hides what is under it. Both may change. */
export class LayeredMap<V> implements ReadonlyMap<string, V> {
  readonly #under: () => ReadonlyMap<string, V>;
  readonly #over: () => ReadonlyMap<string, V>;

  /** They are asked for at every look. */
  constructor(under: () => ReadonlyMap<string, V>, over: () => ReadonlyMap<string, V>) {
    this.#under = under;
    this.#over = over;
  }

  get(key: string): V | undefined {
    return this.#over().get(key) ?? this.#under().get(key);
  }

  has(key: string): boolean {
    return this.#over().has(key) || this.#under().has(key);
  }

  get size(): number {
    const under = this.#under();
    let { size } = under;
    for (const key of this.#over().keys()) if (!under.has(key)) size++;
    return size;
  }

  *entries(): MapIterator<[string, V]> {
    const over = this.#over();
    for (const entry of this.#under()) if (!over.has(entry[0])) yield entry;
    yield* over;
  }

  *keys(): MapIterator<string> {
    for (const [key] of this.entries()) yield key;
  }

  *values(): MapIterator<V> {
    for (const [, value] of this.entries()) yield value;
  }

  [Symbol.iterator](): MapIterator<[string, V]> {
    return this.entries();
  }

  forEach(callback: (value: V, key: string, map: ReadonlyMap<string, V>) => void): void {
    for (const [key, value] of this.entries()) callback(value, key, this);
  }
}
