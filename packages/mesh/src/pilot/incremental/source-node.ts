import { dequal } from 'dequal';
import type { Source } from './collection.ts';
import { Node } from './node.ts';

/** What comes from outside of the graph. */
export class SourceNode<V> extends Node<V> implements Source<V> {
  readonly #transaction: (change: () => void) => void;

  constructor(name: string, order: number, transaction: (change: () => void) => void) {
    super(name, order);
    this.#transaction = transaction;
  }

  set(key: string, value: V): void {
    if (dequal(this.values.get(key), value) && this.values.has(key)) return;
    this.#transaction(() => {
      this.values.set(key, value);
      this.markDirty([key]);
    });
  }

  delete(key: string): void {
    if (!this.values.has(key)) return;
    this.#transaction(() => {
      this.values.delete(key);
      this.markDirty([key]);
    });
  }

  update(): ReadonlySet<string> {
    return this.takeDirty();
  }
}
