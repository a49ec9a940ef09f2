import { once } from 'node:events';
import { link, lstat, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { connect as connectHttp2, constants } from 'node:http2';
import { connect as connectTo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { create, toBinary } from '@bufbuild/protobuf';
import type { Any } from '@bufbuild/protobuf/wkt';
import { status } from '@grpc/grpc-js';
import { DeltaDiscoveryRequestSchema } from '@lateen/envoy-api/envoy/service/discovery/v3/discovery_pb.js';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { typeUrls } from '../resource.ts';
import { FIRST_REQUEST_MS } from './ads-stream.ts';
import { AdsServer, type AdsServerOptions } from './server.ts';
import type { AdsEvent } from './status.ts';
import { DeltaClient, requestSotw, testResource } from './testing/grpc-client.ts';
import { manualClock } from './testing/manual-clock.ts';
import { StaticDirectory } from './testing/static-directory.ts';

const node = { id: 'sidecar~127.0.0.1~a.default~default.svc.cluster.local', metadata: { NAMESPACE: 'default' } };

let dir: string;
let socket: string;
let directory: StaticDirectory;
let server: AdsServer;
let events: AdsEvent[];
const clients: DeltaClient[] = [];
const servers: AdsServer[] = [];

function createAdsServer(options: Partial<AdsServerOptions> = {}): AdsServer {
  const created = new AdsServer({ directory, ...options });
  servers.push(created);
  return created;
}

function connect(address = `unix:${socket}`): DeltaClient {
  const client = new DeltaClient(address);
  clients.push(client);
  return client;
}

/** Resolves at an event of this kind, which may have happened already. */
function event<Kind extends AdsEvent['kind']>(kind: Kind): Promise<Extract<AdsEvent, { kind: Kind }>> {
  return new Promise((resolve) => {
    const check = () => {
      const index = events.findIndex((candidate) => candidate.kind === kind);
      if (index < 0) return;
      stop();
      resolve(events.splice(index, 1)[0] as Extract<AdsEvent, { kind: Kind }>);
    };
    const stop = server.onEvent(check);
    check();
  });
}

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'lat-'));
  socket = join(dir, 'xds.sock');
  directory = new StaticDirectory();
  events = [];
  server = createAdsServer();
  server.onEvent((happened) => events.push(happened));
});

afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  for (const started of servers.splice(0)) await started.stop(false);
  await rm(dir, { recursive: true });
});

describe('a stream', () => {
  beforeEach(async () => {
    await server.start(`unix:${socket}`);
  });

  test('responses carry the encoded resources unchanged', async () => {
    const long = new Uint8Array(300).fill(7);
    directory.set([testResource('cluster', 'a|ü', 'v1'), testResource('cluster', 'long', 'v2', long)]);
    const client = connect();
    client.send({ node, typeUrl: typeUrls.cluster });
    const response = await client.next();
    expect(response).toMatchObject({ typeUrl: typeUrls.cluster, nonce: '1', removedResources: [] });
    const carried = response.resources.map(({ name, version, resource }) => ({ name, version, ...plain(resource) }));
    expect(carried).toEqual([
      { name: 'a|ü', version: 'v1', type: typeUrls.cluster, bytes: Buffer.from('a|ü@v1').toString('hex') },
      { name: 'long', version: 'v2', type: typeUrls.cluster, bytes: Buffer.from(long).toString('hex') },
    ]);
    client.answer(response);
    client.send({ typeUrl: typeUrls.route, resourceNamesSubscribe: ['none'] });
    expect((await client.next()).removedResources).toEqual(['none']);
    expect(directory.nodes).toEqual([{ id: node.id, cluster: '', metadata: node.metadata }]);
  });

  test('the state of the world', async () => {
    directory.set([testResource('listener', 'l', 'v1')]);
    const response = await requestSotw(`unix:${socket}`, { node, typeUrl: typeUrls.listener });
    expect(response).toMatchObject({ typeUrl: typeUrls.listener, nonce: '1' });
    expect(response.versionInfo).toMatch(/^[0-9a-f]{16}$/);
    const bytes = Buffer.from('l@v1').toString('hex');
    expect(response.resources.map(plain)).toEqual([{ type: typeUrls.listener, bytes }]);
  });

  test('its state is listed, and each change is an event', async () => {
    directory.set([testResource('cluster', 'c', 'v1')]);
    const client = connect();
    client.send({ node, typeUrl: typeUrls.cluster });
    client.answer(await client.next());
    client.send({ typeUrl: typeUrls.listener });
    const listeners = await client.next();
    expect(server.proxies()).toMatchObject([{ nodeId: node.id, protocol: 'delta', synced: false, everSynced: false }]);
    client.answer(listeners);
    expect(await event('changed')).toMatchObject({ nodeId: node.id, synced: true, rejected: [] });
    expect(server.proxies()[0]?.types.cluster).toEqual({
      subscribed: '*',
      versions: new Map([['c', 'v1']]),
      pending: 0,
    });

    directory.set([testResource('cluster', 'c', 'v2')]);
    expect(await event('changed')).toMatchObject({ synced: false });
    client.answer(await client.next(), 'no good');
    const rejection = { nodeId: node.id, type: 'cluster', names: ['c'], message: 'no good' };
    expect(await event('changed')).toMatchObject({ synced: true, rejected: [rejection] });
    expect(server.proxies()).toMatchObject([{ synced: true, everSynced: true, rejected: [rejection] }]);

    client.close();
    expect(await event('disconnected')).toMatchObject({ nodeId: node.id });
    expect(server.proxies()).toEqual([]);
    await expect.poll(() => directory.open).toBe(0);
  });

  test('settled waits for what is pending, and no longer for a proxy that leaves', async () => {
    const [first, second] = [connect(), connect()];
    for (const client of [first, second]) {
      client.send({ node, typeUrl: typeUrls.cluster });
      client.answer(await client.next());
    }
    await server.settled(5_000);
    directory.set([testResource('cluster', 'c', 'v1')]);
    const settled = server.settled(5_000);
    const response = await first.next();
    await second.next();
    directory.set([testResource('cluster', 'c', 'v2')]);
    first.answer(response);
    await expect(server.settled(1)).rejects.toMatchObject({ code: 'LAT0243' });
    second.close();
    await settled;
    expect((await first.next()).resources[0]?.version).toBe('v2');
    expect(server.proxies()[0]?.types.cluster).toMatchObject({ pending: 1 });
  });

  test('a large response does not wait for clients that do not read, nor do they get more than the latest', async () => {
    const big = (version: string) => [testResource('cluster', 'c', version, new Uint8Array(3_000_000))];
    directory.set(big('v1'));
    const slow = connect();
    slow.pause();
    slow.send({ node, typeUrl: typeUrls.cluster });
    const quick = connect();
    quick.send({ node, typeUrl: typeUrls.cluster });
    quick.answer(await quick.next());
    for (let version = 2; version <= 20; version++) directory.set(big(`v${version}`));
    quick.answer(await quick.next());
    slow.resume();
    const versions: (string | undefined)[] = [];
    while (versions.at(-1) !== 'v20') {
      const response = await slow.next();
      versions.push(response.resources[0]?.version);
      slow.answer(response);
    }
    expect(versions).toEqual(['v1', 'v20']);
  });
});

test('a client that does not read is let go, and its memory with it', async () => {
  server = createAdsServer({ stallMs: 100 });
  server.onEvent((happened) => events.push(happened));
  await server.start(`unix:${socket}`);
  directory.set([testResource('cluster', 'c', 'v1', new Uint8Array(3_000_000))]);
  // gRPC's own client takes in what nobody reads.
  const session = connectHttp2('http://localhost', { createConnection: () => connectTo(socket) });
  const stream = session.request({
    ':method': 'POST',
    ':path': '/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources',
    'content-type': 'application/grpc',
    te: 'trailers',
  });
  stream.pause();
  const ended = once(stream, 'close');
  const message = create(DeltaDiscoveryRequestSchema, { node, typeUrl: typeUrls.cluster });
  const request = Buffer.from(toBinary(DeltaDiscoveryRequestSchema, message));
  const head = Buffer.alloc(5);
  head.writeUInt32BE(request.length, 1);
  stream.write(Buffer.concat([head, request]));
  expect(await event('disconnected')).toMatchObject({ nodeId: node.id, error: { code: 'LAT0734' } });
  expect(server.proxies()).toEqual([]);
  // Although its connection is open and well.
  stream.resume();
  await ended;
  expect(stream.rstCode).toBe(constants.NGHTTP2_CANCEL);
  session.destroy();
});

describe('refuses', () => {
  beforeEach(async () => {
    server = createAdsServer({ maxStreams: 2, maxRequestBytes: 10_000 });
    await server.start(`unix:${socket}`);
  });

  test('a first request without a node', async () => {
    const client = connect();
    client.send({ typeUrl: typeUrls.cluster });
    expect(await client.ended).toMatchObject({
      code: status.INVALID_ARGUMENT,
      details: expect.stringContaining('node'),
    });
  });

  test('a client that says nothing', async () => {
    const clock = manualClock();
    const address = await createAdsServer({ clock }).start('127.0.0.1:0');
    const named = connect(address);
    named.send({ node, typeUrl: typeUrls.cluster });
    const first = await named.next();
    const mute = connect(address);
    await vi.waitFor(() => expect(clock.timers()).toBe(1));
    clock.elapse(FIRST_REQUEST_MS);
    expect(await mute.ended).toMatchObject({ code: status.DEADLINE_EXCEEDED });
    named.answer(first);
    named.send({ typeUrl: typeUrls.listener });
    await named.next();
  });

  test('a node that cannot be placed, with the reason', async () => {
    const client = connect();
    client.send({ node: { id: 'stranger' }, typeUrl: typeUrls.cluster });
    const details = expect.stringContaining('LAT0220: No workload has this node ID.');
    expect(await client.ended).toMatchObject({ code: status.NOT_FOUND, details });
  });

  test('bytes that are no request, and a request without a type', async () => {
    const garbled = connect();
    garbled.sendBytes(Buffer.from([0xff, 0xff, 0xff]));
    expect(await garbled.ended).toMatchObject({ code: status.INVALID_ARGUMENT });
    const typeless = connect();
    typeless.send({ node });
    expect(await typeless.ended).toMatchObject({ code: status.INVALID_ARGUMENT });
  });

  test('a stream on which this server itself fails, and no other', async () => {
    const good = connect();
    good.send({ node, typeUrl: typeUrls.cluster });
    good.answer(await good.next());
    const bad = connect();
    bad.send({ node: { id: 'defect' }, typeUrl: typeUrls.cluster });
    const { code, details } = await bad.ended;
    expect({ code, details }).toEqual({ code: status.INTERNAL, details: 'The control plane failed on this stream.' });
    good.send({ typeUrl: typeUrls.listener });
    await good.next();
  });

  test('a request that is too large', async () => {
    const client = connect();
    client.send({ node, typeUrl: typeUrls.route, resourceNamesSubscribe: ['x'.repeat(20_000)] });
    expect(await client.ended).toMatchObject({ code: status.RESOURCE_EXHAUSTED });
  });

  test('more streams than it can hold', async () => {
    for (const client of [connect(), connect()]) {
      client.send({ node, typeUrl: typeUrls.cluster });
      await client.next();
    }
    const third = connect();
    third.send({ node, typeUrl: typeUrls.cluster });
    expect(await third.ended).toMatchObject({ code: status.RESOURCE_EXHAUSTED });
  });
});

describe('an address', () => {
  test('a Unix socket is open to this user only, and gone after the end', async () => {
    await server.start(`unix:${socket}`);
    expect((await stat(socket)).mode & 0o777).toBe(0o600);
    const client = connect();
    client.send({ node, typeUrl: typeUrls.cluster });
    await client.next();
    await server.stop();
    expect(await client.ended).toMatchObject({ code: status.UNAVAILABLE });
    await expect(lstat(socket)).rejects.toThrow('ENOENT');
  });

  test('a socket that nobody listens on is replaced; one in use and a plain file are not', async () => {
    const crashed = createServer().listen(socket);
    await once(crashed, 'listening');
    await expect(server.start(`unix:${socket}`)).rejects.toMatchObject({ code: 'LAT0431' });
    // What a process that is killed leaves behind: a file that outlives its listener.
    const stale = join(dir, 'stale.sock');
    await link(socket, stale);
    crashed.close();
    await once(crashed, 'close');
    await server.start(`unix:${stale}`);

    const file = join(dir, 'file');
    await writeFile(file, 'precious');
    await expect(createAdsServer().start(`unix:${file}`)).rejects.toMatchObject({ code: 'LAT0461' });
    const deep = `unix:${join(dir, 'x'.repeat(120))}`;
    await expect(createAdsServer().start(deep)).rejects.toMatchObject({ code: 'LAT0461' });
    await expect(createAdsServer().start('unix:/nowhere/at/all')).rejects.toMatchObject({ code: 'LAT0461' });
  });

  test('TCP without TLS is for the loopback address', async () => {
    await expect(server.start('0.0.0.0:0')).rejects.toMatchObject({ code: 'LAT0241' });
    const address = await server.start('127.0.0.1:0');
    expect(address).toMatch(/^127\.0\.0\.1:[1-9]\d*$/);
    await expect(createAdsServer().start(address)).rejects.toMatchObject({ code: 'LAT0241' });
    const client = connect(address);
    client.send({ node, typeUrl: typeUrls.cluster });
    await client.next();
  });
});

function plain(any: Any | undefined) {
  return { type: any?.typeUrl, bytes: Buffer.from(any?.value ?? []).toString('hex') };
}
