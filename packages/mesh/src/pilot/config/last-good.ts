import { mkdirSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { ConfigObject } from '@lateen/api/kinds.ts';
import type { ObjectKey } from '@lateen/api/object-key.ts';
import { replaceFile } from '#files/replace-file.ts';

/** An object that is in force although no valid file says so any more: it was right before somebody broke it. */
export interface LastGoodEntry {
  readonly key: ObjectKey;
  readonly object: ConfigObject;
  /** The file that it was in, if it came from one. */
  readonly file?: string;
  /** Envoy refused the version that is wanted now. */
  readonly refused?: Refusal;
}

export interface Refusal {
  readonly digest: string;
  readonly message: string;
}

/**
 * Remembers what is only in force because its newer version is wrong, so that a restart of the control plane does not
 * lose it. What cannot be stored or read is reported, and nothing stops for it: the mesh then merely starts as its files
 * say.
 */
export class LastGood {
  readonly #path: string;
  readonly #report: (problem: string) => void;
  #saved = '[]';

  constructor(path: string, report: (problem: string) => void) {
    this.#path = path;
    this.#report = report;
  }

  load(): readonly LastGoodEntry[] {
    try {
      const text = readFileSync(this.#path, 'utf8');
      const entries = JSON.parse(text) as LastGoodEntry[];
      if (!Array.isArray(entries) || entries.some(({ key, object }) => typeof key !== 'string' || !object?.kind)) {
        throw new Error('it does not hold what was written there');
      }
      this.#saved = text;
      return entries;
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      if (code !== 'ENOENT') this.#report(`last good versions cannot be read from ${this.#path}: ${message}`);
      return [];
    }
  }

  save(entries: readonly LastGoodEntry[]): void {
    const text = JSON.stringify(entries);
    if (text === this.#saved) return;
    try {
      mkdirSync(dirname(this.#path), { recursive: true, mode: 0o700 });
      replaceFile(this.#path, text);
      this.#saved = text;
    } catch (error) {
      this.#report(`last good versions cannot be stored in ${this.#path}: ${(error as Error).message}`);
    }
  }
}
