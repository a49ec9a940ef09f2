import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { readPrivateFile, removeFile, writePrivateFile } from './private-files.ts';
import { hasLiveGroup, isSameProcess, processStartTime } from './process-identity.ts';

/**
 * Every process that the supervisor started and that has not ended, in `<runDir>/processes.json`. When the supervisor
 * is killed outright, what it started lives on; this file tells the next `up` or `down` what to end.
 */
export interface ProcessRecord {
  readonly pid: number;
  /** See `processStartTime`. */
  readonly startTime: string;
  readonly kind: 'control-plane' | 'envoy' | 'container';
  /** What it is to a person: `reviews-v1-0`. */
  readonly name: string;
}

const POLL_MS = 20;

export class ProcessTable {
  readonly #file: string;
  readonly #records = new Map<number, ProcessRecord>();
  readonly #onProblem: (problem: unknown) => void;
  #hasProblem = false;

  /**
   * A failed write (full disk) does not stop the caller: the process runs already. It is told to `onProblem`, as is, with
   * undefined, the first write that works again.
   */
  constructor(runDir: string, onProblem: (problem: unknown) => void) {
    this.#file = processFile(runDir);
    this.#onProblem = onProblem;
  }

  /** Call it in the same turn of the event loop as the spawn. Writes at once, so that a kill cannot come between. */
  add(pid: number, kind: ProcessRecord['kind'], name: string): void {
    const startTime = processStartTime(pid);
    if (startTime === null) return;
    this.#records.set(pid, { pid, startTime, kind, name });
    this.#write();
  }

  remove(pid: number): void {
    if (this.#records.delete(pid)) this.#write();
  }

  records(): ProcessRecord[] {
    return [...this.#records.values()];
  }

  /** SIGKILL to everything at once, without waiting. */
  killAll(): void {
    for (const record of this.#records.values()) signalGroup(record.pid, 'SIGKILL');
  }

  #write(): void {
    try {
      writePrivateFile(this.#file, `${JSON.stringify(this.records(), null, 1)}\n`);
      if (this.#hasProblem) this.#onProblem(undefined);
      this.#hasProblem = false;
    } catch (error) {
      this.#hasProblem = true;
      this.#onProblem(error);
    }
  }
}

export interface CleanUpOptions {
  /** How long processes may take after SIGTERM before SIGKILL. Default 3 s. */
  readonly graceMs?: number;
}

/**
 * Ends what a killed supervisor left behind: SIGTERM, a short wait, SIGKILL, to whole process groups. A process ID that
 * belongs to another process by now is left alone. Call it only while holding the lock of the mesh.
 */
export async function cleanUpLeftovers(runDir: string, options: CleanUpOptions = {}): Promise<{ ended: number }> {
  const file = processFile(runDir);
  const leftovers = parseRecords(readPrivateFile(file)).filter((record) => hasLiveGroup(record.pid, record.startTime));
  // The control plane first: it must not tell proxies about applications that are being ended.
  leftovers.sort((a, b) => order[a.kind] - order[b.kind]);
  for (const record of leftovers) {
    if (isSameProcess(record.pid, record.startTime)) signalGroup(record.pid, 'SIGTERM');
    else signalGroup(record.pid, 'SIGKILL');
  }
  const deadline = performance.now() + (options.graceMs ?? 3000);
  let left = leftovers;
  for (let killed = false; left.length > 0; ) {
    await delay(POLL_MS);
    left = left.filter((record) => hasLiveGroup(record.pid, record.startTime));
    if (performance.now() < deadline) continue;
    // A process in an uninterruptible system call outlives even SIGKILL for a while; do not wait for it for ever.
    if (killed && performance.now() > deadline + 2000) break;
    killed = true;
    for (const record of left) signalGroup(record.pid, 'SIGKILL');
  }
  removeFile(file);
  return { ended: leftovers.length };
}

/** Signals a process that leads a group, and all of its descendants that have not left the group. */
export function signalGroup(pid: number, signal: NodeJS.Signals): boolean {
  // kill(2): 0 and -1 would mean our own group, and everything.
  if (!Number.isInteger(pid) || pid <= 1) return false;
  try {
    process.kill(-pid, signal);
    return true;
  } catch {
    return false;
  }
}

/** How a process ended, to follow its name. */
export function describeExit({ code, signal }: { code: number | null; signal: NodeJS.Signals | null }): string {
  return code === null ? `was ended by ${signal}` : `exited with code ${code}`;
}

const order = { 'control-plane': 0, container: 1, envoy: 2 } as const;

function processFile(runDir: string): string {
  return join(runDir, 'processes.json');
}

function parseRecords(text: string | undefined): ProcessRecord[] {
  if (text === undefined) return [];
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return [];
  }
  return Array.isArray(parsed) ? parsed.filter(isRecord) : [];
}

function isRecord(value: unknown): value is ProcessRecord {
  if (typeof value !== 'object' || value === null) return false;
  const record = value as Partial<ProcessRecord>;
  return (
    typeof record.pid === 'number' &&
    record.pid > 1 &&
    typeof record.startTime === 'string' &&
    typeof record.name === 'string' &&
    record.kind !== undefined &&
    record.kind in order
  );
}
