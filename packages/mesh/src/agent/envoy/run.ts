import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { LateenError } from '@lateen/api/lateen-error.ts';
import { replaceFile } from '#files/replace-file.ts';
import { drainPath } from '../bootstrap.ts';

export interface RunEnvoyOptions {
  /** The Envoy binary. */
  readonly path: string;
  readonly bootstrap: object;
  /** Gets `envoy.json` (0600). It must be closed to others. */
  readonly dir: string;
  /** Envoy's log and its access logs on /dev/stdout, appended. */
  readonly logFile: string;
  /** How long a graceful drain takes. Default 5 s, rounded up to whole seconds. */
  readonly drainTimeMs?: number;
  /** Worker threads; 0: one for each processor. Default 1: a laptop runs many Envoys, each with little to do. */
  readonly concurrency?: number;
  /** Default `warning`. */
  readonly logLevel?: string;
  /** `http:debug,upstream:trace` */
  readonly componentLogLevel?: string;
  /** In addition to that of this process. */
  readonly environment?: Readonly<Record<string, string>>;
}

export interface EnvoyExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface EnvoyProcess {
  readonly pid: number;
  readonly logFile: string;
  /** Never rejects. */
  readonly exited: Promise<EnvoyExit>;
  /** Does nothing after its end, so that no other process can be meant by its number. */
  kill(signal: NodeJS.Signals): void;
}

/**
 * Starts an Envoy in a process group of its own: a Ctrl-C in the terminal is for who started it, which then stops
 * everything in order.
 * @throws LateenError LAT0921 when the binary cannot be run
 */
export async function runEnvoy(options: RunEnvoyOptions): Promise<EnvoyProcess> {
  const { path, dir, logFile, drainTimeMs = 5000, concurrency = 1, logLevel = 'warning', componentLogLevel } = options;
  const bootstrapFile = join(dir, 'envoy.json');
  replaceFile(bootstrapFile, JSON.stringify(options.bootstrap));
  const args = [
    ...['-c', bootstrapFile],
    ...(concurrency === 0 ? [] : ['--concurrency', String(concurrency)]),
    ...['--drain-time-s', String(Math.ceil(drainTimeMs / 1000))],
    ...['--drain-strategy', 'immediate'],
    '--disable-hot-restart',
    ...['-l', logLevel],
    ...(componentLogLevel === undefined ? [] : ['--component-log-level', componentLogLevel]),
  ];
  const env = { ...process.env, ...options.environment };
  const log = openSync(logFile, 'a', 0o600);
  try {
    const child = spawn(path, args, { cwd: dir, detached: true, stdio: ['ignore', log, log], env });
    const exited = new Promise<EnvoyExit>((resolve) => {
      child.once('exit', (code, signal) => resolve({ code, signal }));
    });
    const pid = await spawned(child, path);
    return { pid, logFile, exited, kill: (signal) => void child.kill(signal) };
  } finally {
    closeSync(log);
  }
}

function spawned(child: ChildProcess, path: string): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once('spawn', () => resolve(child.pid as number));
    child.once('error', (cause) => {
      reject(new LateenError('LAT0921', `${path} cannot be run: ${cause.message}`, `Check ${path}.`, { cause }));
    });
  });
}

export interface WaitReadyOptions {
  /** The process, so that its end is noticed. */
  readonly envoy?: EnvoyProcess;
  readonly signal?: AbortSignal;
  /** Default 30 s. */
  readonly timeoutMs?: number;
}

const readyPollMs = 10;

/**
 * Waits until Envoy is LIVE: it has its listeners and clusters, and their secrets.
 * @throws LateenError LAT0922 when it ends first, with the end of its log, LAT0923 after `timeoutMs`; the signal's reason
 */
export async function waitReady(adminUrl: string, options: WaitReadyOptions = {}): Promise<void> {
  const { envoy, signal, timeoutMs = 30_000 } = options;
  const deadline = performance.now() + timeoutMs;
  let exit: EnvoyExit | undefined;
  envoy?.exited.then((value) => {
    exit = value;
  });
  let state = 'no answer';
  for (;;) {
    signal?.throwIfAborted();
    if (exit && envoy) throw await endedEarly(envoy, exit);
    state = await call(adminUrl, 'GET', '/ready').then(
      (answer) => (answer.status === 200 ? 'LIVE' : answer.body.trim()),
      () => state,
    );
    if (state === 'LIVE') return;
    if (performance.now() >= deadline) {
      throw new LateenError(
        'LAT0923',
        `The Envoy at ${adminUrl} is not ready after ${timeoutMs / 1000} s (${state}).`,
        envoy ? `See its log, ${envoy.logFile}.` : 'See its log.',
      );
    }
    await delay(readyPollMs, undefined, signal ? { signal } : {});
  }
}

async function endedEarly(envoy: EnvoyProcess, { code, signal }: EnvoyExit): Promise<LateenError> {
  const how = signal === null ? `exit code ${code}` : `signal ${signal}`;
  const lines = (await readEnd(envoy.logFile)).trimEnd().split('\n').slice(-5).join('\n');
  return new LateenError(
    'LAT0922',
    `Envoy ended before it was ready (${how}).`,
    `The end of ${envoy.logFile}:\n${lines}`,
  );
}

const logTailBytes = 8192;

async function readEnd(file: string): Promise<string> {
  const handle = await open(file, 'r');
  try {
    const { size } = await handle.stat();
    const { buffer, bytesRead } = await handle.read({
      buffer: Buffer.alloc(logTailBytes),
      position: Math.max(0, size - logTailBytes),
    });
    return buffer.toString('utf8', 0, bytesRead);
  } finally {
    await handle.close();
  }
}

/**
 * Begins a graceful end: clients are asked to go elsewhere (`Connection: close`, GOAWAY), listeners close after the
 * drain time. Envoy keeps running. `drainToken` is the one of its bootstrap.
 * @throws Error when the admin server does not answer
 */
export async function drain(adminUrl: string, drainToken: string): Promise<void> {
  const { status, body } = await call(adminUrl, 'POST', drainPath(drainToken));
  if (status !== 200) throw new Error(`Envoy at ${adminUrl} does not drain: ${status} ${body.trim()}`);
}

/** Ends it: SIGTERM, and SIGKILL when it is still there after `graceMs`. */
export async function stopEnvoy(envoy: EnvoyProcess, graceMs = 2000): Promise<EnvoyExit> {
  const timer = new AbortController();
  envoy.kill('SIGTERM');
  const late = delay(graceMs, 'late', { signal: timer.signal }).catch(() => undefined);
  if ((await Promise.race([envoy.exited, late])) === 'late') envoy.kill('SIGKILL');
  timer.abort();
  return envoy.exited;
}

const adminTimeoutMs = 2000;
const maxAnswerBytes = 64 * 1024;

function call(adminUrl: string, method: string, path: string): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(adminTimeoutMs);
    const outgoing = request(new URL(path, adminUrl), { method, agent: false, signal }, (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (text: string) => {
        if (body.length < maxAnswerBytes) body += text;
      });
      response.once('end', () => resolve({ status: response.statusCode ?? 0, body }));
      response.once('error', reject);
    });
    outgoing.once('error', reject);
    outgoing.end();
  });
}
