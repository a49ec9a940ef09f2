import { spawn } from 'node:child_process';
import { request } from 'node:http';
import { connect } from 'node:net';
import { messageOf } from '@lateen/api/lateen-error.ts';
import { signalGroup } from './process-table.ts';

/** One thing to try, with everything resolved: real ports, expanded commands. */
export type ProbeAction =
  | {
      readonly kind: 'http';
      readonly host: string;
      readonly port: number;
      readonly path: string;
      readonly headers: Readonly<Record<string, string>>;
    }
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | {
      readonly kind: 'exec';
      readonly file: string;
      readonly args: readonly string[];
      readonly cwd: string;
      readonly env: Readonly<Record<string, string>>;
    };

/** Undefined if all is well, else what went wrong, for people. */
export type ProbeFailure = string | undefined;

/** Tries it once. Never throws; an abort is a failure. */
export async function probeOnce(action: ProbeAction, timeoutMs: number, signal: AbortSignal): Promise<ProbeFailure> {
  if (signal.aborted) return 'aborted';
  try {
    if (action.kind === 'http') return await probeHttp(action, timeoutMs, signal);
    if (action.kind === 'tcp') return await probeTcp(action, timeoutMs, signal);
    return await probeExec(action, timeoutMs, signal);
  } catch (error) {
    // What cannot even be tried: a path that no request can have, a program that is being written just now.
    return messageOf(error);
  }
}

/** `GET http://127.0.0.1:20010/health`, for messages. */
export function describeAction(action: ProbeAction): string {
  if (action.kind === 'http') return `GET http://${action.host}:${action.port}${action.path}`;
  if (action.kind === 'tcp') return `TCP connection to ${action.host}:${action.port}`;
  return `exec ${[action.file, ...action.args].join(' ')}`;
}

/** Success is a status from 200 to 399; redirects are not followed. */
function probeHttp(
  action: Extract<ProbeAction, { kind: 'http' }>,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<ProbeFailure> {
  return new Promise((resolve) => {
    const outgoing = request({
      host: action.host,
      port: action.port,
      path: action.path,
      headers: { 'user-agent': 'lateen-probe', accept: '*/*', connection: 'close', ...action.headers },
      agent: false,
      signal,
    });
    const timer = setTimeout(() => {
      finish(`no answer within ${timeoutMs / 1000} s`);
    }, timeoutMs);
    let done = false;
    const finish = (failure: ProbeFailure) => {
      if (done) return;
      done = true;
      clearTimeout(timer);
      outgoing.destroy();
      resolve(failure);
    };
    outgoing.on('response', (response) => {
      const status = response.statusCode ?? 0;
      finish(status >= 200 && status < 400 ? undefined : `status ${status}`);
    });
    outgoing.on('error', (error) => finish(connectFailure(error)));
    outgoing.end();
  });
}

function probeTcp(
  action: Extract<ProbeAction, { kind: 'tcp' }>,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<ProbeFailure> {
  return new Promise((resolve) => {
    const socket = connect({ host: action.host, port: action.port });
    const timer = setTimeout(() => finish(`no connection within ${timeoutMs / 1000} s`), timeoutMs);
    const aborted = () => finish('aborted');
    signal.addEventListener('abort', aborted, { once: true });
    const finish = (failure: ProbeFailure) => {
      clearTimeout(timer);
      signal.removeEventListener('abort', aborted);
      socket.destroy();
      resolve(failure);
    };
    socket.once('connect', () => finish(undefined));
    socket.on('error', (error) => finish(connectFailure(error)));
  });
}

/** Success is exit code 0. The process and its children are killed at the timeout. */
function probeExec(
  action: Extract<ProbeAction, { kind: 'exec' }>,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<ProbeFailure> {
  return new Promise((resolve) => {
    const child = spawn(action.file, action.args, {
      cwd: action.cwd,
      env: action.env,
      detached: true,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr = (stderr + text).slice(-500);
    });
    const timer = setTimeout(() => finish(`not finished within ${timeoutMs / 1000} s`), timeoutMs);
    const aborted = () => finish('aborted');
    signal.addEventListener('abort', aborted, { once: true });
    let done = false;
    const finish = (failure: ProbeFailure) => {
      if (done) return;
      done = true;
      clearTimeout(timer);
      signal.removeEventListener('abort', aborted);
      if (child.pid !== undefined) signalGroup(child.pid, 'SIGKILL');
      child.stderr.destroy();
      resolve(failure);
    };
    child.once('error', (error) => finish(error.message));
    child.once('exit', (code, killedBy) => {
      if (code === 0) return finish(undefined);
      const how = code === null ? `ended by ${killedBy}` : `exit code ${code}`;
      finish(stderr.trim() === '' ? how : `${how}: ${stderr.trim()}`);
    });
  });
}

function connectFailure(error: Error): string {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === 'ECONNREFUSED') return 'connection refused';
  if (code === 'ECONNRESET') return 'connection reset';
  return error.message;
}
