import { createHistogram, type RecordableHistogram } from 'node:perf_hooks';
import type { Revision } from './catalog.ts';

/** One saved change. Later changes of the same object take its place. */
export interface Change {
  readonly number: number;
  /** Which object it is a change of. */
  readonly object: number;
  /** On the clock of `nowMs`. */
  readonly savedAtMs: number;
}

export interface Convergence {
  /** A change and a proxy that acknowledged it. */
  readonly count: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

/** Milliseconds on a clock that all processes of a machine share. */
export function nowMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/**
 * When each client acknowledged each change. A client that acknowledges a later change of the same object has got the
 * earlier ones as well: it need not see them.
 */
export class ChangeLog {
  readonly #changes = new Map<number, Change>();
  readonly #byObject = new Map<number, number[]>();
  /** By client: the last change of each object that it has acknowledged. */
  readonly #reached: Int32Array[];
  /** Acknowledged before it was known that there is such a change. */
  #early: { readonly client: number; readonly number: number; readonly atMs: number }[] = [];
  /** Times of single changes, by client, for those that are watched. */
  readonly #watched = new Map<number, Float64Array>();
  readonly #waiting = new Map<number, { missing: number; readonly resolve: () => void }>();
  /** In microseconds, of all changes and clients since `restart`, by kind. */
  #latencies: readonly RecordableHistogram[] = [];
  readonly #objectsOfKind: number;

  /** Objects are numbered by kind: from 0, those of the second kind from `objectsOfKind`, and so on. */
  constructor(clients: number, kinds: number, objectsOfKind: number) {
    this.#objectsOfKind = objectsOfKind;
    this.#reached = Array.from({ length: clients }, () => new Int32Array(kinds * objectsOfKind));
    this.#latencies = Array.from({ length: kinds }, () => createHistogram({ figures: 3 }));
  }

  announce(change: Change, isWatched: boolean): void {
    this.#changes.set(change.number, change);
    const numbers = this.#byObject.get(change.object);
    if (numbers === undefined) this.#byObject.set(change.object, [change.number]);
    else numbers.push(change.number);
    if (isWatched) this.#watched.set(change.number, new Float64Array(this.#reached.length).fill(Number.NaN));
    const early = this.#early;
    this.#early = [];
    for (const { client, number, atMs } of early) this.#reach(client, number, atMs);
  }

  acknowledged(client: number, revisions: readonly Revision[]): void {
    let atMs = 0;
    for (const { marks } of revisions) {
      for (const number of marks) {
        if (atMs === 0) atMs = nowMs();
        this.#reach(client, number, atMs);
      }
    }
  }

  #reach(client: number, number: number, atMs: number): void {
    const change = this.#changes.get(number);
    if (change === undefined) {
      this.#early.push({ client, number, atMs });
      return;
    }
    const reached = this.#reached[client] as Int32Array;
    const before = reached[change.object] ?? 0;
    if (number <= before) return;
    reached[change.object] = number;
    const numbers = this.#byObject.get(change.object) ?? [];
    for (let index = numbers.length - 1; index >= 0; index--) {
      const each = numbers[index] as number;
      if (each <= before) break;
      if (each <= number) this.#count(client, each, atMs);
    }
  }

  #count(client: number, number: number, atMs: number): void {
    const change = this.#changes.get(number) as Change;
    const latencyMs = atMs - change.savedAtMs;
    const kind = Math.floor(change.object / this.#objectsOfKind);
    this.#latencies[kind]?.record(Math.max(1, Math.round(latencyMs * 1000)));
    const watched = this.#watched.get(number);
    if (watched === undefined) return;
    watched[client] = latencyMs;
    const waiting = this.#waiting.get(number);
    if (waiting === undefined || --waiting.missing > 0) return;
    this.#waiting.delete(number);
    waiting.resolve();
  }

  /** When each client had a watched change: milliseconds after it was saved. Waits until all have, or for `timeoutMs`. */
  async latencies(number: number, timeoutMs: number): Promise<number[]> {
    const watched = this.#watched.get(number);
    if (watched === undefined) throw new Error(`change ${number} is not watched`);
    const missing = watched.filter(Number.isNaN).length;
    if (missing > 0) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#waiting.set(number, { missing, resolve });
      const timer = setTimeout(resolve, timeoutMs);
      await promise;
      clearTimeout(timer);
      this.#waiting.delete(number);
    }
    this.#watched.delete(number);
    return Array.from(watched.filter((each) => !Number.isNaN(each)));
  }

  restart(): void {
    for (const histogram of this.#latencies) histogram.reset();
  }

  /** Since `restart`, by kind. */
  convergence(): Convergence[] {
    return this.#latencies.map((histogram) => {
      const { count } = histogram;
      if (count === 0) return { count, p50Ms: 0, p99Ms: 0, maxMs: 0 };
      const of = (percent: number) => histogram.percentile(percent) / 1000;
      return { count, p50Ms: of(50), p99Ms: of(99), maxMs: histogram.max / 1000 };
    });
  }
}
