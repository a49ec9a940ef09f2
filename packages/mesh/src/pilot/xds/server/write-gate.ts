import type { Clock } from './clock.ts';

/**
 * Lets only so many large writes be under way at once in this process. gRPC copies each message and the copy lives
 * until the socket has taken it, so a change that reaches a thousand proxies would otherwise cost a thousand copies.
 */
export interface WriteGate {
  /** Calls `start` as soon as there is room. It calls `done` when its write is finished. */
  enter(start: (done: () => void) => void): void;
  /** How many wait for room. */
  readonly waiting: number;
}

export interface WriteGateOptions {
  /** Large writes at once. */
  readonly limit: number;
  /** How long one write can keep its place: a client that does not read must not hold up the others. */
  readonly leaseMs: number;
  readonly clock: Clock;
}

export function createWriteGate({ limit, leaseMs, clock }: WriteGateOptions): WriteGate {
  let active = 0;
  let isDraining = false;
  const queue: ((done: () => void) => void)[] = [];

  function run(start: (done: () => void) => void): void {
    active++;
    let isDone = false;
    const done = () => {
      if (isDone) return;
      isDone = true;
      cancel();
      active--;
      drain();
    };
    const cancel = clock.setTimer(leaseMs, done);
    start(done);
  }

  /** A loop, not a recursion: thousands of streams may have closed while they waited. */
  function drain(): void {
    if (isDraining) return;
    isDraining = true;
    try {
      for (let next = take(); next !== undefined; next = take()) run(next);
    } finally {
      isDraining = false;
    }
  }

  function take(): ((done: () => void) => void) | undefined {
    return active < limit ? queue.shift() : undefined;
  }

  return {
    get waiting() {
      return queue.length;
    },
    enter(start) {
      queue.push(start);
      drain();
    },
  };
}
