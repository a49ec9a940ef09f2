import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { LateenError } from '@lateen/api/lateen-error.ts';
import { listMeshes } from '#local/mesh-file.ts';
import { readPrivateFile, writePrivateFile } from '#local/private-files.ts';
import { meshPaths } from '#local/state-paths.ts';

/**
 * A mesh's certificates and applied objects belong to the folder that it was first started for. Another folder of the
 * same name must not get them by accident. Throws LAT0301 if the mesh runs, LAT0508 if it is that of another folder,
 * LAT0306 if the name cannot be one.
 */
export function checkOwnership(mesh: string, dir: string): void {
  const { stateDir } = meshPaths(mesh);
  const running = listMeshes().find((each) => each.mesh === mesh && each.alive);
  if (running !== undefined) {
    throw new LateenError(
      'LAT0301',
      `The mesh ${mesh} is running already: process ${running.pid}, with ${running.dir}.`,
      `Stop it with lateen down --mesh ${mesh}, or start another one beside it with --mesh OTHER.`,
    );
  }
  const owner = readOwner(stateDir);
  // A folder that was moved away takes its mesh along.
  if (owner === undefined || owner === dir || !existsSync(owner)) return;
  throw new LateenError(
    'LAT0508',
    `The name ${mesh} belongs to the mesh of ${owner}.`,
    `Choose another name with --mesh OTHER, or forget that mesh with lateen down --mesh ${mesh} --purge.`,
  );
}

/** Called by who holds the lock of the mesh. */
export function claimOwnership(mesh: string, dir: string): void {
  writePrivateFile(ownerFile(meshPaths(mesh).stateDir), `${JSON.stringify({ dir }, null, 2)}\n`);
}

function readOwner(stateDir: string): string | undefined {
  const text = readPrivateFile(ownerFile(stateDir));
  if (text === undefined) return undefined;
  try {
    const { dir } = JSON.parse(text) as { dir?: unknown };
    return typeof dir === 'string' ? dir : undefined;
  } catch {
    return undefined;
  }
}

function ownerFile(stateDir: string): string {
  return join(stateDir, 'source.json');
}
