import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { freePorts } from '../secrets/testing/mtls-envoy.ts';
import { findEnvoy } from './find.ts';
import { drain, type EnvoyProcess, runEnvoy, stopEnvoy, waitReady } from './run.ts';

let dir: string;
let envoy: EnvoyProcess | undefined;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'lat-'));
  envoy = undefined;
});

afterEach(async () => {
  if (envoy) await stopEnvoy(envoy);
  await rm(dir, { recursive: true });
});

function address(port: number): object {
  return { address: { socket_address: { address: '127.0.0.1', port_value: port } } };
}

async function start(bootstrap: object): Promise<EnvoyProcess> {
  const { path } = await findEnvoy();
  envoy = await runEnvoy({ path, bootstrap, dir, logFile: join(dir, 'envoy.log'), drainTimeMs: 1000 });
  return envoy;
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

test('starts, drains and stops', async () => {
  const [adminPort = 0, port = 0] = await freePorts(2);
  const echo = {
    name: 'echo',
    typed_config: { '@type': 'type.googleapis.com/envoy.extensions.filters.network.echo.v3.Echo' },
  };
  const admin = `http://127.0.0.1:${adminPort}`;
  const running = await start({
    admin: address(adminPort),
    static_resources: { listeners: [{ name: 'echo', ...address(port), filter_chains: [{ filters: [echo] }] }] },
  });
  await waitReady(admin, { envoy: running });
  expect(await accepts(port)).toBe(true);
  expect((await stat(join(dir, 'envoy.json'))).mode & 0o777).toBe(0o600);

  await drain(admin, 'token');
  while (await accepts(port));
  // Only the listeners are gone.
  await waitReady(admin, { envoy: running });

  expect(await stopEnvoy(running)).toEqual({ code: 0, signal: null });
  await expect(drain(admin, 'token')).rejects.toThrow('ECONNREFUSED');
}, 30_000);

test('a bootstrap that Envoy refuses is LAT0922 with what Envoy says', async () => {
  const running = await start({ static_resources: { listeners: [{ name: 'no address', filter_chains: [{}] }] } });
  await expect(waitReady('http://127.0.0.1:1', { envoy: running })).rejects.toMatchObject({
    code: 'LAT0922',
    remedy: expect.stringContaining('no address'),
  });
  expect(await readFile(running.logFile, 'utf8')).toContain('no address');
});

test('a file that is no program is LAT0921', async () => {
  const logFile = join(dir, 'envoy.log');
  await expect(runEnvoy({ path: dir, bootstrap: {}, dir, logFile })).rejects.toMatchObject({ code: 'LAT0921' });
});

test('waiting is bounded and can be given up', async () => {
  const server = createServer((_, response) => response.writeHead(503).end('PRE_INITIALIZING\n'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const admin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  try {
    await expect(waitReady(admin, { timeoutMs: 50 })).rejects.toMatchObject({
      code: 'LAT0923',
      message: expect.stringContaining('PRE_INITIALIZING'),
    });
    const stop = new AbortController();
    const waiting = waitReady(admin, { signal: stop.signal });
    stop.abort(new Error('given up'));
    await expect(waiting).rejects.toThrow();
  } finally {
    server.close();
  }
});
