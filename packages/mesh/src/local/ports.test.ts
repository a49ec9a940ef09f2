import { createServer } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { isPortFree, Ports } from './ports.ts';

async function listen(host: string, port = 0): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port, ipv6Only: true }, resolve);
  });
  onTestFinished(() => new Promise<void>((resolve) => server.close(() => resolve())));
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

test('never hands a port out twice, also to callers at the same time', async () => {
  const ports = new Ports({ first: 20_000, last: 20_099, isFree: async () => true });
  const groups = await Promise.all(Array.from({ length: 20 }, () => ports.allocate(5)));
  expect(new Set(groups.flat()).size).toBe(100);
  await expect(ports.allocate(1)).rejects.toMatchObject({ code: 'LAT0331' });
});

test('uses a port again only after all others had their turn', async () => {
  const ports = new Ports({ first: 20_000, last: 20_003, start: 20_002, isFree: async () => true });
  const [first] = await ports.allocate(1);
  expect(first).toBe(20_002);
  ports.release([20_002]);
  expect(await ports.allocate(3)).toEqual([20_003, 20_000, 20_001]);
  expect(await ports.allocate(1)).toEqual([20_002]);
});

test('skips ports that are taken, and keeps nothing when it fails', async () => {
  const taken = new Set([20_001, 20_002]);
  const ports = new Ports({ first: 20_000, last: 20_003, start: 20_000, isFree: async (port) => !taken.has(port) });
  await expect(ports.allocate(3)).rejects.toMatchObject({ code: 'LAT0331' });
  expect((await ports.allocate(2)).sort()).toEqual([20_000, 20_003]);
});

test('finds a real listener on the loopback address', async () => {
  const port = await listen('127.0.0.1');
  const ports = new Ports({ first: port, last: port });
  await expect(ports.allocate(1)).rejects.toMatchObject({ code: 'LAT0331' });
});

test.each(['127.0.0.1', '::1', '0.0.0.0', '::'])('a listener on %s takes the port', async (host) => {
  const port = await listen(host);
  expect(await isPortFree(port)).toBe(false);
  const claimed = await new Ports().claim(port);
  expect(claimed).toBeGreaterThan(port);
  expect(claimed).toBeLessThan(port + 100);
});

test('claims the wanted port when it is free, once', async () => {
  const ports = new Ports();
  const [wanted = 0] = await ports.allocate(1);
  ports.release([wanted]);
  expect(await ports.claim(wanted)).toBe(wanted);
  expect(await ports.claim(wanted)).not.toBe(wanted);
  ports.release([wanted]);
  expect(await ports.claim(wanted)).toBe(wanted);
});
