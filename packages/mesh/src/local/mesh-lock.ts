import { linkSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { errorCodeOf, LateenError } from '@lateen/api/lateen-error.ts';
import { fileError, readPrivateFile, removeFile } from './private-files.ts';
import { isSameProcess, processStartTime } from './process-identity.ts';

export interface MeshLock {
  release(): void;
}

/**
 * One supervisor for each mesh. The lock names its holder, so one whose holder is dead is taken over. It appears
 * complete (by link(2)), so nobody can read half of it. Throws LAT0301 if the mesh runs.
 */
export function lockMesh(mesh: string, stateDir: string): MeshLock {
  const path = join(stateDir, 'lock');
  const mine = JSON.stringify({ pid: process.pid, startTime: processStartTime(process.pid) });
  const temporary = `${path}.${process.pid}`;
  try {
    removeFile(temporary);
    writeFileSync(temporary, mine, { mode: 0o600, flag: 'wx' });
    for (;;) {
      try {
        linkSync(temporary, path);
        return { release: () => releaseLock(path, mine) };
      } catch (error) {
        if (errorCodeOf(error) !== 'EEXIST') throw error;
      }
      const text = readPrivateFile(path);
      if (text === undefined) continue;
      const pid = liveHolder(text);
      if (pid !== null) {
        throw new LateenError(
          'LAT0301',
          `The mesh ${mesh} is running already: process ${pid}.`,
          `Stop it with lateen down --mesh ${mesh}, or start another one beside it with --mesh OTHER.`,
        );
      }
      removeStale(path, text);
    }
  } catch (error) {
    throw error instanceof LateenError ? error : fileError(path, 'write', error);
  } finally {
    removeFile(temporary);
  }
}

/** Moves the stale lock away. If somebody else was quicker and it is a new one that was moved, puts it back. */
function removeStale(path: string, staleText: string): void {
  const aside = `${path}.${process.pid}.stale`;
  try {
    renameSync(path, aside);
  } catch (error) {
    if (errorCodeOf(error) === 'ENOENT') return;
    throw error;
  }
  if (readPrivateFile(aside) !== staleText) {
    try {
      linkSync(aside, path);
    } catch (error) {
      if (errorCodeOf(error) !== 'EEXIST') throw error;
    }
  }
  removeFile(aside);
}

function liveHolder(text: string): number | null {
  try {
    const { pid, startTime } = JSON.parse(text) as { pid?: unknown; startTime?: unknown };
    if (typeof pid === 'number' && typeof startTime === 'string' && isSameProcess(pid, startTime)) return pid;
  } catch {
    // Not written by us: nobody holds it.
  }
  return null;
}

function releaseLock(path: string, mine: string): void {
  if (readPrivateFile(path) === mine) removeFile(path);
}
