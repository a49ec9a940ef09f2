import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, type ClientRequest, request as httpRequest } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { MeshStatus, WorkloadStatus } from '@lateen/api/admin.ts';
import { INGRESS_GATEWAY } from '@lateen/api/gateway-workload.ts';
import { messageOf } from '@lateen/api/lateen-error.ts';

const ROOT = join(import.meta.dirname, '../../../..');
/** The command, as `node_modules/.bin/lateen` leads to it. */
export const LATEEN = join(ROOT, 'packages/mesh/bin/lateen.mjs');
const run = promisify(execFile);

export interface CommandResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A folder of manifests of its own and a state directory of its own: meshes of other tests are not seen. */
export class Sandbox {
  readonly home = mkdtempSync(join(tmpdir(), 'lt-'));
  readonly dir: string;

  /** With a copy of the sample, or with nothing in its folder. */
  constructor(sample: string | null = 'samples/bookinfo', name = 'bookinfo') {
    this.dir = join(this.home, name);
    if (sample === null) mkdirSync(this.dir);
    else cpSync(join(ROOT, sample), this.dir, { recursive: true });
  }

  get env(): NodeJS.ProcessEnv {
    const { LATEEN_MESH: _, ...env } = process.env;
    return { ...env, LATEEN_HOME: join(this.home, 'state'), NO_COLOR: '1' };
  }

  /** Runs a command to its end, whatever its exit code. */
  async lateen(...args: string[]): Promise<CommandResult> {
    return this.command([LATEEN, ...args]);
  }

  async command(args: readonly string[], input?: string): Promise<CommandResult> {
    const child = run(process.execPath, args, { env: this.env, cwd: this.home, timeout: 120_000, maxBuffer: 1 << 26 });
    if (input !== undefined) child.child.stdin?.end(input);
    try {
      const { stdout, stderr } = await child;
      return { code: 0, stdout, stderr };
    } catch (error) {
      const { code, stdout = '', stderr = '' } = error as { code?: unknown; stdout?: string; stderr?: string };
      if (typeof code !== 'number') throw error;
      return { code, stdout, stderr };
    }
  }

  /** Starts `lateen up` in the foreground. */
  foreground(...args: string[]): ChildProcess {
    return spawn(process.execPath, [LATEEN, 'up', ...args], {
      env: this.env,
      cwd: this.home,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  }

  async up(...args: string[]): Promise<MeshStatus> {
    const result = await this.lateen('up', this.dir, '--detach', '-o', 'json', ...args);
    if (result.code !== 0) throw new Error(`lateen up failed with code ${result.code}:\n${result.stderr}`);
    return JSON.parse(result.stdout) as MeshStatus;
  }

  async status(): Promise<MeshStatus> {
    const { code, stdout, stderr } = await this.lateen('status', '-o', 'json');
    if (code !== 0) throw new Error(`lateen status failed with code ${code}:\n${stderr}`);
    return JSON.parse(stdout) as MeshStatus;
  }

  write(file: string, text: string): void {
    writeFileSync(join(this.dir, file), text);
  }

  read(file: string): string {
    return readFileSync(join(this.dir, file), 'utf8');
  }

  /** Stops the mesh and removes every trace of it. */
  async close(): Promise<void> {
    await this.lateen('down');
    rmSync(this.home, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
  }
}

/** Polls until `check` gives something other than undefined or false, without a throw. */
export async function eventually<T>(
  what: string,
  check: () => T | Promise<T>,
  timeoutMs = 20_000,
): Promise<Exclude<T, undefined | false>> {
  const end = performance.now() + timeoutMs;
  let last: unknown;
  while (performance.now() < end) {
    try {
      const value = await check();
      if (value !== undefined && value !== false) return value as Exclude<T, undefined | false>;
      last = value;
    } catch (error) {
      last = error;
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`${what}: not so after ${timeoutMs} ms; last seen: ${messageOf(last)}`);
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

const agent = new Agent({ keepAlive: true, maxSockets: 8 });

export function fetchText(
  url: string,
  headers: Record<string, string> = {},
  method = 'GET',
  body = '',
): Promise<Answer> {
  return answerTo(httpRequest(url, { agent, headers, method }), body);
}

/** A call by a workload's own sidecar, as its application would make it through `HTTP_PROXY`. */
export function callThrough(from: WorkloadStatus, url: string, headers: Record<string, string> = {}): Promise<Answer> {
  const proxy = new URL(from.outboundProxy);
  const { host } = new URL(url);
  return answerTo(
    httpRequest({ agent, host: proxy.hostname, port: proxy.port, path: url, headers: { ...headers, host } }),
  );
}

function answerTo(request: ClientRequest, body = ''): Promise<Answer> {
  return new Promise((resolve, reject) => {
    request.on('response', (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text }));
      response.on('error', reject);
    });
    request.on('error', reject);
    request.end(body);
  });
}

/** Replicas of a Deployment. */
export function replicas(status: MeshStatus, workload: string): readonly WorkloadStatus[] {
  return status.workloads.filter((each) => each.workload === workload);
}

export function replica(status: MeshStatus, workload: string): WorkloadStatus {
  const [first] = replicas(status, workload);
  if (first === undefined) throw new Error(`no workload ${workload}`);
  return first;
}

export function gatewayUrl(status: MeshStatus): string {
  const ingress = status.gateways.find(({ name }) => name === INGRESS_GATEWAY.name);
  if (ingress === undefined) throw new Error('no ingress gateway');
  return ingress.url;
}

/** Every process of the mesh that status knows. */
export function processIds(status: MeshStatus): number[] {
  return [
    status.control.pid,
    status.supervisor.pid,
    ...status.gateways.map(({ pid }) => pid),
    ...status.workloads.flatMap(({ containers, envoyPid }) => [...containers.map(({ pid }) => pid), envoyPid]),
  ].filter((pid) => pid !== null);
}

export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  // A zombie has ended; only its parent has not asked yet.
  try {
    return !/^\d+ \(.*\) Z/s.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return true;
  }
}

/** Which version of reviews made a page. */
export function reviewsVersion(page: string): 'v1' | 'v2' | 'v3' | undefined {
  return /reviews-(v[123])-/.exec(page)?.[1] as 'v1' | 'v2' | 'v3' | undefined;
}

/** Calls in a steady stream until told to stop; remembers what went wrong. */
export class Traffic {
  readonly failures: string[] = [];
  sent = 0;
  #stopped = false;
  readonly #workers: Promise<void>[];

  constructor(call: () => Promise<Answer>, workers = 2) {
    const loop = async () => {
      while (!this.#stopped) {
        this.sent++;
        try {
          const { status, body } = await call();
          if (status !== 200) this.failures.push(`${status} ${body.slice(0, 200)}`);
        } catch (error) {
          this.failures.push((error as Error).message);
        }
      }
    };
    this.#workers = Array.from({ length: workers }, loop);
  }

  /** Waits until so many more calls were answered. */
  async more(count: number): Promise<void> {
    const goal = this.sent + count;
    await eventually(`${count} more requests`, () => this.sent >= goal);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#workers);
  }
}
