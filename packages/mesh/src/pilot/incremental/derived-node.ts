import type { Collection, Reader } from './collection.ts';
import { ALL, NONE, Node, nodeOf } from './node.ts';
import type { Dependent } from './readers.ts';
import { NO_READS, ReadLog, type Reads, reread } from './reads.ts';

/** What is known of one input key: the keys it gave, and what it read. */
interface Entry extends Dependent {
  /** Mostly one. */
  given: string | readonly string[];
  reads: Reads;
}

type Outputs<Out> = readonly (readonly [string, Out])[];

/** Entries computed from those of another collection, and from whatever the computation read. */
export class DerivedNode<In, Out> extends Node<Out> {
  readonly #input: Node<In>;
  readonly #compute: (value: In, read: Reader, key: string) => Iterable<readonly [string, Out]>;
  readonly #isSame: (last: Out, value: Out) => boolean;
  readonly #onError: (error: unknown, where: string) => void;
  /** By input key; those that gave and read nothing have none. */
  readonly #entries = new Map<string, Entry>();

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
    const next = new Map<string, Outputs<Out>>();
    for (const key of dirty) {
      const outputs = this.#recompute(key);
      if (outputs.length > 0) next.set(key, outputs);
    }

    // Removals before additions, so that a key may move from one input to another.
    const before = new Map<string, Out | undefined>();
    for (const key of dirty) {
      const entry = this.#entries.get(key);
      if (entry === undefined) continue;
      for (const given of listOf(entry.given)) {
        before.set(given, this.values.get(given));
        this.values.delete(given);
      }
      entry.given = NOTHING;
    }
    for (const [key, outputs] of next) {
      for (const [given, value] of outputs) {
        if (this.values.has(given)) {
          this.#onError(new Error('two inputs give one key'), `${this.name} ${given}`);
          continue;
        }
        const last = before.get(given);
        if (last === undefined && !before.has(given)) before.set(given, undefined);
        this.values.set(given, last !== undefined && this.#isSame(last, value) ? last : value);
      }
      this.#entryOf(key).given = outputs.length === 1 ? (outputs[0]?.[0] ?? NOTHING) : outputs.map(([given]) => given);
    }
    for (const key of dirty) {
      const entry = this.#entries.get(key);
      if (entry !== undefined && entry.reads.length === 0 && entry.given === NOTHING) this.#entries.delete(key);
    }
    const changed = new Set<string>();
    for (const [key, last] of before) if (this.values.get(key) !== last) changed.add(key);
    return changed;
  }

  #entryOf(key: string): Entry {
    const known = this.#entries.get(key);
    if (known !== undefined) return known;
    const entry: Entry = { owner: this, key, given: NOTHING, reads: NO_READS };
    this.#entries.set(key, entry);
    return entry;
  }

  #recompute(key: string): Outputs<Out> {
    if (!this.#input.has(key)) {
      this.#noteReads(key, NO_READS);
      return [];
    }
    const log = new ReadLog();
    let outputs: Outputs<Out>;
    try {
      const computed = this.#compute(this.#input.get(key) as In, this.#reader(log), key);
      outputs = Array.isArray(computed) ? computed : [...computed];
    } catch (error) {
      this.#onError(error, `${this.name} ${key}`);
      const given = this.#entries.get(key)?.given ?? NOTHING;
      outputs = listOf(given).map((each) => [each, this.values.get(each) as Out]);
    }
    this.#noteReads(key, log.reads);
    return outputs;
  }

  #noteReads(key: string, reads: Reads): void {
    const entry = reads.length === 0 ? this.#entries.get(key) : this.#entryOf(key);
    if (entry === undefined) return;
    reread(entry, entry.reads, reads);
    entry.reads = reads;
  }

  #reader(log: ReadLog): Reader {
    const record = (collection: Collection<unknown>, key: string) => {
      const node = nodeOf<unknown>(collection);
      if (node.order >= this.order) throw new Error(`${this.name} reads ${node.name}, which is made after it`);
      log.note(node, key);
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
}

const NOTHING: readonly string[] = [];

function listOf(given: string | readonly string[]): readonly string[] {
  return typeof given === 'string' ? [given] : given;
}
