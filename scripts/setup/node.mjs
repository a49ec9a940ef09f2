import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { SetupError } from './report.mjs';

const OLDEST_MAJOR = 24;

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
