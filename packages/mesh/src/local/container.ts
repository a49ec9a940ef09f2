import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync } from 'node:fs';
import { errorCodeOf, isLateenError, messageOf } from '@lateen/api/lateen-error.ts';
import { BackOff, containerBackOff } from './back-off.ts';
import { lastLinesOfRun, openLog, writeMarker } from './logs.ts';

import { type Probe, pause, runProbeLoop } from './probe-loop.ts';
import { describeExit, type ProcessTable, signalGroup } from './process-table.ts';

/** What to run, with everything resolved. */
export interface ContainerPlan {
  /** An existing executable, absolute. */
  readonly file: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly readiness?: Probe;
  readonly liveness?: Probe;
}

/** Why a container does not run, or is not ready. Becomes a diagnostic. */
export interface ContainerProblem {
  readonly code:
    | 'LAT0310'
    | 'LAT0311'
    | 'LAT0312'
    | 'LAT0313'
    | 'LAT0314'
    | 'LAT0315'
    | 'LAT0302'
    | 'LAT0303'
    | 'LAT0320'
    | 'LAT0321'
    | 'LAT0322';
  readonly message: string;
  /** Field of the Deployment, where one is to blame. */
  readonly path?: string;
}

export type ContainerState =
  | { readonly kind: 'waiting' }
  | { readonly kind: 'starting'; readonly pid: number }
  | { readonly kind: 'ready'; readonly pid: number }
  | { readonly kind: 'unready'; readonly pid: number; readonly reason: string }
  | { readonly kind: 'back-off'; readonly delayMs: number; readonly reason: string }
  /** Not tried again: see `MENDED_BY_EDITS`. */
  | { readonly kind: 'failed'; readonly reason: string }
  | { readonly kind: 'stopping'; readonly pid: number }
  | { readonly kind: 'stopped' };

export interface ContainerOptions {
  /** For messages and the log: `reviews-v1-0`, or `reviews-v1-0, container app,`. */
  readonly title: string;
  readonly logPath: string;
  readonly table: ProcessTable;
  readonly graceMs: number;
  /** Asked before each start, since ports, ConfigMaps and files can have changed. */
  readonly plan: () => ContainerPlan | ContainerProblem;
  readonly onChange: () => void;
  /** Says why nobody gets through to an application that runs, as a sentence without its full stop. */
  readonly hint?: (pid: number) => Promise<string | undefined>;
  /** When, and then how often, an application that is not ready yet is asked for its hint. Default 5 s. */
  readonly hintAfterMs?: number;
  /** When one without a hint is told of as well. Default 30 s. */
  readonly slowAfterMs?: number;
}

const HINT_AFTER_MS = 5000;
const SLOW_AFTER_MS = 30_000;
/**
 * What no second try can change: the Deployment or one of its ConfigMaps has to be edited, and then a new replica takes
 * the place of this one. Commands and folders, on the other hand, can appear at any time.
 */
const MENDED_BY_EDITS: ReadonlySet<ContainerProblem['code']> = new Set(['LAT0310', 'LAT0314', 'LAT0315']);
const LOG_LINES_SHOWN = 5;

/** One container as a local process: started, probed, restarted with back-off, stopped with its whole process group. */
export class Container {
  readonly #options: ContainerOptions;
  readonly #backOff = new BackOff(containerBackOff);
  #state: ContainerState = { kind: 'waiting' };
  #problem: ContainerProblem | undefined;
  #restarts = 0;
  #hasRun = false;
  #probes = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #lastFailure: string | undefined;
  #exited: Promise<void> = Promise.resolve();

  constructor(options: ContainerOptions) {
    this.#options = options;
  }

  get state(): ContainerState {
    return this.#state;
  }

  get problem(): ContainerProblem | undefined {
    return this.#problem;
  }

  get restarts(): number {
    return this.#restarts;
  }

  get pid(): number | null {
    return 'pid' in this.#state ? this.#state.pid : null;
  }

  start(): void {
    if (this.#state.kind !== 'waiting' && this.#state.kind !== 'back-off') return;
    clearTimeout(this.#timer);
    const plan = this.#options.plan();
    if ('code' in plan) {
      this.#failed(0, plan);
      return;
    }
    const { title, logPath, table } = this.#options;
    let child: ChildProcess;
    let log: number | undefined;
    try {
      log = openLog(logPath);
      writeMarker(log, `${title} starts: ${[plan.file, ...plan.args].join(' ')}`);
      // A group of its own, so that the whole tree can be ended, and so that Ctrl-C does not reach it directly.
      child = spawn(plan.file, plan.args, {
        cwd: plan.cwd,
        env: plan.env,
        detached: true,
        stdio: ['ignore', log, log],
      });
    } catch (error) {
      this.#failed(0, startProblem(title, plan.file, error));
      return;
    } finally {
      if (log !== undefined) closeSync(log);
    }
    const { pid } = child;
    const startedAt = performance.now();
    if (pid === undefined) {
      child.once('error', (error) => this.#failed(0, startProblem(title, plan.file, error)));
      return;
    }
    table.add(pid, 'container', title);
    if (this.#hasRun) this.#restarts += 1;
    this.#hasRun = true;
    this.#exited = new Promise((resolve) => {
      child.once('exit', (code, signal) => {
        this.#ended(child, performance.now() - startedAt, code, signal);
        resolve();
      });
    });
    child.on('error', () => {});
    this.#become({ kind: 'starting', pid });
    this.#probe(plan, pid);
  }

  /** SIGTERM to the group, SIGKILL after the grace period. Resolves when the process is gone. */
  async stop(graceMs: number = this.#options.graceMs): Promise<void> {
    clearTimeout(this.#timer);
    this.#endProbes();
    this.#problem = undefined;
    const { pid } = this;
    if (pid === null) {
      this.#become({ kind: 'stopped' });
      return;
    }
    this.#become({ kind: 'stopping', pid });
    await this.#terminate(pid, graceMs);
    this.#become({ kind: 'stopped' });
  }

  /** Stops, and is then as if never started. For a replica that has to begin again with other ports. */
  async rewind(): Promise<void> {
    await this.stop();
    this.#become({ kind: 'waiting' });
  }

  /** Without waiting, and for good. */
  kill(): void {
    const { pid } = this;
    clearTimeout(this.#timer);
    this.#endProbes();
    this.#state = { kind: 'stopped' };
    if (pid !== null) signalGroup(pid, 'SIGKILL');
  }

  async #terminate(pid: number, graceMs: number): Promise<void> {
    signalGroup(pid, 'SIGTERM');
    const timer = setTimeout(() => signalGroup(pid, 'SIGKILL'), graceMs);
    await this.#exited;
    clearTimeout(timer);
  }

  #probe(plan: ContainerPlan, pid: number): void {
    this.#probes = new AbortController();
    const { signal } = this.#probes;
    this.#lastFailure = undefined;
    void this.#watchStart(plan, pid, signal);
    if (plan.readiness === undefined) this.#passed(pid);
    else {
      void runProbeLoop(plan.readiness, {
        initially: false,
        eager: true,
        signal,
        onChange: (passing, failure) => (passing ? this.#passed(pid) : this.#unready(pid, failure ?? 'not ready')),
        onFailure: (failure) => {
          this.#lastFailure = failure;
        },
      });
    }
    if (plan.liveness !== undefined) this.#watchLiveness(plan.liveness, pid, signal);
  }

  /** A probe whose failure ends the process. */
  #watchLiveness(probe: Probe, pid: number, signal: AbortSignal): void {
    void runProbeLoop(probe, {
      initially: true,
      eager: false,
      signal,
      onChange: (passing, failure) => {
        if (!passing) this.#killUnhealthy(pid, failure ?? 'failed');
      },
    });
  }

  #killUnhealthy(pid: number, failure: string): void {
    this.#problem = {
      code: 'LAT0322',
      message: `${this.#options.title}: the liveness probe failed (${failure}), so the process is restarted.`,
    };
    this.#endProbes();
    this.#become({ kind: 'stopping', pid });
    void this.#terminate(pid, this.#options.graceMs);
  }

  #passed(pid: number): void {
    this.#problem = undefined;
    this.#become({ kind: 'ready', pid });
  }

  #unready(pid: number, reason: string): void {
    this.#become({ kind: 'unready', pid, reason });
  }

  /** Until it is ready for the first time, tells what seems to be wrong, and no longer than that is so. */
  async #watchStart(plan: ContainerPlan, pid: number, signal: AbortSignal): Promise<void> {
    const { title, logPath, hint, hintAfterMs = HINT_AFTER_MS, slowAfterMs = SLOW_AFTER_MS } = this.#options;
    let waitedMs = 0;
    let waitMs = Math.min((plan.readiness?.initialDelayMs ?? 0) + hintAfterMs, slowAfterMs);
    while ((await pause(waitMs, signal)) && this.#state.kind === 'starting') {
      waitedMs += waitMs;
      const failure = this.#lastFailure ?? 'it was not probed yet: see initialDelaySeconds';
      const reason = (await hint?.(pid)) ?? (waitedMs >= slowAfterMs ? failure : undefined);
      if (signal.aborted || this.#state.kind !== 'starting') return;
      const before = this.#problem;
      if (reason !== undefined) {
        this.#problem = {
          code: 'LAT0320',
          message: `${title} runs but is not ready: ${reason}. Its log: ${logPath}`,
        };
      } else if (before?.code === 'LAT0320') {
        this.#problem = undefined;
      }
      if (this.#problem?.message !== before?.message) this.#options.onChange();
      waitMs = hintAfterMs;
    }
  }

  #ended(child: ChildProcess, ranMs: number, code: number | null, signal: NodeJS.Signals | null): void {
    if (child.pid !== undefined) {
      // A container ends with its first process; what that one left behind goes with it.
      signalGroup(child.pid, 'SIGKILL');
      this.#options.table.remove(child.pid);
    }
    this.#endProbes();
    const killedByProbe = this.#problem?.code === 'LAT0322' ? this.#problem : undefined;
    if (this.#state.kind === 'stopping' && killedByProbe === undefined) return;
    this.#failed(ranMs, killedByProbe ?? this.#exitProblem(describeExit({ code, signal }), ranMs));
  }

  #exitProblem(how: string, ranMs: number): ContainerProblem {
    const { title, logPath } = this.#options;
    const said = lastLinesOfRun(logPath, LOG_LINES_SHOWN);
    const after = ranMs < 10_000 ? `${(ranMs / 1000).toFixed(1)} s` : `${Math.round(ranMs / 1000)} s`;
    const log = said.length === 0 ? 'It printed nothing' : `Its last lines:\n${said.join('\n')}\n`;
    return { code: 'LAT0321', message: `${title} ${how} after ${after}. ${log} (log: ${logPath})` };
  }

  #failed(ranMs: number, problem: ContainerProblem): void {
    if (this.#state.kind === 'stopped') return;
    this.#problem = problem;
    const reason = firstSentence(problem.message);
    if (MENDED_BY_EDITS.has(problem.code)) {
      this.#become({ kind: 'failed', reason });
      return;
    }
    const delayMs = this.#backOff.failed(ranMs);
    this.#timer = setTimeout(() => this.start(), delayMs);
    this.#become({ kind: 'back-off', delayMs, reason });
  }

  #endProbes(): void {
    this.#probes.abort();
  }

  #become(state: ContainerState): void {
    this.#state = state;
    this.#options.onChange();
  }
}

function startProblem(title: string, file: string, error: unknown): ContainerProblem {
  if (isLateenError(error) && (error.code === 'LAT0302' || error.code === 'LAT0303')) {
    return { code: error.code, message: `${title} has no log. ${error.message}` };
  }
  // The file itself was looked for before.
  const reason =
    errorCodeOf(error) === 'ENOENT' ? 'the interpreter that its first line names was not found' : messageOf(error);
  return { code: 'LAT0312', message: `${title}: ${file} cannot be started: ${reason}.` };
}

/** What fits into a line of a table: the first line, without what only announces the next. */
function firstSentence(message: string): string {
  return (message.split('\n', 1)[0] ?? '').replace(/ Its last lines:$/, '');
}
