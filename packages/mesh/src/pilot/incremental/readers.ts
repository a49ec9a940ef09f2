/** One entry of a derived collection, as far as it depends on others: what is computed again when they change. */
export interface Dependent {
  readonly owner: { markDirty(keys: Iterable<string>): void };
  /** Of the input from which it is computed. */
  readonly key: string;
}

/** Up to so many are searched one after the other: most keys have one reader or two, and a set for each would be most of the memory. */
const FEW = 8;

/** Who read a key: one, a few, or many. */
type Known = Dependent | Dependent[] | Set<Dependent>;

/** For each key of a collection: who read it. */
export class Readers {
  readonly #byKey = new Map<string, Known>();

  add(key: string, reader: Dependent): void {
    const known = this.#byKey.get(key);
    if (known === undefined) this.#byKey.set(key, reader);
    else if (known instanceof Set) known.add(reader);
    else if (!Array.isArray(known)) {
      if (known !== reader) this.#byKey.set(key, [known, reader]);
    } else if (!known.includes(reader)) {
      // A new list, as one that grows takes much more room than it needs.
      if (known.length < FEW) this.#byKey.set(key, [...known, reader]);
      else this.#byKey.set(key, new Set([...known, reader]));
    }
  }

  remove(key: string, reader: Dependent): void {
    const known = this.#byKey.get(key);
    if (known === undefined) return;
    if (known instanceof Set) {
      known.delete(reader);
      if (known.size === 0) this.#byKey.delete(key);
    } else if (Array.isArray(known)) {
      const at = known.indexOf(reader);
      if (at >= 0) known.splice(at, 1);
      if (known.length === 0) this.#byKey.delete(key);
    } else if (known === reader) this.#byKey.delete(key);
  }

  markDirty(key: string): void {
    const known = this.#byKey.get(key);
    if (known === undefined) return;
    if (known instanceof Set || Array.isArray(known)) {
      for (const { owner, key: readerKey } of known) owner.markDirty([readerKey]);
    } else known.owner.markDirty([known.key]);
  }
}
