export interface BackOffOptions {
  /** The first delay, in milliseconds; it doubles with each failure in a row. */
  readonly firstMs: number;
  readonly maxMs: number;
  /** What ran at least this long had started well: the next failure counts as the first again. */
  readonly resetAfterMs: number;
  /** Failures in a row that are answered without any delay. Default 0. */
  readonly free?: number;
}

/** Applications: Kubernetes starts at 10 s; on a laptop somebody is waiting. */
export const containerBackOff: BackOffOptions = { firstMs: 100, maxMs: 30_000, resetAfterMs: 30_000 };

/** Proxies and the control plane come back at once, and slow down only if that does not help. */
export const infrastructureBackOff: BackOffOptions = { firstMs: 100, maxMs: 5000, resetAfterMs: 10_000, free: 1 };

export class BackOff {
  readonly #options: BackOffOptions;
  #failures = 0;

  constructor(options: BackOffOptions) {
    this.#options = options;
  }

  /** Counts a failure after `ranMs` of running, and gives the time to wait before the next start. */
  failed(ranMs: number): number {
    const { firstMs, maxMs, resetAfterMs, free = 0 } = this.#options;
    if (ranMs >= resetAfterMs) this.#failures = 0;
    this.#failures += 1;
    const doublings = this.#failures - free - 1;
    if (doublings < 0) return 0;
    return Math.min(maxMs, firstMs * 2 ** Math.min(doublings, 30));
  }
}
