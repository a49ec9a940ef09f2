import { setTimeout as delay } from 'node:timers/promises';
import { describeAction, type ProbeAction, type ProbeFailure, probeOnce } from './probe-action.ts';

/** A probe of a manifest with its defaults filled in. */
export interface Probe {
  readonly action: ProbeAction;
  readonly initialDelayMs: number;
  readonly periodMs: number;
  readonly timeoutMs: number;
  readonly successThreshold: number;
  readonly failureThreshold: number;
}

/** How one counts results: a state changes only after as many results in a row as the thresholds say. */
export interface Verdict {
  readonly passing: boolean;
  /** Results in a row that contradict `passing`. */
  readonly streak: number;
}

export function judge(
  verdict: Verdict,
  success: boolean,
  thresholds: { readonly successThreshold: number; readonly failureThreshold: number },
): Verdict {
  if (success === verdict.passing) return { passing: verdict.passing, streak: 0 };
  const streak = verdict.streak + 1;
  const needed = success ? thresholds.successThreshold : thresholds.failureThreshold;
  return streak >= needed ? { passing: success, streak: 0 } : { passing: verdict.passing, streak };
}

export interface ProbeLoopOptions {
  /** Where it stands before the first result: false for readiness, true for liveness. */
  readonly initially: boolean;
  /**
   * Until it passes for the first time, try every 50 ms, then ever more slowly up to 250 ms, in place of
   * `periodSeconds`: a mesh on a laptop should be ready as soon as its applications are.
   */
  readonly eager: boolean;
  readonly signal: AbortSignal;
  /** Told whenever the verdict changes. `failure` is the last one, with what was tried. */
  readonly onChange: (passing: boolean, failure: ProbeFailure) => void;
  /** Told of every failed try, also where the verdict stays. */
  readonly onFailure?: (failure: string) => void;
}

const EAGER_FIRST_MS = 50;
const EAGER_MAX_MS = 250;
const EAGER_GROWTH = 1.25;

/** Probes until the signal aborts. */
export async function runProbeLoop(probe: Probe, options: ProbeLoopOptions): Promise<void> {
  const { signal } = options;
  let verdict: Verdict = { passing: options.initially, streak: 0 };
  let eager = options.eager;
  let eagerMs = EAGER_FIRST_MS;
  if (!(await pause(probe.initialDelayMs, signal))) return;
  for (;;) {
    const failure = await probeOnce(probe.action, probe.timeoutMs, signal);
    if (signal.aborted) return;
    const described = failure === undefined ? undefined : `${describeAction(probe.action)}: ${failure}`;
    if (described !== undefined) options.onFailure?.(described);
    const next = judge(verdict, failure === undefined, probe);
    const changed = next.passing !== verdict.passing;
    verdict = next;
    if (verdict.passing) eager = false;
    if (changed) options.onChange(verdict.passing, described);
    if (!(await pause(eager ? eagerMs : probe.periodMs, signal))) return;
    eagerMs = Math.min(EAGER_MAX_MS, eagerMs * EAGER_GROWTH);
  }
}

/** False if the signal came first. */
export async function pause(ms: number, signal: AbortSignal): Promise<boolean> {
  if (ms > 0) {
    try {
      await delay(ms, undefined, { signal });
    } catch {
      return false;
    }
  }
  return !signal.aborted;
}
