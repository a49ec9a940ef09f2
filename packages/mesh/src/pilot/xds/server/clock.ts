/** Time, to be replaced in tests. */
export interface Clock {
  /** Milliseconds since the epoch, never going backwards. */
  nowMs(): number;
  /** Calls `run` once after `delayMs`; the result cancels it. */
  setTimer(delayMs: number, run: () => void): () => void;
}

export const systemClock: Clock = {
  nowMs: () => performance.timeOrigin + performance.now(),
  setTimer(delayMs, run) {
    const timer = setTimeout(run, delayMs);
    timer.unref();
    return () => clearTimeout(timer);
  },
};
