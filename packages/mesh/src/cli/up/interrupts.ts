export interface InterruptHandlers {
  /** SIGINT, SIGTERM or SIGHUP, the first time. */
  readonly first: () => void;
  /** SIGINT once more: the user does not want to wait. */
  readonly again: () => void;
}

/** A terminal sends Ctrl-C to every process of its group, and npm passes it on too: so soon after, it is the same one. */
const SAME_INTERRUPT_MS = 250;

/** From now on signals do not end this process. */
export function onInterrupts({ first, again }: InterruptHandlers): void {
  let interruptedAtMs: number | undefined;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      const now = performance.now();
      if (interruptedAtMs === undefined) {
        interruptedAtMs = now;
        first();
      } else if (signal === 'SIGINT' && now - interruptedAtMs > SAME_INTERRUPT_MS) {
        again();
      }
    });
  }
}

const PARENT_CHECK_MS = 500;

/**
 * Calls `gone` when the process that started this one has ended. npm, when it is ended by a signal, does not pass that
 * on to what it runs, so nobody would stop the mesh of `npm start`.
 */
export function onParentGone(gone: () => void): void {
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    gone();
  }, PARENT_CHECK_MS);
  timer.unref();
}
