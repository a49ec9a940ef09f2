import { type Dirent, readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import type { ManifestFile } from '@lateen/api/admin.ts';
import { errorCodeOf, LateenError, messageOf } from '@lateen/api/lateen-error.ts';
import { UsageError } from './command.ts';

export interface InputOptions {
  /** What relative paths start from. */
  readonly cwd: string;
  readonly stdin: NodeJS.ReadableStream;
}

/** What one request to the admin API may hold. */
const maxInputBytes = 8 * 1024 * 1024;
const maxFiles = 10_000;
const manifestName = /\.(?:ya?ml|json)$/i;

/** Reads what was named with `-f`: files, folders with all below them, `-` for the standard input. */
export async function readManifests(paths: readonly string[], options: InputOptions): Promise<ManifestFile[]> {
  if (paths.filter((path) => path === '-').length > 1) {
    throw new UsageError('The standard input can be read only once.', 'Give -f - once.');
  }
  const files: ManifestFile[] = [];
  let bytes = 0;
  const add = (file: string, manifest: string) => {
    bytes += Buffer.byteLength(manifest);
    if (bytes > maxInputBytes) throw tooLarge();
    files.push({ file, manifest });
  };
  for (const path of paths) {
    if (path === '-') add('stdin', await readAll(options.stdin));
    else for (const file of manifestFiles(path, options.cwd)) add(file, readText(resolve(options.cwd, file)));
  }
  return files;
}

/** The file itself, or the manifests below a folder, sorted. Names stay as relative as they were given. */
function manifestFiles(path: string, cwd: string): string[] {
  const absolute = resolve(cwd, path);
  if (entryKind(absolute, path) !== 'folder') return [path];
  const files: string[] = [];
  collect(absolute, files);
  if (files.length === 0) {
    throw new LateenError(
      'LAT0507',
      `There is no manifest in ${path}.`,
      'Name a folder with .yaml, .yml or .json files.',
    );
  }
  return files.map((file) => join(path, relative(absolute, file)));
}

/** A stream can be read once only. Throws LAT0506 if there is nothing, or nothing that can be read. */
export function entryKind(absolute: string, shown: string): 'folder' | 'file' | 'stream' {
  try {
    const stat = statSync(absolute);
    if (stat.isDirectory()) return 'folder';
    if (stat.isFile()) return 'file';
    if (stat.isFIFO() || stat.isCharacterDevice()) return 'stream';
  } catch (error) {
    throw unreadable(shown, error);
  }
  throw new LateenError(
    'LAT0506',
    `${shown} is neither a file nor a folder.`,
    'Name a manifest or a folder of manifests.',
  );
}

function collect(folder: string, files: string[]): void {
  let entries: Dirent[];
  try {
    entries = readdirSync(folder, { withFileTypes: true });
  } catch (error) {
    throw unreadable(folder, error);
  }
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    if (entry.name.startsWith('.') || entry.name === 'node_modules') continue;
    const path = join(folder, entry.name);
    if (entry.isDirectory()) collect(path, files);
    else if (manifestName.test(entry.name)) files.push(path);
    if (files.length > maxFiles) {
      throw new LateenError(
        'LAT0519',
        `There are more than ${maxFiles} manifests in ${folder}.`,
        'Name a smaller folder.',
      );
    }
  }
}

function readText(path: string): string {
  try {
    if (statSync(path).size > maxInputBytes) throw tooLarge();
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw error instanceof LateenError ? error : unreadable(path, error);
  }
}

export async function readAll(stream: NodeJS.ReadableStream): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of stream) {
    const buffer = Buffer.from(chunk);
    bytes += buffer.length;
    if (bytes > maxInputBytes) throw tooLarge();
    chunks.push(buffer);
  }
  return Buffer.concat(chunks).toString('utf8');
}

export function unreadable(path: string, cause: unknown): LateenError {
  const code = errorCodeOf(cause);
  const message =
    code === 'ENOENT' || code === 'ENOTDIR'
      ? `${path} does not exist.`
      : code === 'EACCES' || code === 'EPERM'
        ? `${path} may not be read by this user.`
        : `${path} cannot be read: ${messageOf(cause)}.`;
  return new LateenError('LAT0506', message, 'Check the path and its permissions.', { cause });
}

function tooLarge(): LateenError {
  return new LateenError(
    'LAT0519',
    `The manifests are larger than ${maxInputBytes / 1024 / 1024} MiB together.`,
    'Apply them in several calls.',
  );
}
