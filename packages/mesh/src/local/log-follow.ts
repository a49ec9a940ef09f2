import { closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { errorCodeOf } from '@lateen/api/lateen-error.ts';
import { startOfLastLines } from './logs.ts';
import { fileError } from './private-files.ts';

const POLL_MS = 100;
const CHUNK_BYTES = 64 * 1024;

export interface FollowOptions {
  /** Go on with what is written from now on, until the signal. */
  readonly follow: boolean;
  /** Start this many lines before the end; everything if not given. */
  readonly tailLines?: number;
}

/**
 * Reads a log, and follows it through rotation and replacement. With `follow` a missing file is waited for; without, it
 * is LAT0302. Resolves at the end of the file, or, following, when `signal` aborts.
 */
export async function followLog(
  path: string,
  options: FollowOptions,
  onChunk: (chunk: Buffer) => void,
  signal?: AbortSignal,
): Promise<void> {
  let fd: number | undefined;
  let position: number | undefined;
  try {
    while (signal?.aborted !== true) {
      fd ??= open(path, options.follow);
      if (fd !== undefined) {
        position ??= options.tailLines === undefined ? 0 : startOfLastLines(fd, options.tailLines);
        position = readFrom(fd, position, onChunk, signal);
      }
      if (!options.follow) return;
      try {
        await delay(POLL_MS, undefined, signal === undefined ? {} : { signal });
      } catch {
        return;
      }
      if (fd !== undefined && isReplaced(fd, path)) {
        readFrom(fd, position ?? 0, onChunk, signal);
        closeSync(fd);
        fd = undefined;
        position = 0;
      }
    }
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

/** Reads to the end and gives the new position. A file that became shorter was rotated: it starts again. */
function readFrom(fd: number, from: number, onChunk: (chunk: Buffer) => void, signal?: AbortSignal): number {
  let position = fstatSync(fd).size < from ? 0 : from;
  while (signal?.aborted !== true) {
    const buffer = Buffer.alloc(CHUNK_BYTES);
    const length = readSync(fd, buffer, 0, buffer.length, position);
    if (length === 0) break;
    position += length;
    onChunk(buffer.subarray(0, length));
  }
  return position;
}

function open(path: string, mayBeMissing: boolean): number | undefined {
  try {
    return openSync(path, 'r');
  } catch (error) {
    if (mayBeMissing && errorCodeOf(error) === 'ENOENT') return undefined;
    throw fileError(path, 'read', error);
  }
}

function isReplaced(fd: number, path: string): boolean {
  try {
    const now = statSync(path);
    const open = fstatSync(fd);
    return now.ino !== open.ino || now.dev !== open.dev;
  } catch {
    return false;
  }
}
