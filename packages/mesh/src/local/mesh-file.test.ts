import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import {
  endMesh,
  type FoundMesh,
  findMesh,
  listMeshes,
  type MeshFile,
  removeMeshFile,
  storedMeshes,
  writeMeshFile,
} from './mesh-file.ts';
import { lockMesh } from './mesh-lock.ts';
import { ensurePrivateDirectory, fileError, writePrivateFile } from './private-files.ts';
import { processStartTime } from './process-identity.ts';
import { ProcessTable } from './process-table.ts';
import { meshPaths, prepareMeshDirectories, runDirOf, stateRoot } from './state-paths.ts';
import { temporaryDirectory } from './testing/temporary-directory.ts';

function write(root: string, mesh: string, pid = process.pid, startTime = processStartTime(process.pid)) {
  const paths = meshPaths(mesh, root);
  prepareMeshDirectories(paths);
  const file: MeshFile = {
    mesh,
    dir: '/app',
    pid,
    startTime: startTime ?? '',
    admin: 'http://localhost:19000',
    token: 'secret',
    runDir: paths.runDir,
    version: '0.1.0',
    startedAt: '2026-11-23T08:00:00Z',
  };
  writeMeshFile(paths.stateDir, file);
  return { ...paths, file };
}

test('where the state is', () => {
  expect(stateRoot({ LATEEN_HOME: '/x/y', XDG_STATE_HOME: '/z' })).toBe('/x/y');
  expect(stateRoot({ XDG_STATE_HOME: '/z', HOME: '/h' })).toBe('/z/lateen');
  expect(stateRoot({ XDG_STATE_HOME: 'relative', HOME: '/h' })).toBe('/h/.local/state/lateen');
  expect(stateRoot({ HOME: '/h', LATEEN_HOME: '' })).toBe('/h/.local/state/lateen');
  expect(meshPaths('shop', '/s')).toEqual({ stateDir: '/s/meshes/shop', runDir: '/s/meshes/shop/run' });
  for (const name of ['', '..', 'a/b', 'UPPER', 'x'.repeat(64), '-a']) {
    expect(() => meshPaths(name, '/s')).toThrow(/cannot be the name of a mesh/);
  }
});

test('sockets get a short path when the state directory has a long one', () => {
  const long = `/home/${'x'.repeat(80)}/meshes/shop`;
  expect(runDirOf(long, '/tmp')).toMatch(/^\/tmp\/lateen-\w+\/[0-9a-f]{12}$/);
  expect(runDirOf(long, '/tmp')).not.toBe(runDirOf(`${long}2`, '/tmp'));
});

test('directories are private, and those of others are refused', () => {
  const root = temporaryDirectory();
  const paths = meshPaths('shop', root);
  prepareMeshDirectories(paths);
  expect(statSync(paths.stateDir).mode & 0o777).toBe(0o700);
  expect(statSync(paths.runDir).mode & 0o777).toBe(0o700);
  chmodSync(paths.stateDir, 0o755);
  expect(() => prepareMeshDirectories(paths)).toThrowError(
    expect.objectContaining({ code: 'LAT0302', remedy: expect.stringContaining('chmod 700') }),
  );
  writeFileSync(join(root, 'file'), '');
  expect(() => ensurePrivateDirectory(join(root, 'file', 'x'))).toThrowError(
    expect.objectContaining({ code: 'LAT0302' }),
  );
  if (process.getuid?.() !== 0) {
    expect(() => ensurePrivateDirectory('/')).toThrowError(expect.objectContaining({ code: 'LAT0302' }));
  }
});

test('a directory of another user is refused, however closed it is', () => {
  const path = temporaryDirectory();
  const uid = statSync(path).uid;
  ensurePrivateDirectory(path);
  vi.spyOn(process, 'getuid').mockReturnValue(uid + 1);
  onTestFinished(() => void vi.restoreAllMocks());
  expect(() => ensurePrivateDirectory(path)).toThrowError(
    expect.objectContaining({
      code: 'LAT0302',
      message: `${path} belongs to another user (uid ${uid}, you are ${uid + 1}).`,
      remedy: expect.stringContaining(`chown -R ${uid + 1} ${path}`),
    }),
  );
});

test('files are private, and replaced in one step', () => {
  const root = temporaryDirectory();
  writePrivateFile(join(root, 'secret'), 'one');
  writePrivateFile(join(root, 'secret'), 'two');
  expect(statSync(join(root, 'secret')).mode & 0o777).toBe(0o600);
  expect(readdirSync(root)).toEqual(['secret']);
});

test('a full disk has an error of its own', () => {
  const cause = Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' });
  expect(fileError('/x', 'write', cause)).toMatchObject({
    code: 'LAT0303',
    message: 'Cannot write /x: the disk is full.',
  });
});

test('finds the mesh that runs', () => {
  const root = temporaryDirectory();
  expect(listMeshes(root)).toEqual([]);
  expect(storedMeshes(root)).toEqual([]);
  expect(() => findMesh(undefined, root)).toThrowError(expect.objectContaining({ code: 'LAT0304' }));
  const { stateDir, file } = write(root, 'one');
  write(root, 'dead', process.pid, 'boot:1');
  writeFileSync(join(root, 'meshes', 'stray'), '');
  mkdirSync(join(root, 'meshes', 'broken'));
  writeFileSync(join(root, 'meshes', 'broken', 'mesh.json'), '{"mesh": ');
  expect(findMesh(undefined, root)).toEqual({ ...file, stateDir, alive: true });
  expect(listMeshes(root).map(({ mesh, alive }) => [mesh, alive])).toEqual([
    ['dead', false],
    ['one', true],
  ]);
  expect(() => findMesh('dead', root)).toThrowError(expect.objectContaining({ code: 'LAT0304' }));
  write(root, 'two');
  expect(() => findMesh(undefined, root)).toThrowError(
    expect.objectContaining({ code: 'LAT0305', message: 'Several meshes are running: one, two.' }),
  );
  expect(storedMeshes(root)).toEqual(['broken', 'dead', 'one', 'two']);
  expect(findMesh('two', root).mesh).toBe('two');
  removeMeshFile(stateDir);
  expect(findMesh(undefined, root).mesh).toBe('two');
});

test('ends a mesh through its supervisor', async () => {
  const root = temporaryDirectory();
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
  const pid = child.pid ?? 0;
  write(root, 'one', pid, processStartTime(pid));
  expect(await endMesh(findMesh('one', root))).toEqual({ ended: 0 });
  expect(processStartTime(pid)).toBe(null);
  expect(listMeshes(root)).toEqual([]);
});

test('what somebody started meanwhile is not taken for what was left behind', async () => {
  const root = temporaryDirectory();
  const { stateDir, runDir } = write(root, 'one', process.pid, 'boot:1');
  const killed = listMeshes(root).find(({ alive }) => !alive) as FoundMesh;
  // The next `up` has the lock and starts processes; its mesh.json comes later.
  const lock = lockMesh('one', stateDir);
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore', detached: true });
  onTestFinished(() => void child.kill('SIGKILL'));
  const pid = child.pid ?? 0;
  new ProcessTable(runDir, () => {}).add(pid, 'container', 'app-v1-0');
  await expect(endMesh(killed, { purge: true })).rejects.toMatchObject({ code: 'LAT0301' });
  expect(processStartTime(pid)).not.toBe(null);
  lock.release();
  expect(await endMesh(killed, { purge: true })).toEqual({ ended: 1 });
  expect(processStartTime(pid)).toBe(null);
  expect(existsSync(stateDir)).toBe(false);
});

test('one supervisor for each mesh', () => {
  const root = temporaryDirectory();
  const lock = lockMesh('shop', root);
  expect(() => lockMesh('shop', root)).toThrowError(
    expect.objectContaining({ code: 'LAT0301', message: `The mesh shop is running already: process ${process.pid}.` }),
  );
  lock.release();
  lockMesh('shop', root).release();
  expect(readdirSync(root)).toEqual([]);
});

test.each(['', '{}', '{"pid": 1', JSON.stringify({ pid: process.pid, startTime: 'boot:1' })])(
  'a lock that reads %s belongs to nobody',
  (text) => {
    const root = temporaryDirectory();
    writeFileSync(join(root, 'lock'), text);
    const lock = lockMesh('shop', root);
    expect(() => lockMesh('shop', root)).toThrow(/running already/);
    lock.release();
    expect(readdirSync(root)).toEqual([]);
  },
);

test('a symbolic link as the run directory of somebody else is not followed blindly', () => {
  const root = temporaryDirectory();
  symlinkSync(tmpdir(), join(root, 'link'));
  // The target is open to others, as every shared temporary directory.
  expect(() => ensurePrivateDirectory(join(root, 'link'))).toThrowError(expect.objectContaining({ code: 'LAT0302' }));
});
