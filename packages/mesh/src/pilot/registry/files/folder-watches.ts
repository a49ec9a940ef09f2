import { type FSWatcher, watch } from 'node:fs';
import { basename, join } from 'node:path';
import { markOf } from './file-texts.ts';

export interface FolderWatchesOptions {
  /** Something happened to what stands at the path. */
  readonly onEvent: (path: string) => void;
  /** Something happened in the folder, or to it: it has to be looked through. */
  readonly onFolderEvent: (folder: string) => void;
  /** A folder cannot be watched. Told once for each folder. */
  readonly onUnwatched: (folder: string, reason: string) => void;
}

/** Watches folders, not what is below them. */
export class FolderWatches {
  readonly #options: FolderWatchesOptions;
  readonly #watchers = new Map<string, FSWatcher>();
  /** How each folder was when it was added, the last time. */
  readonly #marks = new Map<string, string | undefined>();
  readonly #unwatched = new Set<string>();
  readonly #told = new Set<string>();

  constructor(options: FolderWatchesOptions) {
    this.#options = options;
  }

  /** Those of which no event tells. */
  get unwatched(): ReadonlySet<string> {
    return this.#unwatched;
  }

  folders(): IterableIterator<string> {
    return this.#marks.keys();
  }

  /**
   * Watches the folder, to be looked through next. Whether that is new: its files may be others than those that were read
   * before.
   */
  add(folder: string): boolean {
    const mark = markOf(folder);
    const isSame = this.#watchers.has(folder) && inodeOf(this.#marks.get(folder)) === inodeOf(mark);
    if (!isSame) {
      this.drop(folder);
      this.#watch(folder);
    }
    this.#marks.set(folder, mark);
    return !isSame;
  }

  /** Whether something may have come or gone in the folder since `add`, or it is another one of the same name. */
  mayDiffer(folder: string): boolean {
    return markOf(folder) !== this.#marks.get(folder);
  }

  drop(folder: string): void {
    this.#watchers.get(folder)?.close();
    this.#watchers.delete(folder);
    this.#marks.delete(folder);
    this.#unwatched.delete(folder);
  }

  close(): void {
    for (const watcher of this.#watchers.values()) watcher.close();
    this.#watchers.clear();
  }

  #watch(folder: string): void {
    const { onEvent, onFolderEvent } = this.#options;
    try {
      const watcher = watch(folder, { persistent: true }, (event, name) => {
        const isFolderItself = name === basename(folder);
        // It was removed or renamed; another of its name needs a watch of its own.
        if (event === 'rename' && isFolderItself) this.drop(folder);
        if (name === null || isFolderItself) onFolderEvent(folder);
        else onEvent(join(folder, name));
      });
      watcher.on('error', () => {
        this.drop(folder);
        onFolderEvent(folder);
      });
      this.#watchers.set(folder, watcher);
    } catch (error) {
      // If it went away between the scan and now, its parent's event brings the next scan.
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
      this.#unwatched.add(folder);
      if (this.#told.has(folder)) return;
      this.#told.add(folder);
      this.#options.onUnwatched(folder, (error as Error).message);
    }
  }
}

function inodeOf(mark: string | undefined): string | undefined {
  return mark?.split(' ', 1)[0];
}
