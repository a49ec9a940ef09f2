import { chmod, mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Server } from '@grpc/grpc-js';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { listenOnSocket } from './unix-socket.ts';

let directory: string;
let path: string;
let servers: Server[];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'lat-'));
  path = join(directory, 'x.sock');
  servers = [];
});

afterEach(async () => {
  for (const server of servers) server.forceShutdown();
  await rm(directory, { recursive: true });
});

function newServer(): Server {
  const server = new Server();
  servers.push(server);
  return server;
}

function listen(at = path) {
  return listenOnSocket(newServer(), at);
}

/** Whether someone accepts connections. */
function isServed(): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

/** libuv removes the file of a socket when it is closed; a killed process does not get that far. */
async function leaveStaleSocket(): Promise<void> {
  const left = createServer();
  await new Promise<void>((resolve) => left.listen(`${path}.x`, resolve));
  await rename(`${path}.x`, path);
  await new Promise((resolve) => left.close(resolve));
}

test('serves with mode 0600, leaves nothing else beside it, and is gone at the end', async () => {
  const socket = await listen();
  expect(await isServed()).toBe(true);
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  expect(await readdir(directory)).toEqual(['x.sock']);
  await socket.remove();
  expect(await readdir(directory)).toEqual([]);
  await socket.remove();
});

test('replaces a socket that a killed process left', async () => {
  await leaveStaleSocket();
  expect((await stat(path)).isSocket()).toBe(true);
  expect(await isServed()).toBe(false);
  await listen();
  expect(await isServed()).toBe(true);
});

test('never takes a socket away from a process that serves on it', async () => {
  await listen();
  const { ino } = await stat(path);
  await expect(listen()).rejects.toMatchObject({ code: 'LAT0431', message: `Another process serves on ${path}.` });
  expect((await stat(path)).ino).toBe(ino);
  expect(await isServed()).toBe(true);
  expect(await readdir(directory)).toEqual(['x.sock']);
});

test('removes only its own socket', async () => {
  const first = await listen();
  await rm(path);
  await listen();
  await first.remove();
  expect(await isServed()).toBe(true);
});

test('leaves alone what is not a socket', async () => {
  await writeFile(path, 'mine');
  await expect(listen()).rejects.toMatchObject({
    code: 'LAT0461',
    message: `Cannot serve on the Unix socket ${path}: what is there is not a socket.`,
  });
  expect(await readFile(path, 'utf8')).toBe('mine');
});

test('names a path that is too long, also for the moment before it is in place', async () => {
  const limit = process.platform === 'linux' ? 107 : 103;
  const tooLong = join(directory, 'x'.repeat(limit - directory.length));
  expect(tooLong.length).toBe(limit + 1);
  await expect(listen(tooLong)).rejects.toMatchObject({
    code: 'LAT0461',
    message: expect.stringContaining(`${tooLong}: with ${limit + 1} bytes it is longer than the ${limit} `),
  });
  const deep = join(directory, 'y'.repeat(limit - directory.length - 4));
  await mkdir(deep);
  await expect(listen(join(deep, 'z'))).rejects.toMatchObject({
    code: 'LAT0461',
    message: expect.stringContaining('longer than'),
  });
  expect(await readdir(deep)).toEqual([]);
});

test('names a directory that is not there or cannot be written to', async () => {
  const refusal = (why: string) => ({ code: 'LAT0461', message: expect.stringContaining(why) });
  await expect(listen(join(directory, 'no', 'x.sock'))).rejects.toMatchObject(refusal('ENOENT'));
  await writeFile(join(directory, 'file'), '');
  await expect(listen(join(directory, 'file', 'x.sock'))).rejects.toMatchObject(refusal('ENOTDIR'));
  // The superuser may write anywhere.
  if (process.getuid?.() === 0) return;
  await chmod(directory, 0o500);
  await expect(listen()).rejects.toMatchObject(refusal('EACCES'));
  await chmod(directory, 0o700);
});
