import { readFileSync, type Stats, statSync } from 'node:fs';
import { MAX_TEXT_LENGTH } from '../../config/parse.ts';

export interface ReadFile {
  readonly text: string;
  /** Another one when the file has been written, or replaced, since it was read. */
  readonly mark: string;
}

/** What was last taken of each file. */
export class FileTexts {
  readonly #files = new Map<string, ReadFile>();

  paths(): IterableIterator<string> {
    return this.#files.keys();
  }

  get size(): number {
    return this.#files.size;
  }

  has(path: string): boolean {
    return this.#files.has(path);
  }

  /** Whether this is what was taken already. */
  isKnown(path: string, { text }: ReadFile): boolean {
    return this.#files.get(path)?.text === text;
  }

  take(path: string, file: ReadFile): void {
    this.#files.set(path, file);
  }

  forget(path: string): void {
    this.#files.delete(path);
  }

  /** Whether a look into the file might show something new. */
  mayDiffer(path: string): boolean {
    const known = this.#files.get(path);
    return known === undefined || markOf(path) !== known.mark;
  }
}

/** The file of now, or why it cannot be read. Undefined if it is not there. */
export function readFile(path: string): ReadFile | { readonly problem: string } | undefined {
  try {
    // Before the text: what is written between the two makes the mark differ.
    const stats = statSync(path);
    const { size } = stats;
    if (size > MAX_TEXT_LENGTH) return { problem: `the file has ${size} bytes; at most ${MAX_TEXT_LENGTH} are read` };
    return { text: readFileSync(path, 'utf8'), mark: markOfStats(stats) };
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return code === 'ENOENT' ? undefined : { problem: `the file cannot be read: ${message}` };
  }
}

/** Says whether it is still the same file, or folder, with the same content; undefined if it is not there. */
export function markOf(path: string): string | undefined {
  try {
    return markOfStats(statSync(path));
  } catch {
    return undefined;
  }
}

function markOfStats({ dev, ino, size, mtimeMs, ctimeMs }: Stats): string {
  return `${dev}:${ino} ${size} ${mtimeMs} ${ctimeMs}`;
}
