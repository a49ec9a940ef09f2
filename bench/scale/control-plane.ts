import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import type { NetConnectOpts } from 'node:net';
import { createInterface } from 'node:readline';
import { LATEEN } from '../../packages/mesh/test/e2e/mesh.ts';
import { cpuMsOf } from '../harness/process-usage.ts';
import { Profiler } from './profiler.ts';

const START_TIMEOUT_MS = 120_000;
const STOP_TIMEOUT_MS = 10_000;
/** Of what it writes, for when it fails. */
const LINES_KEPT = 20;

export interface ControlPlaneOptions {
  /** The folder with configuration. */
  readonly dir: string;
  /** What a proxy holds of the mesh. Default: `off`, all of it. */
  readonly scoping?: 'on-demand' | 'declared' | 'off';
  /** Lets `profiler` connect. */
  readonly isProfiled?: boolean;
  /** Writes a profile of everything from its start to its end. */
  readonly startProfile?: { readonly dir: string; readonly file: string };
}

/** A `lateen pilot` of its own, without TLS on a free port. */
export class ControlPlane {
  /** From the start of the process until proxies can connect. */
  readonly readyMs: number;
  readonly to: NetConnectOpts;
  readonly profiler: Profiler | undefined;
  readonly #child: ChildProcess;
  readonly #lines: string[];

  private constructor(
    child: ChildProcess,
    readyMs: number,
    to: NetConnectOpts,
    lines: string[],
    profiler: Profiler | undefined,
  ) {
    this.#child = child;
    this.readyMs = readyMs;
    this.to = to;
    this.#lines = lines;
    this.profiler = profiler;
  }

  static async start({
    dir,
    scoping = 'off',
    isProfiled = false,
    startProfile,
  }: ControlPlaneOptions): Promise<ControlPlane> {
    const startedAt = performance.now();
    const child = spawn(
      process.execPath,
      [
        ...(isProfiled ? ['--inspect=127.0.0.1:0'] : []),
        ...(startProfile === undefined
          ? []
          : ['--cpu-prof', `--cpu-prof-dir=${startProfile.dir}`, `--cpu-prof-name=${startProfile.file}`]),
        ...[LATEEN, 'pilot', '--config', dir, '--xds-address', '127.0.0.1:0', '--plaintext', '--scoping', scoping],
      ],
      { stdio: ['ignore', 'pipe', 'pipe'] },
    );
    const lines: string[] = [];
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    const timer = setTimeout(() => reject(new Error(`not ready after ${START_TIMEOUT_MS} ms`)), START_TIMEOUT_MS);
    let inspector: string | undefined;
    const take = (line: string) => {
      lines.push(line);
      if (lines.length > LINES_KEPT) lines.shift();
      inspector ??= /^Debugger listening on (ws:\S+)/.exec(line)?.[1];
      const port = /^Serving xDS on \S+:(\d+) /.exec(line)?.[1];
      if (port !== undefined) resolve(Number(port));
    };
    createInterface({ input: child.stdout }).on('line', take);
    createInterface({ input: child.stderr }).on('line', take);
    child.once('exit', (code) => reject(new Error(`lateen pilot ended with code ${code}:\n${lines.join('\n')}`)));
    child.once('error', reject);
    try {
      const port = await promise;
      const readyMs = performance.now() - startedAt;
      const profiler = inspector === undefined ? undefined : await Profiler.connect(inspector);
      return new ControlPlane(child, readyMs, { host: '127.0.0.1', port }, lines, profiler);
    } catch (error) {
      child.kill('SIGKILL');
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  /** All threads, so far. */
  cpuMs(): number {
    return preciseCpuMsOf(this.#pid) ?? cpuMsOf(this.#pid) ?? Number.NaN;
  }

  memory(): { readonly rssMiB: number; readonly peakRssMiB: number } {
    const status = readFileSync(`/proc/${this.#pid}/status`, 'utf8');
    const mib = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]) / 1024;
    return { rssMiB: mib('VmRSS'), peakRssMiB: mib('VmHWM') };
  }

  get #pid(): number {
    return this.#child.pid as number;
  }

  /** The last lines that it has written. */
  get lastLines(): string {
    return this.#lines.join('\n');
  }

  async stop(): Promise<void> {
    this.profiler?.close();
    const child = this.#child;
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
    await ended;
    clearTimeout(timer);
  }
}

/** From the scheduler, to the nanosecond; undefined where it does not tell. Threads that have ended are left out. */
function preciseCpuMsOf(pid: number): number | undefined {
  try {
    let nanoseconds = 0;
    for (const task of readdirSync(`/proc/${pid}/task`)) {
      nanoseconds += Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'utf8').split(' ')[0]);
    }
    return nanoseconds > 0 ? nanoseconds / 1e6 : undefined;
  } catch {
    return undefined;
  }
}
