import {
  closeSync,
  constants,
  copyFileSync,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  statSync,
  truncateSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { errorCodeOf } from '@lateen/api/lateen-error.ts';
import { fileError } from './private-files.ts';

/**
 * Logs of processes. A process writes to its file directly, not through the supervisor, so that it can go on when the
 * supervisor is killed. Hence a file is rotated by copying and truncating: the descriptor stays the same, and O_APPEND
 * makes the next write start at the new end. What is written between the two steps is lost.
 */
const DEFAULT_NAMESPACE = 'default';
const MARKER = '--- lateen:';
const MAX_LOG_BYTES = 10 * 1024 * 1024;
const CHECK_EVERY_MS = 1000;

export interface LogName {
  readonly namespace: string;
  readonly replica: string;
  /** For pods of several containers. */
  readonly container?: string;
  readonly envoy?: boolean;
}

/** `logs/reviews-v1-0.log`, `logs/reviews-v1-0.envoy.log`; other namespaces than `default` have a folder each. */
export function logPath(stateDir: string, log: LogName): string {
  const folder = log.namespace === DEFAULT_NAMESPACE ? '' : log.namespace;
  const suffix = log.envoy ? '.envoy' : log.container === undefined ? '' : `.${log.container}`;
  return join(stateDir, 'logs', folder, `${log.replica}${suffix}.log`);
}

export function controlPlaneLogPath(stateDir: string): string {
  return join(stateDir, 'logs', 'control-plane.log');
}

/** Opens for appending, mode 0600. The caller closes it once the child has it. Throws LAT0302, LAT0303. */
export function openLog(path: string): number {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    return openSync(path, constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT, 0o600);
  } catch (error) {
    throw fileError(path, 'write', error);
  }
}

/** A line between two runs of a process. A full disk is no reason not to start it. */
export function writeMarker(fd: number, text: string): void {
  try {
    writeSync(fd, `${MARKER} ${new Date().toISOString()} ${text}\n`);
  } catch {
    // The log is lost, the process is not.
  }
}

/** A line that is written before each run of a process: `--- lateen: 2026-01-01T00:00:00.000Z reviews-v1-0 starts`. */
export function isMarker(line: string): boolean {
  return line.startsWith(MARKER);
}

export interface RotationOptions {
  readonly maxBytes?: number;
  readonly checkEveryMs?: number;
}

/** Keeps each file below about `maxBytes` (default 10 MiB), with one older file beside it. */
export class LogRotation {
  readonly #paths = new Set<string>();
  readonly #maxBytes: number;
  readonly #timer: NodeJS.Timeout;

  constructor(options: RotationOptions = {}) {
    this.#maxBytes = options.maxBytes ?? MAX_LOG_BYTES;
    this.#timer = setInterval(() => this.check(), options.checkEveryMs ?? CHECK_EVERY_MS);
    this.#timer.unref();
  }

  watch(path: string): void {
    this.#paths.add(path);
  }

  check(): void {
    for (const path of this.#paths) rotateIfLarge(path, this.#maxBytes);
  }

  close(): void {
    clearInterval(this.#timer);
  }
}

function rotateIfLarge(path: string, maxBytes: number): void {
  try {
    if (statSync(path).size <= maxBytes) return;
    try {
      copyFileSync(path, `${path}.1.tmp`);
      renameSync(`${path}.1.tmp`, `${path}.1`);
    } catch {
      // No room for a copy: truncating all the same is what makes some.
    }
    truncateSync(path);
  } catch {
    // Not there yet, or not ours to shorten.
  }
}

/** The last `count` lines of a file, without reading all of it. Empty if it cannot be read. */
export function lastLines(path: string, count: number): string[] {
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch {
    return [];
  }
  try {
    const start = startOfLastLines(fd, count);
    const size = fstatSync(fd).size;
    const buffer = Buffer.alloc(Math.min(size - start, 256 * 1024));
    const length = readSync(fd, buffer, 0, buffer.length, size - buffer.length);
    const text = buffer.toString('utf8', 0, length);
    return text === '' ? [] : text.replace(/\n$/, '').split('\n').slice(-count);
  } finally {
    closeSync(fd);
  }
}

/** The last lines that the present run of the process wrote: those after the last marker. */
export function lastLinesOfRun(path: string, count: number): string[] {
  const lines = lastLines(path, count + 1);
  return lines.slice(lines.findLastIndex((line) => isMarker(line)) + 1).slice(-count);
}

/** Offset at which the last `count` lines begin. */
export function startOfLastLines(fd: number, count: number): number {
  const chunk = Buffer.alloc(64 * 1024);
  const size = fstatSync(fd).size;
  let position = size;
  let seen = 0;
  while (position > 0) {
    const length = Math.min(chunk.length, position);
    position -= length;
    readSync(fd, chunk, 0, length, position);
    for (let index = length - 1; index >= 0; index -= 1) {
      // The newline at the very end closes the last line, it does not begin another.
      if (chunk[index] !== 0x0a || position + index === size - 1) continue;
      seen += 1;
      if (seen === count) return position + index + 1;
    }
  }
  return count === 0 ? size : 0;
}

export interface FoundLog {
  readonly path: string;
  readonly namespace: string;
  /** File name without `.log`: `reviews-v1-0`, `reviews-v1-0.envoy`, `control-plane`. */
  readonly name: string;
}

export interface FindLogsOptions {
  /** Envoy's logs instead of the containers'. */
  readonly envoy?: boolean;
}

/**
 * Logs that a name can mean: a replica (`reviews-v1-0`), a Deployment (`reviews-v1`: all of its replicas), either with
 * a container (`reviews-v1-0.app`), `control-plane`, or a gateway, which has Envoy's log only. `NAMESPACE/NAME` looks in
 * one namespace, a bare name in `default` first and then in the others.
 */
export function findLogs(stateDir: string, name: string, options: FindLogsOptions = {}): FoundLog[] {
  const slash = name.indexOf('/');
  const wantedNamespace = slash === -1 ? undefined : name.slice(0, slash);
  const wanted = name.slice(slash + 1);
  const all = listLogs(stateDir).filter((log) => wantedNamespace === undefined || log.namespace === wantedNamespace);
  const matching = all.filter((log) => matches(log.name, wanted));
  const isEnvoy = (log: FoundLog) => log.name.endsWith('.envoy');
  const chosen = matching.filter((log) => isEnvoy(log) === (options.envoy ?? false));
  const found = chosen.length > 0 || options.envoy ? chosen : matching.filter((log) => gatewayLog(log, all));
  const inDefault = found.filter((log) => log.namespace === DEFAULT_NAMESPACE);
  return inDefault.length > 0 ? inDefault : found;
}

/** Every log of the mesh, sorted. */
export function listLogs(stateDir: string): FoundLog[] {
  const root = join(stateDir, 'logs');
  const logs: FoundLog[] = [];
  for (const entry of readFolder(root)) {
    if (entry.isDirectory()) {
      for (const inner of readFolder(join(root, entry.name))) {
        if (inner.isFile() && inner.name.endsWith('.log')) {
          logs.push({
            path: join(root, entry.name, inner.name),
            namespace: entry.name,
            name: inner.name.slice(0, -'.log'.length),
          });
        }
      }
    } else if (entry.name.endsWith('.log')) {
      logs.push({
        path: join(root, entry.name),
        namespace: DEFAULT_NAMESPACE,
        name: entry.name.slice(0, -'.log'.length),
      });
    }
  }
  return logs.sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** Parts of a log's name: `reviews-v1-0.app` is container `app` of replica `reviews-v1-0` of Deployment `reviews-v1`. */
function partsOf(name: string): { replica: string; workload: string; suffix?: string } {
  const [, replica, workload, suffix] = /^((.+?)-\d+)(?:\.([^.]+))?$/.exec(name) ?? [];
  if (replica !== undefined && workload !== undefined) {
    return suffix === undefined ? { replica, workload } : { replica, workload, suffix };
  }
  const dot = name.lastIndexOf('.');
  if (dot === -1) return { replica: name, workload: name };
  return { replica: name.slice(0, dot), workload: name.slice(0, dot), suffix: name.slice(dot + 1) };
}

function matches(file: string, wanted: string): boolean {
  const { replica, workload, suffix } = partsOf(file);
  return [file, replica, workload, `${workload}.${suffix}`].includes(wanted);
}

/** Nothing but Envoy runs in a gateway, so its log is what one wants to see. */
function gatewayLog(log: FoundLog, all: readonly FoundLog[]): boolean {
  const { replica } = partsOf(log.name);
  return !all.some(
    (other) =>
      other.namespace === log.namespace && !other.name.endsWith('.envoy') && partsOf(other.name).replica === replica,
  );
}

function readFolder(path: string) {
  try {
    return readdirSync(path, { withFileTypes: true });
  } catch (error) {
    if (errorCodeOf(error) === 'ENOENT') return [];
    throw fileError(path, 'read', error);
  }
}
