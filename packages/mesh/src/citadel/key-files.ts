import type { Stats } from 'node:fs';
import { cp, mkdir, mkdtemp, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { errorCodeOf, LateenError, messageOf } from '@lateen/api/lateen-error.ts';

/**
 * Directories of keys and certificates. They appear whole or not at all, are on the disk before anything relies on
 * them, and what is there is never replaced because it could not be read.
 */

export interface KeyFile {
  readonly text: string;
  /** Private keys get mode 0600, the rest 0644; the directory is closed to others anyway. */
  readonly secret: boolean;
}

export type KeyFiles = Readonly<Record<string, KeyFile>>;

/** Far above any certificate chain; a file of this size is something else. */
const maxFileBytes = 256 * 1024;

/**
 * Takes up `directory` where a crash may have left it, or creates it (mode 0700) with the files of `make` if there are
 * none yet.
 * @throws LateenError LAT0405, LAT0406, LAT0408
 */
export async function ensureKeyDirectory(directory: string, make: () => KeyFiles): Promise<void> {
  await recoverKeyDirectory(directory);
  const names = await listKeyDirectory(directory);
  if (names === null || names.length === 0) await createKeyDirectory(directory, make());
}

/** In one step. If another process was quicker, nothing changes. */
async function createKeyDirectory(directory: string, files: KeyFiles): Promise<void> {
  await guardWrite(directory, async () => {
    await mkdir(dirname(directory), { recursive: true, mode: 0o700 });
    const temporary = await mkdtemp(`${directory}.new-`);
    try {
      await writeFiles(temporary, files);
      // Takes the place of an empty directory, but not of one that holds files.
      await rename(temporary, directory);
    } catch (error) {
      await rm(temporary, { recursive: true, force: true });
      if (errorCodeOf(error) === 'ENOTEMPTY' || errorCodeOf(error) === 'EEXIST') return;
      throw error;
    }
    await syncDirectory(dirname(directory));
  });
}

/**
 * Replaces some files of `directory` together: after a crash, {@link ensureKeyDirectory} finds the old or the new ones.
 * @throws LateenError LAT0408
 */
export async function replaceKeyFiles(directory: string, files: KeyFiles): Promise<void> {
  await guardWrite(directory, async () => {
    const temporary = await mkdtemp(`${directory}.new-`);
    try {
      await cp(directory, temporary, { recursive: true, preserveTimestamps: true });
      await writeFiles(temporary, files);
      await rename(directory, previousOf(directory));
      await rename(temporary, directory);
    } catch (error) {
      await recoverKeyDirectory(directory);
      await rm(temporary, { recursive: true, force: true });
      throw error;
    }
    await syncDirectory(dirname(directory));
    await rm(previousOf(directory), { recursive: true, force: true });
  });
}

/** Completes or takes back what a crash has cut short. */
async function recoverKeyDirectory(directory: string): Promise<void> {
  await guardWrite(directory, async () => {
    await removeAbandoned(directory);
    const previous = previousOf(directory);
    if ((await listKeyDirectory(previous)) === null) return;
    const current = await listKeyDirectory(directory);
    if (current === null || current.length === 0) await rename(previous, directory);
    else await rm(previous, { recursive: true, force: true });
  });
}

/**
 * Names of the files in `directory`, or null if there is none.
 * @throws LateenError LAT0406 when it cannot be read, LAT0405 when others may write to it
 */
export async function listKeyDirectory(directory: string): Promise<string[] | null> {
  try {
    const handle = await open(directory, 'r');
    try {
      const stats = await handle.stat();
      if (!stats.isDirectory()) {
        throw new LateenError('LAT0406', `${directory} is not a directory.`, 'Move it away and start again.');
      }
      checkOwner(directory, stats);
      checkMode(directory, stats, 0o022, 'may be written to by', '700');
    } finally {
      await handle.close();
    }
    return await readdir(directory);
  } catch (error) {
    if (errorCodeOf(error) === 'ENOENT') return null;
    throw readError(directory, error);
  }
}

/**
 * The text of a certificate or public key, or null if there is no such file.
 * @throws LateenError LAT0405 when others may write to it, LAT0406 when it cannot be read
 */
export function readPublicFile(path: string): Promise<string | null> {
  return readChecked(path, 0o022, 'may be written to by', '644');
}

/**
 * The text of a private key, or null if there is no such file.
 * @throws LateenError LAT0405 when others may read or write it, LAT0406 when it cannot be read
 */
export function readPrivateFile(path: string): Promise<string | null> {
  return readChecked(path, 0o077, 'is open to', '600');
}

async function readChecked(path: string, forbidden: number, state: string, remedyMode: string): Promise<string | null> {
  try {
    const handle = await open(path, 'r');
    try {
      // Of the open file, so that what is checked is what is read.
      const stats = await handle.stat();
      if (!stats.isFile()) throw new LateenError('LAT0406', `${path} is not a file.`, 'Move it away and start again.');
      checkOwner(path, stats);
      checkMode(path, stats, forbidden, state, remedyMode);
      if (stats.size > maxFileBytes) {
        throw new LateenError(
          'LAT0406',
          `${path} is larger than a key or certificate can be.`,
          'Put the right file there.',
        );
      }
      return await handle.readFile('utf8');
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (errorCodeOf(error) === 'ENOENT') return null;
    throw readError(path, error);
  }
}

function checkOwner(path: string, stats: Stats): void {
  const uid = process.getuid?.();
  if (uid === undefined || stats.uid === uid) return;
  throw new LateenError(
    'LAT0406',
    `${path} belongs to another user (uid ${stats.uid}, this process has uid ${uid}).`,
    `Take it over with \`sudo chown -R ${uid} ${path}\`, or use another state directory.`,
  );
}

function checkMode(path: string, stats: Stats, forbidden: number, state: string, remedyMode: string): void {
  if ((stats.mode & forbidden) === 0) return;
  throw new LateenError(
    'LAT0405',
    `${path} ${state} other users (mode ${(stats.mode & 0o777).toString(8).padStart(3, '0')}).`,
    `Close it with \`chmod ${remedyMode} ${path}\`. If others may have used it, make new keys instead.`,
  );
}

async function writeFiles(directory: string, files: KeyFiles): Promise<void> {
  for (const [name, file] of Object.entries(files)) {
    const path = join(directory, name);
    await rm(path, { force: true });
    const handle = await open(path, 'wx', file.secret ? 0o600 : 0o644);
    try {
      await handle.writeFile(file.text);
      await handle.sync();
    } finally {
      await handle.close();
    }
  }
  await syncDirectory(directory);
}

/** Makes names in it survive a power cut. Some file systems cannot do that for directories. */
async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } catch (error) {
    if (errorCodeOf(error) !== 'EINVAL' && errorCodeOf(error) !== 'EPERM') throw error;
  } finally {
    await handle.close();
  }
}

/** Another process may be writing to a young one. */
const abandonedAfterMs = 10 * 60 * 1000;

async function removeAbandoned(directory: string): Promise<void> {
  const parent = dirname(directory);
  const names = await readdir(parent).catch(() => []);
  for (const name of names.filter((one) => one.startsWith(`${basename(directory)}.new-`))) {
    const stats = await stat(join(parent, name)).catch(() => null);
    if (stats && Date.now() - stats.mtimeMs > abandonedAfterMs)
      await rm(join(parent, name), { recursive: true, force: true });
  }
}

function previousOf(directory: string): string {
  return `${directory}.old`;
}

async function guardWrite(directory: string, action: () => Promise<void>): Promise<void> {
  try {
    await action();
  } catch (error) {
    if (error instanceof LateenError) throw error;
    const full = errorCodeOf(error) === 'ENOSPC' || errorCodeOf(error) === 'EDQUOT';
    throw new LateenError(
      'LAT0408',
      full
        ? `Cannot write keys to ${directory}: the disk is full.`
        : `Cannot write keys to ${directory}: ${messageOf(error)}`,
      full
        ? 'Free some space and start again.'
        : 'Check the permissions of the directory that it is in, or use another state directory.',
      { cause: error },
    );
  }
}

function readError(path: string, error: unknown): LateenError {
  if (error instanceof LateenError) return error;
  return new LateenError(
    'LAT0406',
    `Cannot read ${path}: ${messageOf(error)}`,
    'Check who owns it and its permissions, or use another state directory.',
    { cause: error },
  );
}
