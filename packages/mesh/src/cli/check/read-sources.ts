import { readFileSync, realpathSync, statSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import type { ManifestFile } from '@lateen/api/admin.ts';
import { LateenError } from '@lateen/api/lateen-error.ts';
import { scan } from '#pilot/registry/files/scan.ts';
import { UsageError } from '../command.ts';
import { entryKind, readAll, unreadable } from '../manifest-input.ts';

/** Far more than the configuration of any mesh; this only bounds the memory. */
const MAX_BYTES = 256 * 1024 * 1024;

export interface Sources {
  readonly files: readonly ManifestFile[];
  /** Folders of examples that were left out, as `up` leaves them out. */
  readonly skipped: readonly string[];
}

/**
 * Reads what was named: files whatever they are called, folders as `up` reads them, `-` for the standard input. Names
 * stay as they were given. Throws LAT0506, LAT0507, LAT0519.
 */
export async function readSources(
  paths: readonly string[],
  { cwd, stdin }: { readonly cwd: string; readonly stdin: NodeJS.ReadableStream },
): Promise<Sources> {
  if (paths.filter((path) => path === '-').length > 1) {
    throw new UsageError('The standard input can be read only once.', 'Give - once.');
  }
  const files: ManifestFile[] = [];
  const seen = new Set<string>();
  const skipped: string[] = [];
  let bytes = 0;
  const add = (file: string, manifest: string) => {
    bytes += Buffer.byteLength(manifest);
    if (bytes > MAX_BYTES) throw tooLarge();
    files.push({ file, manifest });
  };
  const addFile = (file: string) => {
    const absolute = resolve(cwd, file);
    // A file that is named and also lies in a folder that is named is one file.
    if (seen.has(absolute)) return;
    seen.add(absolute);
    add(file, readText(absolute, file));
  };
  for (const path of paths) {
    const absolute = resolve(cwd, path);
    if (path === '-') add('stdin', await readAll(stdin));
    else if (entryKind(absolute, path) !== 'folder') addFile(path);
    else {
      const found = folderFiles(absolute, path);
      for (const file of found.files) addFile(file);
      skipped.push(...found.skipped);
    }
  }
  return { files, skipped };
}

function folderFiles(absolute: string, shown: string): { files: string[]; skipped: string[] } {
  const root = realpathSync(absolute);
  const { files, skipped, problems } = scan([root]);
  const named = (path: string) => join(shown, relative(root, path));
  const [problem] = problems;
  if (problem !== undefined) {
    const message = `${named(problem.path)} cannot be read: ${problem.message}.`;
    throw new LateenError('LAT0506', message, 'Check its permissions.');
  }
  if (files.length > 0) return { files: files.map(named), skipped: skipped.map(named) };
  throw new LateenError(
    'LAT0507',
    `There is no manifest in ${shown}: no file of it ends in .yaml or .yml.`,
    skipped.length === 0
      ? 'Name a folder with .yaml or .yml files, or a single file, whatever it is called.'
      : `Folders of examples are read only when they are named: ${skipped.map(named).join(', ')}.`,
  );
}

function readText(absolute: string, shown: string): string {
  try {
    if (statSync(absolute).size > MAX_BYTES) throw tooLarge();
    return readFileSync(absolute, 'utf8');
  } catch (error) {
    throw error instanceof LateenError ? error : unreadable(shown, error);
  }
}

function tooLarge(): LateenError {
  const message = `The manifests are larger than ${MAX_BYTES / 1024 / 1024} MiB together.`;
  return new LateenError('LAT0519', message, 'Check them in several calls.');
}
