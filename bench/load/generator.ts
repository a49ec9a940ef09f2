import { Connection, type Target } from './connection.ts';

export interface LoadOptions {
  readonly connections: number;
  readonly durationMs: number;
}

export interface LoadResult {
  readonly requests: number;
  readonly durationMs: number;
  /** Of each request, in milliseconds. */
  readonly latencies: readonly number[];
}

/** Calls as fast as the connections allow: each has one request on its way at any time. Throws when one fails. */
export function saturate(target: Target, { connections, durationMs }: LoadOptions): Promise<LoadResult> {
  return withConnections(target, connections, (pool, send, finish) => {
    const latencies: number[] = [];
    const startedAt = performance.now();
    let open = pool.length;
    const next = (connection: Connection): void => {
      const sentAt = performance.now();
      send(connection, () => {
        const now = performance.now();
        latencies.push(now - sentAt);
        if (now - startedAt < durationMs) next(connection);
        else if (--open === 0) finish({ requests: latencies.length, durationMs: now - startedAt, latencies });
      });
    };
    for (const connection of pool) next(connection);
  });
}

/**
 * Calls at a steady rate, whether earlier calls were answered or not. A request that is due while all connections are
 * busy waits, and its time counts from when it was due: a server that stops for a moment is not spared the requests
 * that would have come meanwhile. What the generator's own timer is late by (about 1 ms) does not count. Throws when a
 * request fails.
 */
export async function callAtRate(
  target: Target,
  { connections, durationMs, ratePerSecond }: LoadOptions & { readonly ratePerSecond: number },
): Promise<LoadResult> {
  let timer: NodeJS.Timeout | undefined;
  try {
    return await withConnections(target, connections, (pool, send, finish) => {
      const total = Math.floor((durationMs / 1000) * ratePerSecond);
      const latencies: number[] = [];
      const idle = [...pool];
      const due: number[] = [];
      const startedAt = performance.now();
      let started = 0;
      const sendDue = (connection: Connection, dueAt: number): void => {
        send(connection, () => {
          const now = performance.now();
          latencies.push(now - dueAt);
          if (latencies.length === total) {
            finish({ requests: total, durationMs: now - startedAt, latencies });
            return;
          }
          const waiting = due.shift();
          if (waiting === undefined) idle.push(connection);
          else sendDue(connection, waiting);
        });
      };
      timer = setInterval(() => {
        const now = performance.now();
        const wanted = Math.min(total, Math.floor(((now - startedAt) / 1000) * ratePerSecond));
        for (; started < wanted; started++) {
          const connection = idle.pop();
          if (connection === undefined) due.push(now);
          else sendDue(connection, now);
        }
      }, 1);
    });
  } finally {
    // Also after a failure: a timer that still runs would keep the process from ending.
    clearInterval(timer);
  }
}

/** Sends a request. `answered` is called when the answer has status 200; anything else ends the whole run. */
type Send = (connection: Connection, answered: () => void) => void;

async function withConnections(
  target: Target,
  count: number,
  run: (pool: readonly Connection[], send: Send, finish: (result: LoadResult) => void) => void,
): Promise<LoadResult> {
  const pool = await Promise.all(Array.from({ length: count }, () => Connection.open(target)));
  try {
    return await new Promise((resolve, reject) => {
      const send: Send = (connection, answered) => {
        connection.send((answer) => {
          if (answer instanceof Error) reject(answer);
          else if (answer.status !== 200) reject(new Error(`status ${answer.status}: ${answer.body}`));
          else answered();
        });
      };
      run(pool, send, resolve);
    });
  } finally {
    for (const connection of pool) connection.close();
  }
}
