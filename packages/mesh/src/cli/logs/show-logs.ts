import { existsSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { LateenError } from '@lateen/api/lateen-error.ts';
import { didYouMean } from '@lateen/api/suggest.ts';
import { followLog } from '#local/log-follow.ts';
import { type FoundLog, listLogs } from '#local/logs.ts';
import { type FoundMesh, findMesh, listMeshes, storedMeshes } from '#local/mesh-file.ts';
import { meshPaths } from '#local/state-paths.ts';
import { type Context, UsageError } from '../command.ts';
import { type Output, paint } from '../terminal.ts';
import { findNamedLogs, titleOf } from './find.ts';
import { LinePrefix } from './line-prefix.ts';
import { previousRun } from './previous-run.ts';

interface LogsOptions {
  readonly follow: boolean;
  readonly tail: number | undefined;
  readonly container: string | undefined;
  readonly envoy: boolean;
  readonly previous: boolean;
  readonly mesh: string | undefined;
}

/** How often replicas that are new, and the end of the mesh, are looked for while following. */
const lookAgainMs = 500;

export async function showLogs(name: string, options: LogsOptions, { terminal }: Context): Promise<number> {
  if (options.previous && options.follow) {
    throw new UsageError('--previous and --follow exclude each other.', 'What is over does not go on.');
  }
  const { stdout } = terminal;
  const { stateDir, mesh } = place(options.mesh);
  const query = { name, container: options.container, envoy: options.envoy };
  const found = findNamedLogs(stateDir, query);
  if (options.previous) {
    for (const log of found) printPrevious(stdout, log, found.length > 1);
    return 0;
  }
  // Nothing is added to the logs of a mesh that does not run.
  if (!options.follow || mesh === undefined) {
    for (const log of found) await show(stdout, log, { ...options, follow: false }, found.length > 1);
    return 0;
  }
  const over = new AbortController();
  const shown = new Map<string, Promise<void>>();
  const prefixed = found.length > 1 || !found.some((log) => log.name === name);
  const follow = (log: FoundLog, tail: number | undefined) => {
    if (!shown.has(log.path)) shown.set(log.path, show(stdout, log, { follow: true, tail }, prefixed, over.signal));
  };
  for (const log of found) follow(log, options.tail);
  // A mesh that is gone writes nothing more.
  while (listMeshes().some((each) => each.alive && each.pid === mesh.pid)) {
    await delay(lookAgainMs);
    for (const log of findNamedLogs(stateDir, query)) follow(log, undefined);
  }
  over.abort();
  await Promise.all(shown.values());
  return 0;
}

interface Place {
  readonly stateDir: string;
  /** Undefined if it does not run. */
  readonly mesh: FoundMesh | undefined;
}

/** Logs are kept: those of a mesh that was stopped, or whose supervisor was killed, are still there. */
function place(name: string | undefined): Place {
  const running = listMeshes().filter((each) => each.alive);
  if (name !== undefined) {
    const { stateDir } = meshPaths(name);
    if (existsSync(stateDir)) return { stateDir, mesh: running.find((each) => each.mesh === name) };
    const stored = storedMeshes();
    throw new LateenError(
      'LAT0304',
      `There is no mesh named ${name}${didYouMean(name, stored) || '.'}`,
      stored.length === 0 ? 'Start one with lateen up DIR.' : `There are: ${stored.join(', ')}.`,
    );
  }
  if (running.length > 0) {
    const mesh = findMesh();
    return { stateDir: mesh.stateDir, mesh };
  }
  const kept = storedMeshes().filter((each) => listLogs(meshPaths(each).stateDir).length > 0);
  const [first, ...others] = kept;
  if (first === undefined) {
    throw new LateenError('LAT0304', 'No mesh is running, and none has left logs.', 'Start one with lateen up DIR.');
  }
  if (others.length > 0) {
    throw new LateenError(
      'LAT0305',
      `No mesh is running, and several have left logs: ${kept.join(', ')}.`,
      'Say which one with --mesh NAME.',
    );
  }
  return { stateDir: meshPaths(first).stateDir, mesh: undefined };
}

async function show(
  stdout: Output,
  log: FoundLog,
  options: { readonly follow: boolean; readonly tail: number | undefined },
  prefixed: boolean,
  signal?: AbortSignal,
): Promise<void> {
  const lines = new LinePrefix(prefixed ? prefix(stdout, log) : '', (text) => stdout.write(text));
  const tailLines = options.tail === undefined ? {} : { tailLines: options.tail };
  await followLog(log.path, { follow: options.follow, ...tailLines }, (chunk) => lines.push(chunk), signal);
  lines.end();
}

function printPrevious(stdout: Output, log: FoundLog, prefixed: boolean): void {
  const rotated = `${log.path}.1`;
  const text = `${existsSync(rotated) ? readFileSync(rotated, 'utf8') : ''}${readFileSync(log.path, 'utf8')}`;
  const run = previousRun(text);
  if (run === undefined) {
    throw new LateenError('LAT0515', `${titleOf(log)} has not been started again yet.`, `lateen logs ${titleOf(log)}`);
  }
  const lines = new LinePrefix(prefixed ? prefix(stdout, log) : '', (chunk) => stdout.write(chunk));
  lines.push(Buffer.from(run));
  lines.end();
}

const colours = ['cyan', 'magenta', 'yellow', 'green', 'blue'] as const;

/** One colour for each name, the same every time. */
function prefix(stdout: Output, log: FoundLog): string {
  const title =
    log.name.includes('.') && !log.name.endsWith('.envoy') ? `${titleOf(log)}.${log.name.split('.')[1]}` : titleOf(log);
  const sum = [...title].reduce((total, letter) => total + letter.charCodeAt(0), 0);
  return `${paint(stdout, colours[sum % colours.length] ?? 'cyan', title)} | `;
}
