import type { Collection, Reader } from './collection.ts';
import { ALL, Node, nodeOf } from './node.ts';
import type { Dependent } from './readers.ts';
import { NO_READS, ReadLog, type Reads, reread } from './reads.ts';

/** What one input key read. */
interface Entry extends Dependent {
  reads: Reads;
}

/** Has entries computed from those of another collection, and from whatever the computation read. */
export abstract class ReadingNode<In, Out> extends Node<Out> {
  protected readonly input: Node<In>;
  readonly #onError: (error: unknown, where: string) => void;
  /** By input key; those that read nothing have none. */
  readonly #entries = new Map<string, Entry>();

  constructor(name: string, order: number, input: Node<In>, onError: (error: unknown, where: string) => void) {
    super(name, order);
    this.input = input;
    this.#onError = onError;
    this.markDirty(input.keys());
  }

  protected report(error: unknown, key: string): void {
    this.#onError(error, `${this.name} ${key}`);
  }

  /** Notes what `compute` reads. If it throws, that is reported, and `otherwise` counts. */
  protected computing<T>(key: string, compute: (value: In, read: Reader) => T, gone: T, otherwise: () => T): T {
    if (!this.input.has(key)) {
      this.#noteReads(key, NO_READS);
      return gone;
    }
    const log = new ReadLog();
    let result: T;
    try {
      result = compute(this.input.get(key) as In, this.#reader(log));
    } catch (error) {
      this.report(error, key);
      result = otherwise();
    }
    this.#noteReads(key, log.reads);
    return result;
  }

  #noteReads(key: string, reads: Reads): void {
    const known = this.#entries.get(key);
    if (known === undefined && reads.length === 0) return;
    const entry = known ?? { owner: this, key, reads: NO_READS };
    reread(entry, entry.reads, reads);
    entry.reads = reads;
    if (reads.length === 0) this.#entries.delete(key);
    else if (known === undefined) this.#entries.set(key, entry);
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
