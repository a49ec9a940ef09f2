import type { Clock } from './clock.ts';

/** How long streams are worked on at a time before what came over the sockets is looked at, in milliseconds. */
const SLICE_MS = 5;
/** Connects and closes that are one change to the mesh at most. */
const BATCH = 32;

export interface Turns {
  /**
   * Runs `take` soon, in the order in which it was asked for. What one change wants from a thousand streams is done in
   * slices: gRPC sends nothing and hears of nothing before a slice has ended.
   */
  ask(take: () => void): void;
  /** Runs `connect` soon, together with others that came at the same time, as one change to the mesh. */
  connect(connect: () => void): void;
  /** The same, behind the connects: a proxy that comes back before its old stream ends was never away. */
  close(close: () => void): void;
  /** How many have asked and have not had their turn. */
  readonly waiting: number;
  /** Does everything now. */
  flush(): void;
}

export interface TurnsOptions {
  readonly clock: Clock;
  /** Runs `change` so that all it does becomes one change to the mesh. */
  readonly together: (change: () => void) => void;
  /** Hears how long each slice took, in milliseconds. */
  readonly onSlice?: (ms: number) => void;
}

export function createTurns({ clock, together, onSlice }: TurnsOptions): Turns {
  const asked = createQueue();
  const connects = createQueue();
  const closes = createQueue();
  let isPlanned = false;

  function waiting(): number {
    return asked.size + connects.size + closes.size;
  }

  /** Those that wait for a change come first: they are served already and it takes less. */
  function slice(): void {
    isPlanned = false;
    const startMs = clock.nowMs();
    const endMs = startMs + SLICE_MS;
    do asked.next()?.();
    while (asked.size > 0 && clock.nowMs() < endMs);
    if (asked.size === 0 && connects.size + closes.size > 0) batch();
    onSlice?.(clock.nowMs() - startMs);
    plan();
  }

  function batch(): void {
    together(() => {
      for (let count = 0; count < BATCH; count++) (connects.next() ?? closes.next())?.();
    });
  }

  function plan(): void {
    if (isPlanned || waiting() === 0) return;
    isPlanned = true;
    setImmediate(slice);
  }

  return {
    get waiting() {
      return waiting();
    },
    ask(take) {
      asked.add(take);
      if (isPlanned) return;
      isPlanned = true;
      // As soon as the change is made, when all who are concerned have asked.
      queueMicrotask(slice);
    },
    connect(connect) {
      connects.add(connect);
      plan();
    },
    close(close) {
      closes.add(close);
      plan();
    },
    flush() {
      while (waiting() > 0) {
        asked.next()?.();
        if (asked.size === 0) batch();
      }
    },
  };
}

/** First come, first served. Taking from it costs the same however long it is. */
function createQueue() {
  let items: (() => void)[] = [];
  let at = 0;
  return {
    get size() {
      return items.length - at;
    },
    add(item: () => void) {
      items.push(item);
    },
    next(): (() => void) | undefined {
      if (at === items.length) return undefined;
      const item = items[at];
      at++;
      if (at === items.length) {
        items = [];
        at = 0;
      }
      return item;
    },
  };
}
