import { type FSWatcher, readFileSync, statSync, watch } from 'node:fs';
import { basename, dirname, relative, sep } from 'node:path';
import { diagnostic } from '@lateen/api/diagnostic.ts';
import { MAX_TEXT_LENGTH, type ParseResult, parseDocuments } from '../../config/parse.ts';
import { type Scan, scan } from './scan.ts';

/** Events are gathered for as long as they keep coming this quickly, but no longer than the maximum. */
const COALESCE_MS = 2;
const COALESCE_MAX_MS = 20;
/** A file that lost objects is read once more after this time: it may just have been half written. */
const CONFIRM_MS = 40;

export interface FileRegistryOptions {
  /** Absolute files and folders. */
  readonly roots: readonly string[];
  readonly defaultNamespace: string;
  /** Paths in messages are relative to this folder. */
  readonly cwd: string;
  /** What files say now; `undefined` for one that is gone. */
  readonly onResults: (results: ReadonlyMap<string, ParseResult | undefined>) => void;
  /** A folder cannot be watched, so edits in it are not seen. Told once for each folder. */
  readonly onUnwatched?: (folder: string, reason: string) => void;
  /** Whether a result takes objects away that were there. */
  readonly loses: (file: string, result: ParseResult | undefined) => boolean;
}

/** Reads the manifests below some folders, and again whenever they change. */
export class FileRegistry {
  readonly #options: FileRegistryOptions;
  /** What was last read of each file, and why files and folders could not be read. */
  readonly #texts = new Map<string, string>();
  readonly #problems = new Map<string, string>();
  readonly #watchers = new Map<string, FSWatcher>();
  readonly #unwatched = new Set<string>();
  readonly #folderOf = new Map<string, string>();
  #scan: Scan = { files: [], folders: [], linked: [], skipped: [], problems: [] };
  #timer: NodeJS.Timeout | undefined;
  #firstEventAtMs = 0;
  #lastRefreshAtMs = 0;
  readonly #confirming = new Map<string, NodeJS.Timeout>();
  readonly #confirmed = new Set<string>();
  #closed = false;

  constructor(options: FileRegistryOptions) {
    this.#options = options;
  }

  /** Reads everything once, synchronously, and starts to watch. */
  start(): Scan {
    this.#refresh();
    return this.#scan;
  }

  /** The folder that a file's relative paths start from. */
  folderOf(file: string): string | undefined {
    return this.#folderOf.get(file);
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    for (const timer of this.#confirming.values()) clearTimeout(timer);
    for (const watcher of this.#watchers.values()) watcher.close();
    this.#watchers.clear();
  }

  /** The first event after a quiet time is acted on at once; those that follow it are gathered. */
  #onEvent(): void {
    if (this.#closed) return;
    const now = performance.now();
    if (this.#timer === undefined) {
      if (now - this.#lastRefreshAtMs > COALESCE_MAX_MS) {
        this.#refresh();
        return;
      }
      this.#firstEventAtMs = now;
    }
    clearTimeout(this.#timer);
    const wait = Math.min(COALESCE_MS, Math.max(0, this.#firstEventAtMs + COALESCE_MAX_MS - now));
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#refresh();
    }, wait);
  }

  #refresh(): void {
    this.#lastRefreshAtMs = performance.now();
    const found = scan(this.#options.roots);
    this.#scan = found;
    // Something may have been written before the new watches began.
    if (this.#watchFolders(found)) this.#onEvent();
    const results = new Map<string, ParseResult | undefined>();
    const take = (path: string, result: ParseResult | undefined) => {
      const label = this.#label(path);
      if (!this.#confirmed.has(path) && this.#options.loses(label, result)) {
        this.#confirm(path);
        return false;
      }
      this.#endConfirming(path);
      results.set(label, result);
      this.#problems.delete(path);
      return true;
    };
    const unreadable = new Map(found.problems.map(({ path, message }) => [path, message]));
    for (const path of found.files) {
      const text = readText(path);
      if (typeof text !== 'string') unreadable.set(path, text.problem);
      else if (this.#texts.get(path) === text) this.#endConfirming(path);
      else {
        const result = parseDocuments(text, this.#label(path), this.#options);
        if (take(path, result)) this.#texts.set(path, text);
      }
    }
    for (const [path, message] of unreadable) {
      if (this.#problems.get(path) === message) continue;
      this.#problems.set(path, message);
      this.#texts.delete(path);
      const problem = diagnostic('LAT0121', message, { file: this.#label(path) });
      results.set(this.#label(path), { objects: [], diagnostics: [problem], failed: [], syntaxErrors: true });
    }
    const present = new Set(found.files);
    for (const path of new Set([...this.#texts.keys(), ...this.#problems.keys()])) {
      if (present.has(path) || isWithin(path, unreadable)) continue;
      if (take(path, undefined)) this.#texts.delete(path);
    }
    if (results.size > 0) this.#options.onResults(results);
  }

  /** Looks again a little later, and then believes what it sees. */
  #confirm(path: string): void {
    if (this.#confirming.has(path)) return;
    const timer = setTimeout(() => {
      this.#confirming.delete(path);
      this.#confirmed.add(path);
      this.#refresh();
      this.#confirmed.delete(path);
    }, CONFIRM_MS);
    this.#confirming.set(path, timer);
  }

  /** The file is whole: should it lose objects again, that is looked at anew. */
  #endConfirming(path: string): void {
    clearTimeout(this.#confirming.get(path));
    this.#confirming.delete(path);
  }

  #label(path: string): string {
    const label = relative(this.#options.cwd, path);
    const name = label !== '' && label.length < path.length ? label : path;
    this.#folderOf.set(name, dirname(path));
    return name;
  }

  /** Whether there are new watches. */
  #watchFolders({ files, folders, linked }: Scan): boolean {
    // A single file is watched by way of its folder: editors replace files, and a watch would stay with the old one.
    const wanted = new Set([...folders, ...linked, ...files.map((file) => dirname(file))]);
    for (const root of this.#options.roots) wanted.add(existingFolder(root));
    for (const folder of this.#watchers.keys()) if (!wanted.has(folder)) this.#unwatch(folder);
    let hasNew = false;
    for (const folder of wanted) {
      if (this.#watchers.has(folder)) continue;
      try {
        const watcher = watch(folder, { persistent: true }, (event, name) => {
          // The folder itself was removed or renamed; another of its name needs a watch of its own.
          if (event === 'rename' && name === basename(folder)) this.#unwatch(folder);
          this.#onEvent();
        });
        watcher.on('error', () => {
          this.#unwatch(folder);
          this.#onEvent();
        });
        this.#watchers.set(folder, watcher);
        hasNew = true;
      } catch (error) {
        // If it went away between the scan and now, its parent's event brings the next scan.
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') this.#tellUnwatched(folder, (error as Error).message);
      }
    }
    return hasNew;
  }

  #tellUnwatched(folder: string, reason: string): void {
    if (this.#unwatched.has(folder)) return;
    this.#unwatched.add(folder);
    this.#options.onUnwatched?.(folder, reason);
  }

  #unwatch(folder: string): void {
    this.#watchers.get(folder)?.close();
    this.#watchers.delete(folder);
  }
}

/** What cannot be read at the moment, or is in a folder that cannot, is not gone. */
function isWithin(path: string, unreadable: ReadonlyMap<string, string>): boolean {
  return [...unreadable.keys()].some((each) => path === each || path.startsWith(`${each}${sep}`));
}

/** The folder itself, or the nearest one above it in which it would appear. */
function existingFolder(path: string): string {
  return isFolder(path) || dirname(path) === path ? path : existingFolder(dirname(path));
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}

function readText(path: string): string | { readonly problem: string } {
  try {
    const { size } = statSync(path);
    if (size > MAX_TEXT_LENGTH) return { problem: `the file has ${size} bytes; at most ${MAX_TEXT_LENGTH} are read` };
    return readFileSync(path, 'utf8');
  } catch (error) {
    return { problem: `the file cannot be read: ${(error as Error).message}` };
  }
}
