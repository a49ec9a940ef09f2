import { type ChildProcess, fork } from 'node:child_process';
import { closeSync } from 'node:fs';
import type { Diagnostic } from '@lateen/api/diagnostic.ts';
import { LateenError, messageOf } from '@lateen/api/lateen-error.ts';
import type {
  BootstrapPatch,
  DiagnosticsMessage,
  InstanceReport,
  ManifestsMessage,
  ProxyState,
  StartMessage,
  ToControlPlane,
  ToSupervisor,
} from '#pilot/registry/processes/link.ts';
import { BackOff, infrastructureBackOff } from './back-off.ts';
import { lastLinesOfRun, openLog, writeMarker } from './logs.ts';
import { describeExit, type ProcessTable, signalGroup } from './process-table.ts';

export type ControlPlaneState =
  | { readonly kind: 'starting'; readonly pid: number | null }
  | { readonly kind: 'running'; readonly pid: number; readonly admin: string }
  | { readonly kind: 'back-off'; readonly delayMs: number; readonly message: string }
  /** It said that it cannot go on. Not tried again. */
  | { readonly kind: 'failed'; readonly error: LateenError }
  | { readonly kind: 'stopped' };

export interface ControlPlaneOptions {
  /** The module to fork. */
  readonly module: string;
  readonly start: Omit<StartMessage, 'type'>;
  readonly logPath: string;
  /** Default: the environment of this process. */
  readonly env?: NodeJS.ProcessEnv;
  readonly table: ProcessTable;
  readonly onState: (state: ControlPlaneState) => void;
  readonly onBootstrapPatches: (patches: readonly BootstrapPatch[]) => void;
  readonly onManifests: (message: ManifestsMessage) => void;
  readonly onProxies: (proxies: Readonly<Record<string, ProxyState>>) => void;
  readonly onDiagnostics: (message: DiagnosticsMessage) => void;
  /** The proxies have caught up with some report. */
  readonly onSettled: () => void;
  readonly onNotice: (text: string) => void;
}

/** A small young generation: some 30 MB less memory, at no cost that could be measured. */
const EXEC_ARGV = ['--max-semi-space-size=4'];

/**
 * The control plane's process: started, watched, and started again at once when it ends. What was said to an earlier
 * process is said again to the next one, since every message holds a whole state.
 */
export class ControlPlane {
  readonly #options: ControlPlaneOptions;
  readonly #backOff = new BackOff(infrastructureBackOff);
  #state: ControlPlaneState = { kind: 'starting', pid: null };
  #child: ChildProcess | undefined;
  #timer: NodeJS.Timeout | undefined;
  #reports: readonly InstanceReport[] = [];
  #problems: readonly Diagnostic[] = [];
  #seq = 0;
  #settledSeq = 0;
  readonly #waiting = new Set<{ readonly seq: number; readonly done: () => void }>();

  constructor(options: ControlPlaneOptions) {
    this.#options = options;
  }

  get state(): ControlPlaneState {
    return this.#state;
  }

  start(): void {
    const { module, logPath, table, start } = this.#options;
    let log: number;
    try {
      log = openLog(logPath);
    } catch (error) {
      this.#retry(0, messageOf(error));
      return;
    }
    writeMarker(log, 'control plane starts');
    // A process group of its own: Ctrl-C in the terminal must reach the supervisor only, which then stops in order.
    const child = fork(module, [], {
      serialization: 'json',
      detached: true,
      execArgv: [...EXEC_ARGV],
      env: this.#options.env ?? process.env,
      stdio: ['ignore', log, log, 'ipc'],
    });
    closeSync(log);
    this.#child = child;
    const { pid } = child;
    const startedAt = performance.now();
    if (pid !== undefined) table.add(pid, 'control-plane', 'control-plane');
    child.on('message', (message) => this.#received(child, message as ToSupervisor));
    child.once('exit', (code, signal) => this.#ended(child, performance.now() - startedAt, code, signal));
    child.on('error', (error) => {
      if (child.pid === undefined) this.#ended(child, 0, null, null, error.message);
    });
    // Without the channel it cannot be reached any more, so it is replaced.
    child.once('disconnect', () => {
      if (this.#child === child && pid !== undefined && this.#state.kind !== 'stopped') signalGroup(pid, 'SIGKILL');
    });
    this.#become({ kind: 'starting', pid: pid ?? null });
    this.#send({ type: 'start', ...start });
    this.#sendInstances();
  }

  /** Says which instances there are now. Gives the number to wait for with `settled`. */
  report(reports: readonly InstanceReport[]): number {
    this.#reports = reports;
    this.#sendInstances();
    return this.#seq;
  }

  /** Says what is wrong with what runs. */
  reportProblems(diagnostics: readonly Diagnostic[]): void {
    this.#problems = diagnostics;
    this.#send({ type: 'problems', diagnostics });
  }

  /** Whether all proxies have acknowledged a configuration that knows of the report `seq`. */
  isSettled(seq: number): boolean {
    return seq <= this.#settledSeq;
  }

  /**
   * Resolves when all proxies have acknowledged a configuration that knows of the report `seq`, or after `timeoutMs`:
   * without a control plane nothing can be withdrawn, and waiting for ever helps nobody.
   */
  settled(seq: number, timeoutMs: number): Promise<void> {
    if (this.isSettled(seq) || this.#state.kind === 'failed' || this.#state.kind === 'stopped') {
      return Promise.resolve();
    }
    return new Promise((resolve) => {
      const entry = {
        seq,
        done: () => {
          clearTimeout(timer);
          this.#waiting.delete(entry);
          resolve();
        },
      };
      const timer = setTimeout(entry.done, timeoutMs);
      this.#waiting.add(entry);
    });
  }

  /** Asks it to stop, then insists: SIGTERM after half of `graceMs`, SIGKILL at its end. */
  async stop(graceMs: number): Promise<void> {
    clearTimeout(this.#timer);
    const child = this.#child;
    this.#send({ type: 'stop' });
    this.#become({ kind: 'stopped' });
    this.#releaseAll();
    if (child?.pid === undefined) return;
    const { pid } = child;
    if (child.exitCode !== null || child.signalCode !== null) return;
    await new Promise<void>((resolve) => {
      const term = setTimeout(() => signalGroup(pid, 'SIGTERM'), graceMs / 2);
      const kill = setTimeout(() => signalGroup(pid, 'SIGKILL'), graceMs);
      child.once('exit', () => {
        clearTimeout(term);
        clearTimeout(kill);
        resolve();
      });
    });
  }

  /** Without waiting, and for good. */
  kill(): void {
    clearTimeout(this.#timer);
    const pid = this.#child?.pid;
    this.#become({ kind: 'stopped' });
    this.#releaseAll();
    if (pid !== undefined) signalGroup(pid, 'SIGKILL');
  }

  #received(child: ChildProcess, message: ToSupervisor): void {
    if (this.#child !== child || this.#state.kind === 'stopped') return;
    switch (message.type) {
      case 'ready':
        if (child.pid !== undefined) this.#become({ kind: 'running', pid: child.pid, admin: message.admin });
        this.#send({ type: 'problems', diagnostics: this.#problems });
        return;
      case 'bootstrap-patches':
        this.#options.onBootstrapPatches(message.patches);
        return;
      case 'manifests':
        this.#options.onManifests(message);
        return;
      case 'proxies':
        this.#options.onProxies(message.proxies);
        return;
      case 'diagnostics':
        this.#options.onDiagnostics(message);
        return;
      case 'notice':
        this.#options.onNotice(message.text);
        return;
      case 'settled':
        this.#settledSeq = Math.max(this.#settledSeq, message.seq);
        for (const entry of [...this.#waiting]) if (entry.seq <= message.seq) entry.done();
        this.#options.onSettled();
        return;
      case 'fatal':
        this.#become({ kind: 'failed', error: new LateenError(message.code, message.message, message.remedy) });
        this.#releaseAll();
        return;
    }
  }

  #ended(
    child: ChildProcess,
    ranMs: number,
    code: number | null,
    signal: NodeJS.Signals | null,
    problem?: string,
  ): void {
    if (child.pid !== undefined) {
      signalGroup(child.pid, 'SIGKILL');
      this.#options.table.remove(child.pid);
    }
    if (this.#child !== child) return;
    this.#child = undefined;
    if (this.#state.kind === 'stopped' || this.#state.kind === 'failed') return;
    this.#options.onProxies({});
    const how = problem === undefined ? describeExit({ code, signal }) : `cannot be started: ${problem}`;
    const said = lastLinesOfRun(this.#options.logPath, 3);
    this.#retry(ranMs, [`The control plane ${how}.`, ...said].join('\n'));
  }

  #retry(ranMs: number, message: string): void {
    const delayMs = this.#backOff.failed(ranMs);
    this.#become({ kind: 'back-off', delayMs, message });
    this.#timer = setTimeout(() => this.start(), delayMs);
  }

  #sendInstances(): void {
    this.#seq += 1;
    this.#send({ type: 'instances', seq: this.#seq, reports: this.#reports });
  }

  #send(message: ToControlPlane): void {
    const child = this.#child;
    if (child?.connected !== true) return;
    // A failed write means that it is about to exit; the next process is told everything.
    child.send(message, () => {});
  }

  #become(state: ControlPlaneState): void {
    this.#state = state;
    this.#options.onState(state);
  }

  #releaseAll(): void {
    for (const entry of [...this.#waiting]) entry.done();
  }
}
