import { chmod, lstat, mkdtemp, rename, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { dirname, join } from 'node:path';
import { type Server, ServerCredentials } from '@grpc/grpc-js';
import { LateenError, messageOf } from '@lateen/api/lateen-error.ts';

/** unix(7): sun_path has 108 bytes on Linux and 104 on macOS, with the closing zero. */
const maxPathBytes = process.platform === 'linux' ? 107 : 103;

export interface ListeningSocket {
  /** Takes the file away, so that nobody connects any more. To be called before the server stops listening. */
  remove(): Promise<void>;
}

/**
 * Serves on a Unix socket that only this user can connect to: others never see it with a wider mode than 0600. A socket
 * that a killed process left is replaced. When this fails, the server is shut down.
 * @throws LateenError LAT0431 when another process serves there, LAT0461 when the path cannot be a socket
 */
export async function listenOnSocket(
  server: Server,
  path: string,
  credentials: ServerCredentials = ServerCredentials.createInsecure(),
): Promise<ListeningSocket> {
  try {
    return await claimSocket(path, (bindPath) => bind(server, bindPath, credentials));
  } catch (error) {
    server.forceShutdown();
    throw error;
  }
}

/**
 * Listens in a directory that only this user can enter, and moves the socket to its place when its mode is right.
 * @throws LateenError LAT0431, LAT0461, as above
 */
export async function claimSocket(path: string, listen: (bindPath: string) => Promise<void>): Promise<ListeningSocket> {
  checkLength(path, path);
  await refuseUnlessFree(path);
  const directory = await mkdtemp(join(dirname(path), '.s')).catch((error: unknown) => {
    throw unusable(path, `its directory cannot be written to (${messageOf(error)})`, error);
  });
  try {
    const bindPath = join(directory, 's');
    checkLength(bindPath, path);
    await listen(bindPath).catch((error: unknown) => {
      throw unusable(path, messageOf(error), error);
    });
    await chmod(bindPath, 0o600);
    const { dev, ino } = await lstat(bindPath);
    // Again, for one that has started meanwhile.
    await refuseUnlessFree(path);
    await rename(bindPath, path);
    return {
      async remove() {
        const current = await lstat(path).catch(() => null);
        // Not that of another process which came after someone had deleted ours.
        if (current?.dev === dev && current.ino === ino) await rm(path, { force: true });
      },
    };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

function bind(server: Server, path: string, credentials: ServerCredentials): Promise<void> {
  return new Promise((resolve, reject) => {
    server.bindAsync(`unix:${path}`, credentials, (error) => (error ? reject(error) : resolve()));
  });
}

function checkLength(path: string, wanted: string): void {
  const bytes = Buffer.byteLength(path);
  if (bytes <= maxPathBytes) return;
  throw unusable(
    wanted,
    `with ${bytes} bytes it is longer than the ${maxPathBytes} that the path of a socket may have`,
  );
}

/** Nothing is there, or a socket that nobody serves on. */
async function refuseUnlessFree(path: string): Promise<void> {
  const file = await lstat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw unusable(path, error.message, error);
  });
  if (file === null) return;
  if (!file.isSocket()) throw unusable(path, 'what is there is not a socket');
  if (await answers(path)) {
    throw new LateenError('LAT0431', `Another process serves on ${path}.`, 'Stop it, or use another state directory.');
  }
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    // Refused: nobody listens. Anything else, such as a full backlog, comes from one who does.
    socket.once('error', ({ code }: NodeJS.ErrnoException) => resolve(code !== 'ECONNREFUSED' && code !== 'ENOENT'));
  });
}

function unusable(path: string, why: string, cause?: unknown): LateenError {
  return new LateenError(
    'LAT0461',
    `Cannot serve on the Unix socket ${path}: ${why}.`,
    'Use another, shorter path in a directory of your own.',
    { cause },
  );
}
