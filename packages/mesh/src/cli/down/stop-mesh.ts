import { existsSync } from 'node:fs';
import { LateenError } from '@lateen/api/lateen-error.ts';
import { didYouMean } from '@lateen/api/suggest.ts';
import { cleanUpMesh, endMesh, type FoundMesh, listMeshes, storedMeshes } from '#local/mesh-file.ts';
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
      if (purge) refuseToGuess(storedMeshes());
      stdout.write('No mesh is running.\n');
    } else {
      await cleanUpStopped(name, purge, stdout.write);
    }
    return 0;
  }
  if (mesh.alive) stdout.write(`Stopping the mesh ${printable(mesh.mesh)}...\n`);
  const { ended } = await endMesh(mesh, { purge });
  if (!mesh.alive) stdout.write(`The supervisor of the mesh ${printable(mesh.mesh)} had been killed before.\n`);
  if (ended > 0) stdout.write(`Ended ${ended} ${ended === 1 ? 'process' : 'processes'} that were left behind.\n`);
  stdout.write(`The mesh ${printable(mesh.mesh)} is stopped.\n`);
  if (purge) stdout.write(removed(mesh.stateDir));
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

/** What is removed does not come back, so even the only stopped mesh has to be named. */
function refuseToGuess(stored: readonly string[]): void {
  const [first, ...others] = stored;
  if (first === undefined) return;
  throw others.length === 0
    ? new LateenError(
        'LAT0304',
        'No mesh is running, so nothing was removed.',
        `The mesh ${first} is stopped. To remove what it keeps: lateen down --mesh ${first} --purge`,
      )
    : new LateenError(
        'LAT0305',
        `No mesh is running, so nothing was removed. Stopped are: ${stored.join(', ')}.`,
        'Say which one with lateen down --mesh NAME --purge.',
      );
}

async function cleanUpStopped(name: string, purge: boolean, say: (text: string) => void): Promise<void> {
  const { stateDir, runDir } = meshPaths(name);
  if (!existsSync(stateDir)) {
    say(`There is no mesh named ${name}${didYouMean(name, storedMeshes()) || '.'}\n`);
    return;
  }
  await cleanUpMesh({ mesh: name, stateDir, runDir }, { purge });
  say(`The mesh ${name} is not running.\n`);
  if (purge) say(removed(stateDir));
}

function removed(stateDir: string): string {
  return `Removed ${stateDir}.\n`;
}
