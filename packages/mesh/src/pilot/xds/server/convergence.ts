import type { Histogram } from '../../metrics/registry.ts';
import type { AdsStream } from './ads-stream.ts';
import type { Clock } from './clock.ts';

/** Changes that one stream is followed through at once. One that does not answer for long is not worth more memory. */
const FOLLOWED = 64;

/** All that reached the streams in one moment. */
interface Change {
  readonly atMs: number;
  /** Streams that have not answered. */
  remaining: number;
  /** Streams that have. */
  answered: number;
}

export interface Convergence {
  /** Something of what this stream should hold has changed. */
  changed(stream: AdsStream): void;
  /** The stream did something; `isAnswer`: because its client said something. */
  progressed(stream: AdsStream, isAnswer: boolean): void;
  closed(stream: AdsStream): void;
}

/**
 * Measures how long changes take to be answered, from the moment in which what proxies should hold has changed: by each
 * proxy that a change concerns, and by the last of them. In seconds.
 */
export function followConvergence(clock: Clock, eachProxy: Histogram, lastProxy: Histogram): Convergence {
  const followed = new WeakMap<AdsStream, { readonly mark: number; readonly change: Change }[]>();
  let current: Change | undefined;

  function leave(change: Change): void {
    change.remaining--;
    if (change.remaining === 0 && change.answered > 0) lastProxy.observe((clock.nowMs() - change.atMs) / 1000);
  }

  return {
    changed(stream) {
      if (current === undefined) {
        current = { atMs: clock.nowMs(), remaining: 0, answered: 0 };
        queueMicrotask(() => {
          current = undefined;
        });
      }
      const change = current;
      const entries = followed.get(stream) ?? [];
      followed.set(stream, entries);
      if (entries.length === FOLLOWED || entries.at(-1)?.change === change) return;
      entries.push({ mark: stream.sequence, change });
      change.remaining++;
    },
    progressed(stream, isAnswer) {
      const entries = followed.get(stream) ?? [];
      for (let first = entries[0]; first !== undefined && stream.hasAnswered(first.mark); first = entries[0]) {
        entries.shift();
        // Otherwise the client had not asked for what changed.
        if (isAnswer) {
          first.change.answered++;
          eachProxy.observe((clock.nowMs() - first.change.atMs) / 1000);
        }
        leave(first.change);
      }
    },
    closed(stream) {
      for (const { change } of followed.get(stream) ?? []) leave(change);
      followed.delete(stream);
    },
  };
}
