import { createHash } from 'node:crypto';
import { homedir, tmpdir } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';
import { LateenError } from '@lateen/api/lateen-error.ts';
import { isDnsLabel } from '@lateen/api/names.ts';
import { ensurePrivateDirectory } from './private-files.ts';

/** Where a mesh keeps its things. */
export interface MeshPaths {
  /** `<root>/meshes/<name>`: mesh.json, ca/, tokens/, applied/, logs/. Survives the end of `up`. */
  readonly stateDir: string;
  /** Sockets, bootstraps and the process table. Only of use while the mesh runs. */
  readonly runDir: string;
}

/** Socket paths are limited to 103 bytes on macOS and 107 on Linux (unix(7), sun_path). */
const MAX_SOCKET_PATH_BYTES = 100;
/** Room for the longest file name in the run directory: `/` and 23 characters. */
const LONGEST_SOCKET_NAME = 24;

/** `$LATEEN_HOME`, else `$XDG_STATE_HOME/lateen`, else `~/.local/state/lateen`. Relative values are refused by XDG. */
export function stateRoot(env: NodeJS.ProcessEnv = process.env): string {
  if (env.LATEEN_HOME !== undefined && env.LATEEN_HOME !== '') return resolve(env.LATEEN_HOME);
  const xdg = env.XDG_STATE_HOME;
  if (xdg !== undefined && isAbsolute(xdg)) return join(xdg, 'lateen');
  return join(env.HOME === undefined || env.HOME === '' ? homedir() : env.HOME, '.local', 'state', 'lateen');
}

export function meshPaths(mesh: string, root: string = stateRoot()): MeshPaths {
  if (!isDnsLabel(mesh)) {
    throw new LateenError(
      'LAT0306',
      `${JSON.stringify(mesh)} cannot be the name of a mesh.`,
      'Use up to 63 lower-case letters, digits and dashes, with a letter or digit at both ends.',
    );
  }
  const stateDir = join(root, 'meshes', mesh);
  return { stateDir, runDir: runDirOf(stateDir) };
}

/** `<stateDir>/run`, or a short path in the temporary directory where the paths of sockets would become too long. */
export function runDirOf(stateDir: string, temporary: string = tmpdir()): string {
  const near = join(stateDir, 'run');
  if (Buffer.byteLength(near) + LONGEST_SOCKET_NAME <= MAX_SOCKET_PATH_BYTES) return near;
  const hash = createHash('sha256').update(stateDir).digest('hex').slice(0, 12);
  return join(temporary, `lateen-${process.getuid?.() ?? 'user'}`, hash);
}

/** Creates the directories, or checks that they are ours and closed to others. Throws LAT0302. */
export function prepareMeshDirectories(paths: MeshPaths): void {
  ensurePrivateDirectory(paths.stateDir);
  ensurePrivateDirectory(join(paths.stateDir, 'logs'));
  // The temporary directory is shared: the parent of the run directory must be ours as well.
  if (!paths.runDir.startsWith(paths.stateDir)) ensurePrivateDirectory(resolve(paths.runDir, '..'));
  ensurePrivateDirectory(paths.runDir);
}
