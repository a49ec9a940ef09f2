import { readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { errorCodeOf, isLateenError, LateenError } from '@lateen/api/lateen-error.ts';
import { isDnsLabel } from '@lateen/api/names.ts';
import { lockMesh, type MeshLock } from './mesh-lock.ts';
import { fileError, readPrivateFile, removeFile, writePrivateFile } from './private-files.ts';
import { isSameProcess } from './process-identity.ts';
import { cleanUpLeftovers } from './process-table.ts';
import { stateRoot } from './state-paths.ts';

/** `<stateDir>/mesh.json`: how the CLI finds a running mesh. Mode 0600, since the admin token is in it. */
export interface MeshFile {
  readonly mesh: string;
  /** The folder of manifests, absolute. */
  readonly dir: string;
  /** The supervisor. */
  readonly pid: number;
  readonly startTime: string;
  /** `http://localhost:19000` */
  readonly admin: string;
  readonly token: string;
  readonly runDir: string;
  readonly version: string;
  /** RFC 3339. */
  readonly startedAt: string;
}

export interface FoundMesh extends MeshFile {
  readonly stateDir: string;
  /** False if its supervisor is gone: `endMesh` removes what it left behind. */
  readonly alive: boolean;
}

export function writeMeshFile(stateDir: string, mesh: MeshFile): void {
  writePrivateFile(meshFilePath(stateDir), `${JSON.stringify(mesh, null, 2)}\n`);
}

export function removeMeshFile(stateDir: string): void {
  removeFile(meshFilePath(stateDir));
}

/** The meshes of this user that run, or whose supervisor was killed, by name. */
export function listMeshes(root: string = stateRoot()): FoundMesh[] {
  return storedMeshes(root).flatMap((name) => readMesh(join(root, 'meshes', name)) ?? []);
}

/** Names of the meshes of this user that keep something, running or stopped, sorted. */
export function storedMeshes(root: string = stateRoot()): string[] {
  const meshesDir = join(root, 'meshes');
  try {
    return readdirSync(meshesDir)
      .filter((name) => isDnsLabel(name) && isDirectory(join(meshesDir, name)))
      .sort();
  } catch (error) {
    if (errorCodeOf(error) === 'ENOENT') return [];
    throw fileError(meshesDir, 'read', error);
  }
}

/**
 * The running mesh of that name; without a name the only one that runs. Throws LAT0304 if there is none, LAT0305 if
 * there are several.
 */
export function findMesh(name?: string, root: string = stateRoot()): FoundMesh {
  const running = listMeshes(root).filter((mesh) => mesh.alive && (name === undefined || mesh.mesh === name));
  const [first, ...others] = running;
  if (first === undefined) {
    const what = name === undefined ? 'No mesh is running.' : `No mesh named ${name} is running.`;
    throw new LateenError('LAT0304', what, 'Start one with lateen up DIR.');
  }
  if (others.length > 0) {
    throw new LateenError(
      'LAT0305',
      `Several meshes are running: ${running.map((mesh) => mesh.mesh).join(', ')}.`,
      'Say which one with --mesh NAME.',
    );
  }
  return first;
}

/** How long the supervisor may take to stop everything in order. */
const STOP_TIMEOUT_MS = 45_000;

export interface EndOptions {
  /** Also removes what the mesh keeps. */
  readonly purge?: boolean;
}

/**
 * Stops a mesh (`lateen down`): asks its supervisor, and ends by itself what is left if that one is dead or stuck.
 * Throws LAT0301 if another one has started the mesh meanwhile.
 */
export async function endMesh(mesh: FoundMesh, options: EndOptions = {}): Promise<{ ended: number }> {
  const deadline = performance.now() + STOP_TIMEOUT_MS;
  const isAlive = () => isSameProcess(mesh.pid, mesh.startTime);
  if (isAlive()) process.kill(mesh.pid, 'SIGTERM');
  while (isAlive() && performance.now() < deadline) await delay(20);
  if (isAlive()) process.kill(mesh.pid, 'SIGKILL');
  while (isAlive()) await delay(20);
  return cleanUpMesh(mesh, options);
}

/**
 * Ends the processes that a mesh left behind, and forgets it. Throws LAT0301 if it runs: what is written in its
 * directories then is not what was left behind.
 */
export async function cleanUpMesh(
  { mesh, stateDir, runDir }: Pick<FoundMesh, 'mesh' | 'stateDir' | 'runDir'>,
  { purge = false }: EndOptions = {},
): Promise<{ ended: number }> {
  const lock = lockUnlessFull(mesh, stateDir);
  try {
    const result = await cleanUpLeftovers(runDir);
    removeMeshFile(stateDir);
    if (purge) for (const dir of [runDir, stateDir]) rmSync(dir, { recursive: true, force: true });
    return result;
  } finally {
    lock?.release();
  }
}

/** On a full disk there is no room for a lock either, and removing something is what helps. */
function lockUnlessFull(mesh: string, stateDir: string): MeshLock | undefined {
  try {
    return lockMesh(mesh, stateDir);
  } catch (error) {
    if (isLateenError(error) && error.code === 'LAT0303') return undefined;
    throw error;
  }
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

function meshFilePath(stateDir: string): string {
  return join(stateDir, 'mesh.json');
}

function readMesh(stateDir: string): FoundMesh | undefined {
  const text = readPrivateFile(meshFilePath(stateDir));
  if (text === undefined) return undefined;
  try {
    const mesh = JSON.parse(text) as Partial<MeshFile>;
    if (typeof mesh.mesh !== 'string' || typeof mesh.pid !== 'number' || typeof mesh.startTime !== 'string') {
      return undefined;
    }
    if (typeof mesh.admin !== 'string' || typeof mesh.token !== 'string' || typeof mesh.runDir !== 'string') {
      return undefined;
    }
    return { ...(mesh as MeshFile), stateDir, alive: isSameProcess(mesh.pid, mesh.startTime) };
  } catch {
    return undefined;
  }
}
