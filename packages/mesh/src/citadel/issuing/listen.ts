import { chmod, lstat, unlink } from 'node:fs/promises';
import { connect } from 'node:net';
import { type Server, ServerCredentials } from '@grpc/grpc-js';
import { LateenError } from '@lateen/api/lateen-error.ts';

/** unix(7): sun_path has 108 bytes on Linux and 104 on macOS, with the closing zero. */
const maxSocketPathBytes = process.platform === 'darwin' ? 103 : 107;

/**
 * Serves on a Unix socket that only this user can connect to. A socket that a killed process left is replaced.
 * @throws LateenError LAT0431
 */
export async function listenOnSocket(server: Server, path: string): Promise<void> {
  if (Buffer.byteLength(path) > maxSocketPathBytes) {
    throw new LateenError(
      'LAT0431',
      `The path of the socket ${path} is longer than ${maxSocketPathBytes} bytes.`,
      'Use a shorter state directory.',
    );
  }
  if (await isServed(path)) {
    throw new LateenError('LAT0431', `Another process serves on ${path}.`, 'Stop it, or use another state directory.');
  }
  await removeStale(path);
  await new Promise<void>((resolve, reject) => {
    server.bindAsync(`unix:${path}`, ServerCredentials.createInsecure(), (error) => {
      if (error) reject(new LateenError('LAT0431', `Cannot serve on ${path}: ${error.message}`, '', { cause: error }));
      else resolve();
    });
  });
  await chmod(path, 0o600);
}

async function removeStale(path: string): Promise<void> {
  const stats = await lstat(path).catch(() => null);
  if (!stats) return;
  if (!stats.isSocket())
    throw new LateenError('LAT0431', `${path} is in the way: it is not a socket.`, 'Move it away.');
  await unlink(path);
}

function isServed(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
