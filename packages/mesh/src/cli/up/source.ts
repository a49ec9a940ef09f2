import { realpathSync } from 'node:fs';
import { relative, resolve, sep } from 'node:path';
import { LateenError } from '@lateen/api/lateen-error.ts';
import { scan } from '#pilot/registry/files/scan.ts';
import { entryKind, unreadable } from '../manifest-input.ts';
import { meshNameFor } from './mesh-name.ts';

export interface MeshSource {
  /** Absolute, without symbolic links: a folder of manifests, or a single one. */
  readonly dir: string;
  /** The same for `-f`. */
  readonly files: readonly string[];
  /** The name of the mesh if none is given. */
  readonly defaultName: string;
}

/**
 * What `up` is to read, found the way that the control plane finds it. Throws LAT0506 for what does not exist or cannot
 * be read, LAT0507 for a folder without manifests.
 */
export function resolveSource(dir: string, files: readonly string[], cwd: string): MeshSource {
  const path = realPath(dir, cwd);
  const more = files.map((file) => {
    const named = realPath(file, cwd);
    requireManifests(named, file, cwd);
    return named;
  });
  // All of it may be in folders of examples, as long as some of them are named.
  if (!more.some((file) => file.startsWith(`${path}${sep}`))) requireManifests(path, dir, cwd);
  return { dir: path, files: more, defaultName: meshNameFor(path) };
}

function requireManifests(path: string, shown: string, cwd: string): void {
  const kind = entryKind(path, shown);
  if (kind === 'file') return;
  if (kind === 'stream') {
    throw new LateenError(
      'LAT0506',
      `${shown} is neither a file nor a folder, so it cannot be watched.`,
      'Name a manifest or a folder of manifests.',
    );
  }
  const { files, skipped, problems } = scan([path]);
  if (files.length > 0) return;
  const [problem] = problems;
  if (problem !== undefined) {
    throw new LateenError('LAT0506', `${problem.path} cannot be read: ${problem.message}.`, 'Check its permissions.');
  }
  const examples = skipped.filter((folder) => scan([folder]).files.length > 0).map((folder) => nameIn(folder, cwd));
  if (examples.length > 0) {
    throw new LateenError(
      'LAT0507',
      `All manifests in ${shown} are in folders of examples, which are read only when they are named: ${examples.join(', ')}.`,
      `Name what to read: lateen up ${shown} -f ${examples[0]}`,
    );
  }
  throw new LateenError(
    'LAT0507',
    `There is no manifest in ${shown}: no file of it ends in .yaml or .yml.`,
    'Name a folder with .yaml or .yml files, or a single file, whatever it is called.',
  );
}

/** As one would type it here. */
function nameIn(path: string, cwd: string): string {
  const short = relative(realPath('.', cwd), path);
  return short === '' || short.startsWith('..') ? path : short;
}

function realPath(path: string, cwd: string): string {
  try {
    return realpathSync(resolve(cwd, path));
  } catch (error) {
    throw unreadable(path, error);
  }
}
