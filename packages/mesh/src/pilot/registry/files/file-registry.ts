import { lstatSync, statSync } from 'node:fs';
import { basename, dirname, relative, sep } from 'node:path';
import { diagnostic } from '@lateen/api/diagnostic.ts';
import { type ParseResult, parseDocuments } from '../../config/parse.ts';
import { FileTexts, readFile } from './file-texts.ts';
import { FolderWatches } from './folder-watches.ts';
import { isManifest, MAX_FILES, type Scan, scan } from './scan.ts';

/** Events are gathered for as long as they keep coming this quickly, but no longer than the maximum. */
const COALESCE_MS = 2;
const COALESCE_MAX_MS = 20;
/** A file that lost objects is read once more after this time: it may just have been half written. */
const CONFIRM_MS = 40;
/** Events get lost, and some file systems have none: so often, some files and folders are looked at without one. */
const PATROL_MS = 1_000;
const PATROL_PATHS = 100;
/** The kernel keeps 16,384 events, and drops what does not fit: of so many at once some may be missing. */
const MANY_EVENTS = 8_000;

export interface FileRegistryOptions {
  /** Absolute files and folders. */
  readonly roots: readonly string[];
  readonly defaultNamespace: string;
  /** Paths in messages are relative to this folder. */
  readonly cwd: string;
  /** What files say now; `undefined` for one that is gone. */
  readonly onResults: (results: ReadonlyMap<string, ParseResult | undefined>) => void;
  /** A folder cannot be watched, so edits in it are seen late. Told once for each folder. */
  readonly onUnwatched?: (folder: string, reason: string) => void;
  /** Whether a result takes objects away that were there. */
  readonly loses: (file: string, result: ParseResult | undefined) => boolean;
}

type Results = Map<string, ParseResult | undefined>;

/**
 * Reads the manifests below some folders, and each again when it changes. Folders are looked through only when something
 * other than a file changed: one came, went, or a link leads elsewhere.
 */
export class FileRegistry {
  readonly #options: FileRegistryOptions;
  readonly #watches: FolderWatches;
  readonly #texts = new FileTexts();
  /** What those with several documents gave: most of these are the same in the next version. */
  readonly #parsed = new Map<string, ParseResult>();
  /** What the last look through the folders found. */
  #folders: ReadonlySet<string> = new Set();
  #links: ReadonlyMap<string, string> = new Map();
  /** Links by where they lead. */
  #linksTo: ReadonlyMap<string, readonly string[]> = new Map();
  #skipped: readonly string[] = [];
  /** Why files and folders could not be read. */
  readonly #problems = new Map<string, string>();
  readonly #folderOf = new Map<string, string>();
  /** What happened since the last refresh: at these paths, and that the folders have to be looked through. */
  readonly #touched = new Set<string>();
  #isWide = false;
  /** Folders whose files may all be others, although nobody told of them. */
  readonly #suspect = new Set<string>();
  #timer: NodeJS.Timeout | undefined;
  #firstEventAtMs = 0;
  #lastRefreshAtMs = 0;
  #eventCount = 0;
  /** Files that seem to have lost objects since this refresh, and those that are looked at again when the timer ends. */
  readonly #doubted = new Set<string>();
  readonly #confirming = new Map<string, NodeJS.Timeout>();
  readonly #confirmed = new Set<string>();
  #patrolTimer: NodeJS.Timeout | undefined;
  #round: Generator<boolean, void>;
  #closed = false;

  constructor(options: FileRegistryOptions) {
    this.#options = options;
    this.#watches = new FolderWatches({
      onEvent: (path) => {
        this.#touched.add(path);
        this.#onEvent();
      },
      onFolderEvent: (folder) => {
        this.#isWide = true;
        this.#suspect.add(folder);
        this.#onEvent();
      },
      onUnwatched: (folder, reason) => options.onUnwatched?.(folder, reason),
    });
    this.#round = this.#patrolRound();
  }

  /** Reads everything once, synchronously, and starts to watch. */
  start(): Pick<Scan, 'skipped'> {
    this.#isWide = true;
    this.#refresh();
    this.#patrolTimer = setInterval(() => this.#patrol(), PATROL_MS).unref();
    return { skipped: this.#skipped };
  }

  /** The folder that a file's relative paths start from. */
  folderOf(file: string): string | undefined {
    return this.#folderOf.get(file);
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    clearInterval(this.#patrolTimer);
    for (const timer of new Set(this.#confirming.values())) clearTimeout(timer);
    this.#watches.close();
  }

  /** The first event after a quiet time is acted on at once; those that follow it are gathered. */
  #onEvent(): void {
    if (this.#closed) return;
    this.#eventCount++;
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
    const touched = this.#filesToRead();
    const results: Results = new Map();
    // What leads to no file, such as one that editors write for a moment, delays nothing that comes after it.
    if (touched.size > 0 || this.#isWide) this.#lastRefreshAtMs = performance.now();
    if (this.#isWide) this.#lookThroughFolders(touched, results);
    for (const path of touched) this.#readAgain(path, results);
    this.#confirmLater();
    if (results.size > 0) {
      this.#options.onResults(results);
      // Events that came meanwhile are gathered: each on its own, they would keep everything else from running.
      this.#lastRefreshAtMs = performance.now();
    }
  }

  /** Those that the events are about; notes whether the folders have to be looked through as well. */
  #filesToRead(): Set<string> {
    if (this.#eventCount > MANY_EVENTS) this.#suspectAll();
    this.#eventCount = 0;
    for (const folder of this.#watches.unwatched) {
      this.#isWide = true;
      this.#suspect.add(folder);
    }
    const files = new Set<string>();
    for (const path of this.#touched) this.#judge(path, files);
    this.#touched.clear();
    return files;
  }

  #judge(path: string, files: Set<string>): void {
    const { roots } = this.#options;
    const kind = kindOf(path);
    const isKnown = this.#texts.has(path) || this.#problems.has(path);
    if (kind === 'file') {
      for (const link of this.#linksTo.get(path) ?? []) files.add(link);
      const isNew = !isKnown && isManifest(basename(path)) && this.#folders.has(dirname(path));
      const wasOther = this.#links.has(path) || this.#folders.has(path);
      if (wasOther || (!isKnown && roots.includes(path)) || (isNew && this.#texts.size >= MAX_FILES)) {
        this.#isWide = true;
      } else if (isKnown || isNew) files.add(path);
      return;
    }
    const isRoot = roots.some((root) => root === path || root.startsWith(`${path}${sep}`));
    // Anything that is no file may be a part of the way that a link leads.
    if (kind === 'other' || isRoot || this.#folders.has(path) || this.#links.size > 0) this.#isWide = true;
    else if (isKnown) files.add(path);
  }

  #suspectAll(): void {
    this.#isWide = true;
    for (const folder of this.#watches.folders()) this.#suspect.add(folder);
  }

  /** Adds to `touched` what has to be read because it is new, gone, or may be another file than before. */
  #lookThroughFolders(touched: Set<string>, results: Results): void {
    this.#isWide = false;
    const { roots } = this.#options;
    const suspect = new Set(this.#suspect);
    this.#suspect.clear();
    const wanted = new Set<string>();
    // Before they are looked into: so nothing can be written there between the look and the watch.
    const enter = (folder: string) => {
      if (wanted.has(folder)) return;
      wanted.add(folder);
      if (this.#watches.add(folder)) suspect.add(folder);
    };
    // A single file is watched by way of its folder: editors replace files, and a watch would stay with the old one.
    for (const root of roots) enter(existingFolder(root));
    const found = scan(roots, enter);
    for (const folder of [...this.#watches.folders()]) if (!wanted.has(folder)) this.#watches.drop(folder);
    const linksBefore = this.#links;
    this.#skipped = found.skipped;
    this.#folders = new Set(found.folders);
    this.#links = found.links;
    this.#linksTo = Map.groupBy(found.links.keys(), (link) => found.links.get(link) ?? link);

    for (const path of found.files) {
      const real = found.links.get(path);
      const isOther = linksBefore.get(path) !== real || !this.#texts.has(path);
      const isSuspect = suspect.has(dirname(path)) || (real !== undefined && suspect.has(dirname(real)));
      if (isOther || (isSuspect && this.#texts.mayDiffer(path))) touched.add(path);
    }
    const unreadable = new Map(found.problems.map(({ path, message }) => [path, message]));
    for (const [path, message] of unreadable) {
      touched.delete(path);
      this.#tellProblem(path, message, results);
    }
    const present = new Set(found.files);
    for (const path of new Set([...this.#texts.paths(), ...this.#problems.keys()])) {
      if (present.has(path) || isWithin(path, unreadable)) continue;
      touched.delete(path);
      this.#takeAway(path, results);
    }
  }

  #readAgain(path: string, results: Results): void {
    const file = readFile(path);
    if (file === undefined) {
      this.#takeAway(path, results);
    } else if ('problem' in file) {
      this.#tellProblem(path, file.problem, results);
    } else if (this.#texts.isKnown(path, file)) {
      this.#confirming.delete(path);
      this.#texts.take(path, file);
    } else {
      const result = parseDocuments(file.text, this.#label(path), this.#options, this.#parsed.get(path));
      if (result.parts !== undefined) this.#parsed.set(path, result);
      if (this.#believe(path, result, results)) this.#texts.take(path, file);
    }
  }

  #takeAway(path: string, results: Results): void {
    if (!this.#believe(path, undefined, results)) return;
    this.#texts.forget(path);
    this.#parsed.delete(path);
  }

  #believe(path: string, result: ParseResult | undefined, results: Results): boolean {
    const label = this.#label(path);
    if (!this.#confirmed.has(path) && this.#options.loses(label, result)) {
      if (!this.#confirming.has(path)) this.#doubted.add(path);
      return false;
    }
    // The file is whole: should it lose objects again, that is looked at anew.
    this.#confirming.delete(path);
    results.set(label, result);
    this.#problems.delete(path);
    return true;
  }

  #tellProblem(path: string, message: string, results: Results): void {
    if (this.#problems.get(path) === message) return;
    this.#problems.set(path, message);
    this.#texts.forget(path);
    const problem = diagnostic('LAT0121', message, { file: this.#label(path) });
    results.set(this.#label(path), { objects: [], diagnostics: [problem], failed: [], syntaxErrors: true });
  }

  /** Looks again a little later at what is doubted now, and then believes what it sees. */
  #confirmLater(): void {
    if (this.#doubted.size === 0) return;
    const doubted = new Set(this.#doubted);
    this.#doubted.clear();
    const timer = setTimeout(() => {
      for (const path of doubted) {
        if (this.#confirming.get(path) !== timer) continue;
        this.#confirming.delete(path);
        this.#confirmed.add(path);
        this.#touched.add(path);
      }
      if (this.#confirmed.size > 0) this.#refresh();
      this.#confirmed.clear();
    }, CONFIRM_MS);
    for (const path of doubted) this.#confirming.set(path, timer);
  }

  /** Looks whether events are missing, at a few paths each time. */
  #patrol(): void {
    for (let count = 0; count < PATROL_PATHS; count++) {
      const { value, done } = this.#round.next();
      if (done === true) {
        this.#round = this.#patrolRound();
        return;
      }
      if (value) this.#onEvent();
    }
  }

  /** Step for step whether there is something to be read. */
  *#patrolRound(): Generator<boolean, void> {
    for (const path of this.#texts.paths()) {
      const differs = !isWithin(path, this.#problems) && this.#texts.mayDiffer(path);
      if (differs) this.#touched.add(path);
      yield differs;
    }
    for (const folder of this.#watches.folders()) {
      const differs = this.#watches.mayDiffer(folder);
      if (differs) this.#isWide = true;
      yield differs;
    }
    for (const path of this.#problems.keys()) {
      this.#touched.add(path);
      yield true;
    }
  }

  #label(path: string): string {
    const label = relative(this.#options.cwd, path);
    const name = label !== '' && label.length < path.length ? label : path;
    this.#folderOf.set(name, dirname(path));
    return name;
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

/** Of the path itself, wherever it leads if it is a link. */
function kindOf(path: string): 'file' | 'nothing' | 'other' {
  try {
    return lstatSync(path).isFile() ? 'file' : 'other';
  } catch {
    return 'nothing';
  }
}
