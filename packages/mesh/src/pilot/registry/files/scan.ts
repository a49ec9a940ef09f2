import { readdirSync, realpathSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Folders of examples, to be read only when they are named with `-f`; and folders that never hold manifests. */
const OPTIONAL_FOLDERS = new Set(['routes', 'examples', 'optional']);
const FOREIGN_FOLDERS = new Set(['node_modules']);
/** Enough for the largest meshes; what has more is hardly a folder of manifests. */
export const MAX_FILES = 100_000;

export interface Scan {
  /** Manifest files, sorted. */
  readonly files: readonly string[];
  /** Every folder that was looked into. */
  readonly folders: readonly string[];
  /** Of those of the files that are symbolic links, or below one: where they really are. */
  readonly links: ReadonlyMap<string, string>;
  /** Folders of examples that were left out. */
  readonly skipped: readonly string[];
  /** Folders that could not be read, and why. */
  readonly problems: readonly { readonly path: string; readonly message: string }[];
}

/**
 * All YAML files below the roots. A root that is a file is taken whatever its name.
 *
 * @param enter called with each folder before it is looked into, and with each that a link leads into
 */
export function scan(roots: readonly string[], enter: (folder: string) => void = () => {}): Scan {
  const files = new Set<string>();
  const folders = new Set<string>();
  const links = new Map<string, string>();
  const skipped = new Set<string>();
  const problems: { path: string; message: string }[] = [];

  /** Adds a file that may be a link; false if it is no file. */
  const addLink = (path: string): boolean => {
    const real = realFile(path);
    if (real === undefined) return false;
    files.add(path);
    if (real !== path) links.set(path, real);
    enter(dirname(real));
    return true;
  };

  const visit = (folder: string): void => {
    if (folders.has(folder) || files.size >= MAX_FILES) return;
    folders.add(folder);
    enter(folder);
    let entries: { name: string; isDirectory(): boolean; isFile(): boolean; isSymbolicLink(): boolean }[];
    try {
      entries = readdirSync(folder, { withFileTypes: true });
    } catch (error) {
      // A folder that went away since its parent was read is just not there.
      const isGone = (error as NodeJS.ErrnoException).code === 'ENOENT' && !roots.includes(folder);
      if (!isGone) problems.push({ path: folder, message: (error as Error).message });
      return;
    }
    for (const entry of entries) {
      const path = join(folder, entry.name);
      if (entry.name.startsWith('.')) continue;
      if (entry.isDirectory()) {
        if (FOREIGN_FOLDERS.has(entry.name)) continue;
        if (OPTIONAL_FOLDERS.has(entry.name) && !roots.includes(path)) skipped.add(path);
        else visit(path);
      } else if (isManifest(entry.name)) {
        if (entry.isFile()) files.add(path);
        else if (entry.isSymbolicLink()) addLink(path);
      }
    }
  };

  for (const root of roots) {
    if (!addLink(root)) visit(root);
  }
  if (files.size >= MAX_FILES)
    problems.push({ path: roots[0] ?? '', message: `more than ${MAX_FILES} files; the rest is not read` });
  return { files: [...files].sort(), folders: [...folders], links, skipped: [...skipped].sort(), problems };
}

export function isManifest(name: string): boolean {
  return !name.startsWith('.') && (name.endsWith('.yaml') || name.endsWith('.yml'));
}

/** Where a regular file really is. What cannot be looked at is none: a link in circles, or into a closed folder. */
function realFile(path: string): string | undefined {
  try {
    const real = realpathSync(path);
    return statSync(real).isFile() ? real : undefined;
  } catch {
    return undefined;
  }
}
