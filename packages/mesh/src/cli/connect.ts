import { existsSync } from 'node:fs';
import { LateenError } from '@lateen/api/lateen-error.ts';
import { type FoundMesh, findMesh, listMeshes } from '#local/mesh-file.ts';
import { type AdminClient, adminClient } from './admin-client.ts';
import { meshNameFor } from './up/mesh-name.ts';

/**
 * A client of the running mesh: the one named, or the only one there is; or of the control plane at an address. Throws
 * LAT0304, LAT0305.
 */
export function connectToMesh(mesh: string | undefined): AdminClient {
  if (mesh !== undefined && isAddress(mesh)) return adminClient({ mesh, admin: urlOf(mesh), token: '' });
  return adminClient(findRunningMesh(mesh));
}

/** Names of meshes have no colon. */
function isAddress(mesh: string): boolean {
  return mesh.includes(':');
}

function urlOf(address: string): string {
  return address.startsWith('unix:') || address.startsWith('http://') ? address : `http://${address}`;
}

/** As `findMesh`, but tells apart a mesh that was never started from one whose supervisor was killed. */
export function findRunningMesh(name: string | undefined): FoundMesh {
  try {
    return findMesh(name);
  } catch (error) {
    const orphan = listMeshes().find((each) => !each.alive && (name === undefined || each.mesh === name));
    if (orphan === undefined || !(error instanceof LateenError) || error.code !== 'LAT0304') throw error;
    const end = `lateen down --mesh ${orphan.mesh}`;
    throw new LateenError(
      'LAT0304',
      `The supervisor of the mesh ${orphan.mesh} was killed; what it had started may still run.`,
      existsSync(orphan.dir)
        ? `Start the mesh again with ${upCommand(orphan)}, or end what is left with ${end}.`
        : `End what is left with ${end}.`,
      { cause: error },
    );
  }
}

/** Another name than the folder's would start another mesh, beside what this one left behind. */
function upCommand({ mesh, dir }: FoundMesh): string {
  return `lateen up ${dir}${meshNameFor(dir) === mesh ? '' : ` --mesh ${mesh}`}`;
}
