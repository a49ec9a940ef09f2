import { mkdirSync, readFileSync, statSync, unlinkSync } from 'node:fs';
import { errorCodeOf, LateenError, messageOf } from '@lateen/api/lateen-error.ts';
import { replaceFile } from '#files/replace-file.ts';

/**
 * Files of the state directory. All are private to the user: they hold keys and tokens. Failures name the path and the
 * remedy (LAT0302), and a full disk has a code of its own (LAT0303), since everything that runs can go on then.
 */

/** Creates a directory with mode 0700, or checks that the one there is ours and closed to others. */
export function ensurePrivateDirectory(path: string): void {
  guarded(path, 'create', () => mkdirSync(path, { recursive: true, mode: 0o700 }));
  const stat = guarded(path, 'read', () => statSync(path));
  if (!stat.isDirectory()) {
    throw new LateenError(
      'LAT0302',
      `${path} is not a directory.`,
      'Move it away, or set LATEEN_HOME to another place.',
    );
  }
  const uid = process.getuid?.();
  if (uid !== undefined && stat.uid !== uid) {
    throw new LateenError(
      'LAT0302',
      `${path} belongs to another user (uid ${stat.uid}, you are ${uid}).`,
      `Set LATEEN_HOME to another place, or take it over: sudo chown -R ${uid} ${path}`,
    );
  }
  if ((stat.mode & 0o077) !== 0) {
    throw new LateenError(
      'LAT0302',
      `${path} is open to other users (mode ${(stat.mode & 0o777).toString(8)}), but keys are kept in it.`,
      `If others had access for long, delete it: keys are made anew. Else close it: chmod 700 ${path}`,
    );
  }
  if ((stat.mode & 0o700) !== 0o700) {
    throw new LateenError('LAT0302', `${path} cannot be written to.`, `Open it: chmod 700 ${path}`);
  }
}

/** Replaces the file in one step, so that a reader or a crash never meets half of it. Mode 0600. */
export function writePrivateFile(path: string, text: string): void {
  guarded(path, 'write', () => replaceFile(path, text));
}

/** The text, or undefined if there is no such file. */
export function readPrivateFile(path: string): string | undefined {
  return guarded(path, 'read', () => {
    try {
      return readFileSync(path, 'utf8');
    } catch (error) {
      if (errorCodeOf(error) === 'ENOENT') return undefined;
      throw error;
    }
  });
}

export function removeFile(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if (errorCodeOf(error) !== 'ENOENT') throw fileError(path, 'remove', error);
  }
}

export function fileError(path: string, verb: string, error: unknown): LateenError {
  const code = errorCodeOf(error);
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new LateenError(
      'LAT0303',
      `Cannot ${verb} ${path}: the disk is full.`,
      'Free some space. What runs keeps running, but changes cannot be stored until then.',
      { cause: error },
    );
  }
  const reason = messageOf(error);
  return new LateenError(
    'LAT0302',
    `Cannot ${verb} ${path}: ${reason}.`,
    'Check who owns it and its permissions, or set LATEEN_HOME to another place.',
    { cause: error },
  );
}

function guarded<T>(path: string, verb: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    throw fileError(path, verb, error);
  }
}
