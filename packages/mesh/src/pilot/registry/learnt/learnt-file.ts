import { mkdirSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { z } from 'zod';
import { replaceFile } from '#files/replace-file.ts';
import type { LearntEntries } from './learnt-registry.ts';

const FILE = z.strictObject({
  version: z.literal(1),
  workloads: z.record(
    z.string(),
    z.array(
      z.strictObject({
        table: z.string(),
        host: z.string(),
        askedAtMs: z.number(),
        onTrialSinceMs: z.number().optional(),
      }),
    ),
  ),
});

/** Changes are written together, so that a mesh that starts is not held up by the disk. */
const WRITE_AFTER_MS = 500;

/** Keeps what workloads call across restarts. It can be found out again, so what cannot be read or written is only told. */
export class LearntFile {
  readonly #path: string;
  readonly #entries: () => LearntEntries;
  readonly #onNotice: (text: string) => void;
  #timer: NodeJS.Timeout | undefined;
  #lastProblem = '';

  constructor(path: string, entries: () => LearntEntries, onNotice: (text: string) => void) {
    this.#path = path;
    this.#entries = entries;
    this.#onNotice = onNotice;
  }

  read(): LearntEntries {
    try {
      const { workloads } = FILE.parse(JSON.parse(readFileSync(this.#path, 'utf8')));
      return new Map(
        Object.entries(workloads).map(([workload, entries]) => [
          workload,
          entries.map(({ onTrialSinceMs, ...rest }) =>
            onTrialSinceMs === undefined ? rest : { ...rest, onTrialSinceMs },
          ),
        ]),
      );
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') {
        this.#onNotice(
          `what workloads called cannot be read from ${this.#path}, so it is found out again: ${reason(error)}`,
        );
      }
      return new Map();
    }
  }

  /** To be called when there is something new. */
  noteChange(): void {
    this.#timer ??= setTimeout(() => this.#write(), WRITE_AFTER_MS);
  }

  /** Writes what has not been written yet. */
  close(): void {
    if (this.#timer !== undefined) this.#write();
  }

  #write(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    try {
      mkdirSync(dirname(this.#path), { recursive: true, mode: 0o700 });
      replaceFile(this.#path, JSON.stringify({ version: 1, workloads: Object.fromEntries(this.#entries()) }));
      this.#lastProblem = '';
    } catch (error) {
      const problem = `what workloads call cannot be kept in ${this.#path} for the next start: ${reason(error)}`;
      if (problem !== this.#lastProblem) this.#onNotice(problem);
      this.#lastProblem = problem;
    }
  }
}

function reason(error: unknown): string {
  if (error instanceof z.ZodError) return z.prettifyError(error).replaceAll('\n', '; ');
  return (error as Error).message;
}
