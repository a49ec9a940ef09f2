import { type Diagnostic, diagnostic } from '@lateen/api/diagnostic.ts';
import { keyOf, type ObjectKey, refOfKey } from '@lateen/api/object-key.ts';
import type { ParsedObject, ParseResult } from './parse.ts';

interface FileState {
  readonly objects: ReadonlyMap<ObjectKey, ParsedObject>;
  /** Those of them that are invalid in the file at present, and stay as they were. */
  readonly kept: ReadonlySet<ObjectKey>;
  /** What is wrong in the file, whatever others have. */
  readonly diagnostics: readonly Diagnostic[];
  readonly isRead: boolean;
}

const NONE: ReadonlySet<ObjectKey> = new Set();
const RIGHT: readonly Diagnostic[] = [];

/**
 * The objects of all files. An object that became invalid keeps its last good version until its file is right again, or
 * no longer has it.
 */
export class FileLayer {
  readonly #files = new Map<string, FileState>();
  /** For each object: the files that have it, sorted; the first one counts. */
  readonly #definedIn = new Map<ObjectKey, readonly string[]>();
  /** Those of them that several files have. */
  readonly #contested = new Set<ObjectKey>();
  /** Files with something wrong, and files with objects that are kept: what is wrong is found without a look at all. */
  readonly #faulty = new Set<string>();
  readonly #keeping = new Set<string>();

  /** Says what files held before a restart, until they are read. */
  seed(file: string, parsed: ParsedObject): void {
    const before = this.#objectsOf(file);
    const objects = new Map([...before, [keyOf(parsed.object), parsed]]);
    this.#note(file, { objects, kept: new Set(objects.keys()), diagnostics: RIGHT, isRead: false });
    this.#redefine(file, before, objects);
  }

  /** Files that were seeded and never read: they are gone. */
  unread(): string[] {
    return [...this.#files].filter(([, { isRead }]) => !isRead).map(([file]) => file);
  }

  /** Objects that are invalid in their file at present and stay as they were, with the file. */
  kept(): [ObjectKey, string][] {
    const keptIn = (file: string) => this.#files.get(file)?.kept ?? NONE;
    return [...this.#keeping].flatMap((file) => [...keptIn(file)].map((key): [ObjectKey, string] => [key, file]));
  }

  /**
   * Returns the keys of objects that may be different now: documents that are as before give the very same object.
   *
   * @param lastGood the version of an object that became invalid which is to stay, if any
   */
  set(
    file: string,
    result: ParseResult,
    lastGood: (key: ObjectKey, before: ParsedObject) => ParsedObject | undefined = (_, before) => before,
  ): Set<ObjectKey> {
    const before = this.#objectsOf(file);
    const objects = new Map<ObjectKey, ParsedObject>();
    const kept = new Set<ObjectKey>();
    const failed = new Set(result.failed);
    for (const parsed of result.objects) {
      const key = keyOf(parsed.object);
      if (!objects.has(key)) objects.set(key, parsed);
    }
    for (const [key, parsed] of before) {
      const isInvalid = result.syntaxErrors || failed.has(key);
      const good = isInvalid && !objects.has(key) ? lastGood(key, parsed) : undefined;
      if (good === undefined) continue;
      objects.set(key, good);
      kept.add(key);
    }
    const wrong = [...result.diagnostics, ...duplicatesWithin(result)];
    this.#note(file, {
      objects,
      kept: kept.size === 0 ? NONE : kept,
      diagnostics: wrong.length === 0 ? RIGHT : wrong,
      isRead: true,
    });
    return this.#redefine(file, before, objects);
  }

  delete(file: string): Set<ObjectKey> {
    const before = this.#objectsOf(file);
    this.#note(file, undefined);
    return this.#redefine(file, before, new Map());
  }

  has(file: string): boolean {
    return this.#files.has(file);
  }

  get(key: ObjectKey): ParsedObject | undefined {
    const file = this.#definedIn.get(key)?.[0];
    return file === undefined ? undefined : this.#files.get(file)?.objects.get(key);
  }

  /** Whether a file that would lose objects with this result does so because they were taken out of it. */
  loses(file: string, result: ParseResult): boolean {
    // What a file held before a restart may have been taken out meanwhile.
    if (result.syntaxErrors || this.#files.get(file)?.isRead === false) return false;
    const kept = new Set([...result.objects.map(({ object }) => keyOf(object)), ...result.failed]);
    return [...(this.#files.get(file)?.objects.keys() ?? [])].some((key) => !kept.has(key));
  }

  diagnostics(): Diagnostic[] {
    const found = [...this.#faulty].sort().flatMap((file) => this.#files.get(file)?.diagnostics ?? RIGHT);
    for (const key of this.#contested) {
      const [first, ...others] = this.#definedIn.get(key) ?? [];
      for (const file of others) {
        const again = this.#files.get(file)?.objects.get(key)?.origin;
        const origin = first === undefined ? undefined : this.#files.get(first)?.objects.get(key)?.origin;
        if (again === undefined || origin === undefined) continue;
        found.push(duplicate(key, `${origin.file}:${origin.line}`, again));
      }
    }
    return found;
  }

  #note(file: string, state: FileState | undefined): void {
    if (state === undefined) this.#files.delete(file);
    else this.#files.set(file, state);
    mark(this.#faulty, file, (state?.diagnostics ?? RIGHT).length > 0);
    mark(this.#keeping, file, (state?.kept ?? NONE).size > 0);
  }

  #objectsOf(file: string): ReadonlyMap<ObjectKey, ParsedObject> {
    return this.#files.get(file)?.objects ?? new Map();
  }

  #redefine(
    file: string,
    before: ReadonlyMap<ObjectKey, ParsedObject>,
    after: ReadonlyMap<ObjectKey, ParsedObject>,
  ): Set<ObjectKey> {
    const changed = new Set<ObjectKey>();
    for (const key of before.keys()) {
      if (after.has(key)) continue;
      changed.add(key);
      this.#define(
        key,
        (this.#definedIn.get(key) ?? []).filter((other) => other !== file),
      );
    }
    for (const [key, { object }] of after) {
      const known = before.get(key)?.object;
      if (known === object) continue;
      changed.add(key);
      if (known === undefined) this.#define(key, [...(this.#definedIn.get(key) ?? []), file].sort());
    }
    return changed;
  }

  #define(key: ObjectKey, files: readonly string[]): void {
    if (files.length === 0) this.#definedIn.delete(key);
    else this.#definedIn.set(key, files);
    mark(this.#contested, key, files.length > 1);
  }
}

function mark<T>(set: Set<T>, each: T, isIn: boolean): void {
  if (isIn) set.add(each);
  else set.delete(each);
}

function duplicatesWithin(result: ParseResult): Diagnostic[] {
  if (result.objects.length < 2) return [];
  const first = new Map<ObjectKey, ParsedObject>();
  const found: Diagnostic[] = [];
  for (const parsed of result.objects) {
    const key = keyOf(parsed.object);
    const earlier = first.get(key);
    if (earlier === undefined) first.set(key, parsed);
    else found.push(duplicate(key, `line ${earlier.origin.line}`, parsed.origin));
  }
  return found;
}

function duplicate(key: ObjectKey, where: string, { file, line }: { file: string; line: number }): Diagnostic {
  const message = `the object is defined before, at ${where}, and that definition stays in force`;
  return diagnostic('LAT0120', message, { object: refOfKey(key), file, line });
}
