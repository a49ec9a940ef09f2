import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { ConfigObject } from '@lateen/api/kinds.ts';
import { LateenError } from '@lateen/api/lateen-error.ts';
import type { ObjectKey } from '@lateen/api/object-key.ts';
import { stableJson } from '@lateen/api/stable-json.ts';
import { replaceFile } from '#files/replace-file.ts';

/** A change made to the running mesh (`lateen apply`, `delete`) on top of what the files say. */
export interface OverlayEntry {
  /** `null` hides the object that a file has. */
  readonly object: ConfigObject | null;
  /**
   * Digest of the file's object when the change was made, `null` if no file had one. Once the file says something else,
   * the file is the newer word and the entry is dropped: the last one who wrote wins.
   */
  readonly over: string | null;
}

/** Changes to the running mesh, kept in one file so that they survive a restart of `lateen up`, all or none of a call. */
export class Overlay {
  readonly #path: string | undefined;
  #entries: ReadonlyMap<ObjectKey, OverlayEntry>;

  /** Reads what was stored. A file that cannot be read is never replaced: throws LAT0230. Without a path nothing is kept. */
  constructor(path: string | undefined) {
    this.#path = path;
    this.#entries = path === undefined ? new Map() : readEntries(path);
  }

  get(key: ObjectKey): OverlayEntry | undefined {
    return this.#entries.get(key);
  }

  keys(): IterableIterator<ObjectKey> {
    return this.#entries.keys();
  }

  /** Stores the entries with these changes (`undefined` drops one). Throws LAT0231 and changes nothing if it cannot. */
  update(changes: ReadonlyMap<ObjectKey, OverlayEntry | undefined>): void {
    const next = new Map(this.#entries);
    for (const [key, entry] of changes) {
      if (entry === undefined) next.delete(key);
      else next.set(key, entry);
    }
    this.#store(next);
    this.#entries = next;
  }

  /** Drops entries that a file has overtaken. If that cannot be stored, they are dropped again at the next start. */
  drop(keys: Iterable<ObjectKey>): void {
    const next = new Map(this.#entries);
    for (const key of keys) next.delete(key);
    this.#entries = next;
    try {
      this.#store(next);
    } catch (error) {
      if (!(error instanceof LateenError)) throw error;
    }
  }

  #store(entries: ReadonlyMap<ObjectKey, OverlayEntry>): void {
    if (this.#path === undefined) return;
    try {
      mkdirSync(dirname(this.#path), { recursive: true, mode: 0o700 });
      replaceFile(this.#path, JSON.stringify({ entries: [...entries] }, undefined, 1), { flush: true });
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      throw new LateenError(
        'LAT0231',
        `the change could not be stored in ${this.#path}: ${message}; nothing was changed`,
        code === 'ENOSPC'
          ? 'Free some space on the disk and try again.'
          : 'Check the permissions of the state directory.',
        { cause: error },
      );
    }
  }
}

/** Equal objects have equal digests, whatever the order of their keys. */
export function digestOf(object: ConfigObject): string {
  return createHash('sha256').update(stableJson(object)).digest('base64url');
}

function readEntries(path: string): ReadonlyMap<ObjectKey, OverlayEntry> {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return new Map();
    throw unreadable(path, (error as Error).message);
  }
  try {
    const { entries } = JSON.parse(text) as { entries: [ObjectKey, OverlayEntry][] };
    for (const [key, { object, over }] of entries) {
      if (typeof key !== 'string' || (object !== null && typeof object?.kind !== 'string') || over === undefined) {
        throw new Error('an entry is incomplete');
      }
    }
    return new Map(entries);
  } catch (error) {
    throw unreadable(path, (error as Error).message);
  }
}

function unreadable(path: string, reason: string): LateenError {
  return new LateenError(
    'LAT0230',
    `the objects applied to this mesh cannot be read from ${path}: ${reason}`,
    'Repair the file, or move it away to start without what was applied to the running mesh.',
  );
}
