import { existsSync, rmSync } from 'node:fs';
import { LateenError } from '@lateen/api/lateen-error.ts';
import { endMesh, type FoundMesh, listMeshes } from '#local/mesh-file.ts';
import { cleanUpLeftovers } from '#local/process-table.ts';
import { meshPaths } from '#local/state-paths.ts';
import type { Context } from '../command.ts';
import { printable } from '../terminal.ts';

interface DownOptions {
  readonly mesh: string | undefined;
  readonly purge: boolean;
}

/** A mesh that does not run is no error: afterwards it is as the user wants it. */
export async function stopMesh({ mesh: name, purge }: DownOptions, { terminal }: Context): Promise<number> {
  const { stdout } = terminal;
  // Dead ones too: what they left behind is to be ended.
  const mesh = choose(listMeshes(), name);
  if (mesh === undefined) {
    if (name === undefined) {
      stdout.write('No mesh is running.\n');
      return 0;
    }
    const paths = meshPaths(name);
    await cleanUpLeftovers(paths.runDir);
    stdout.write(`The mesh ${name} is not running.\n`);
    if (purge) purgeState(name, stdout.write);
    return 0;
  }
  if (mesh.alive) stdout.write(`Stopping the mesh ${printable(mesh.mesh)}...\n`);
  const { ended } = await endMesh(mesh);
  if (!mesh.alive) stdout.write(`The supervisor of the mesh ${printable(mesh.mesh)} had been killed before.\n`);
  if (ended > 0) stdout.write(`Ended ${ended} ${ended === 1 ? 'process' : 'processes'} that were left behind.\n`);
  stdout.write(`The mesh ${printable(mesh.mesh)} is stopped.\n`);
  if (purge) purgeState(mesh.mesh, stdout.write);
  return 0;
}

/** A living mesh comes before the remains of others. */
function choose(meshes: readonly FoundMesh[], name: string | undefined): FoundMesh | undefined {
  if (name !== undefined) return meshes.find((each) => each.mesh === name);
  const alive = meshes.filter((each) => each.alive);
  const candidates = alive.length > 0 ? alive : meshes;
  if (candidates.length > 1) {
    throw new LateenError(
      'LAT0305',
      `Several meshes ${alive.length > 0 ? 'are running' : 'have left processes behind'}: ${candidates.map((each) => each.mesh).join(', ')}.`,
      'Say which one with --mesh NAME.',
    );
  }
  return candidates[0];
}

function purgeState(name: string, say: (text: string) => void): void {
  const { stateDir, runDir } = meshPaths(name);
  if (!existsSync(stateDir)) return;
  rmSync(runDir, { recursive: true, force: true });
  rmSync(stateDir, { recursive: true, force: true });
  say(`Removed ${stateDir}.\n`);
}
