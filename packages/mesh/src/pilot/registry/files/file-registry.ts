import { type FSWatcher, readFileSync, statSync, watch } from 'node:fs';
import { dirname, relative } from 'node:path';
import { diagnostic } from '@lateen/api/diagnostic.ts';
import { MAX_TEXT_LENGTH, type ParseResult, parseDocuments } from '../../config/parse.ts';
import { type Scan, scan } from './scan.ts';

/** Changes are gathered for as long as they keep coming this quickly, but no longer than the maximum. */
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
  /** Whether a result takes objects away that were there. */
  readonly loses: (file: string, result: ParseResult | undefined) => boolean;
}

/** Reads the manifests below some folders, and again whenever they change. */
export class FileRegistry {
  readonly #options: FileRegistryOptions;
  readonly #texts = new Map<string, string>();
  readonly #watchers = new Map<string, FSWatcher>();
  readonly #folderOf = new Map<string, string>();
  #scan: Scan = { files: [], folders: [], skipped: [], problems: [] };
  #timer: NodeJS.Timeout | undefined;
  #firstEventAtMs = 0;
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

  #onEvent(): void {
    if (this.#closed) return;
    const now = performance.now();
    if (this.#timer === undefined) this.#firstEventAtMs = now;
    clearTimeout(this.#timer);
    const wait = Math.min(COALESCE_MS, Math.max(0, this.#firstEventAtMs + COALESCE_MAX_MS - now));
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#refresh();
    }, wait);
  }

  #refresh(): void {
    const found = scan(this.#options.roots);
    this.#scan = found;
    this.#watchFolders(found);
    const results = new Map<string, ParseResult | undefined>();
    const take = (path: string, result: ParseResult | undefined) => {
      const label = this.#label(path);
      if (!this.#confirmed.has(path) && this.#options.loses(label, result)) {
        this.#confirm(path);
        return false;
      }
      results.set(label, result);
      return true;
    };
    for (const path of found.files) {
      const text = readText(path);
      if (typeof text === 'string') {
        if (this.#texts.get(path) === text) continue;
        const result = parseDocuments(text, this.#label(path), this.#options);
        if (take(path, result)) this.#texts.set(path, text);
      } else {
        const problem = diagnostic('LAT0121', text.problem, { file: this.#label(path) });
        results.set(this.#label(path), { objects: [], diagnostics: [problem], failed: [], syntaxErrors: true });
        this.#texts.delete(path);
      }
    }
    const present = new Set(found.files);
    for (const path of [...this.#texts.keys()]) {
      if (!present.has(path) && take(path, undefined)) this.#texts.delete(path);
    }
    for (const { path, message } of found.problems) {
      const problem = diagnostic('LAT0121', message, { file: this.#label(path) });
      results.set(this.#label(path), { objects: [], diagnostics: [problem], failed: [], syntaxErrors: true });
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

  #label(path: string): string {
    const label = relative(this.#options.cwd, path);
    const name = label !== '' && label.length < path.length ? label : path;
    this.#folderOf.set(name, dirname(path));
    return name;
  }

  #watchFolders({ files, folders }: Scan): void {
    // A single file is watched by way of its folder: editors replace files, and a watch would stay with the old one.
    const wanted = new Set([...folders, ...files.map((file) => dirname(file))]);
    for (const [folder, watcher] of this.#watchers) {
      if (wanted.has(folder)) continue;
      watcher.close();
      this.#watchers.delete(folder);
    }
    for (const folder of wanted) {
      if (this.#watchers.has(folder)) continue;
      try {
        const watcher = watch(folder, { persistent: true }, () => this.#onEvent());
        watcher.on('error', () => {
          watcher.close();
          this.#watchers.delete(folder);
          this.#onEvent();
        });
        this.#watchers.set(folder, watcher);
      } catch {
        // The folder went away between the scan and now; its parent's event brings the next scan.
      }
    }
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
