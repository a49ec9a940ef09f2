import type { Node } from './node.ts';
import type { Dependent } from './readers.ts';

/** What one computation read: node, key, node, key, and so on, each pair once, in order. */
export type Reads = readonly (Node<unknown> | string)[];

export const NO_READS: Reads = [];

/** Up to so many pairs are searched one after the other. */
const FEW = 16;

/** Collects what a computation reads. */
export class ReadLog {
  readonly #reads: (Node<unknown> | string)[] = [];
  #known: Map<Node<unknown>, Set<string>> | undefined;

  note(node: Node<unknown>, key: string): void {
    const reads = this.#reads;
    if (this.#known === undefined) {
      for (let at = 0; at < reads.length; at += 2) if (reads[at] === node && reads[at + 1] === key) return;
      reads.push(node, key);
      if (reads.length > 2 * FEW) this.#known = indexed(reads);
      return;
    }
    const keys = this.#known.get(node);
    if (keys?.has(key)) return;
    if (keys === undefined) this.#known.set(node, new Set([key]));
    else keys.add(key);
    reads.push(node, key);
  }

  get reads(): Reads {
    // A list that grew keeps room for more; the copy has none.
    return this.#reads.length === 0 ? NO_READS : this.#reads.slice();
  }
}

function indexed(reads: Reads): Map<Node<unknown>, Set<string>> {
  const known = new Map<Node<unknown>, Set<string>>();
  for (let at = 0; at < reads.length; at += 2) {
    const node = reads[at] as Node<unknown>;
    const keys = known.get(node) ?? new Set();
    keys.add(reads[at + 1] as string);
    known.set(node, keys);
  }
  return known;
}

/**
 * Tells the nodes that were read who read them last time and who did now. What is read is mostly the same each time and in
 * the same order, so only what stands between an equal beginning and an equal end is looked at.
 */
export function reread(reader: Dependent, before: Reads, after: Reads): void {
  let start = 0;
  const shorter = Math.min(before.length, after.length);
  while (start < shorter && isSamePair(before, start, after, start)) start += 2;
  let fromEnd = 0;
  while (
    fromEnd < shorter - start &&
    isSamePair(before, before.length - fromEnd - 2, after, after.length - fromEnd - 2)
  ) {
    fromEnd += 2;
  }
  for (let at = start; at < before.length - fromEnd; at += 2) {
    (before[at] as Node<unknown>).removeReader(before[at + 1] as string, reader);
  }
  for (let at = start; at < after.length - fromEnd; at += 2) {
    (after[at] as Node<unknown>).addReader(after[at + 1] as string, reader);
  }
}

function isSamePair(a: Reads, atA: number, b: Reads, atB: number): boolean {
  return a[atA] === b[atB] && a[atA + 1] === b[atB + 1];
}
