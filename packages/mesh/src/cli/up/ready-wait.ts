import { LateenError } from '@lateen/api/lateen-error.ts';
import type { SupervisorEvent } from '#local/events.ts';

export type Outcome =
  | { readonly kind: 'ready' }
  | { readonly kind: 'late' }
  | { readonly kind: 'failed'; readonly error: unknown }
  | { readonly kind: 'interrupted' };

export interface ReadyWait {
  readonly outcome: Promise<Outcome>;
  handle(event: SupervisorEvent): void;
  fail(error: unknown): void;
  interrupt(): void;
}

/** Waits until the mesh is ready, cannot go on, takes too long, or the user has had enough. The first one counts. */
export function waitForReady(timeoutMs: number): ReadyWait {
  const { promise, resolve } = Promise.withResolvers<Outcome>();
  const timer = setTimeout(() => resolve({ kind: 'late' }), timeoutMs);
  const settle = (outcome: Outcome) => {
    clearTimeout(timer);
    resolve(outcome);
  };
  return {
    outcome: promise,
    handle: (event) => {
      if (event.type === 'ready') settle({ kind: 'ready' });
      if (event.type === 'fatal') settle({ kind: 'failed', error: event.error });
    },
    fail: (error) => settle({ kind: 'failed', error }),
    interrupt: () => settle({ kind: 'interrupted' }),
  };
}

export function notReadyInTime(mesh: string, timeoutMs: number): LateenError {
  return new LateenError(
    'LAT0511',
    `The mesh ${mesh} was not ready within ${timeoutMs / 1000} s. It goes on starting.`,
    `Look again with lateen status --mesh ${mesh}, stop it with lateen down --mesh ${mesh}, or wait longer with --timeout.`,
  );
}
