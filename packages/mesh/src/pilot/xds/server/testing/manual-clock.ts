import type { Clock } from '../clock.ts';

/** Time that passes only when told to. */
export function manualClock(): Clock & { elapse(ms: number): void; timers(): number } {
  let nowMs = 0;
  const timers = new Map<object, { atMs: number; run: () => void }>();
  return {
    nowMs: () => nowMs,
    setTimer(delayMs, run) {
      const key = {};
      timers.set(key, { atMs: nowMs + delayMs, run });
      return () => timers.delete(key);
    },
    timers: () => timers.size,
    elapse(ms) {
      nowMs += ms;
      for (const [key, { atMs, run }] of timers) {
        if (atMs > nowMs) continue;
        timers.delete(key);
        run();
      }
    },
  };
}
