import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { findEnvoy } from '#agent/envoy/find.ts';
import { type EnvoyProcess, runEnvoy, stopEnvoy, waitReady } from '#agent/envoy/run.ts';
import { freePorts } from '#agent/secrets/testing/mtls-envoy.ts';
import type { Resource } from '../resource.ts';
import { AdsServer } from './server.ts';
import { bootstrap, cluster, endpoints, listener, route } from './testing/envoy-resources.ts';
import { StaticDirectory } from './testing/static-directory.ts';

/** Well below the 15 s after which Envoy gives up waiting for endpoints, and the 2 s that we wait for clusters. */
const SOON_MS = 1_500;

describe.each(['DELTA_GRPC', 'GRPC'] as const)('a real Envoy over %s', (apiType) => {
  let dir: string;
  let socket: string;
  let directory: StaticDirectory;
  let server: AdsServer;
  let envoy: EnvoyProcess;
  let admin: string;
  let port: number;
  let otherPort: number;
  let upstreams: Server[];
  let one: Resource[];
  let two: Resource[];

  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'lat-'));
    socket = `unix:${join(dir, 'xds.sock')}`;
    upstreams = await Promise.all(['one', 'two'].map(startUpstream));
    const [onePort = 0, twoPort = 0] = upstreams.map((upstream) => (upstream.address() as AddressInfo).port);
    one = [cluster('one'), endpoints('one', [onePort])];
    two = [cluster('two'), endpoints('two', [twoPort])];
    const [adminPort = 0, ...ports] = await freePorts(3);
    [port = 0, otherPort = 0] = ports;
    admin = `http://127.0.0.1:${adminPort}`;
    directory = new StaticDirectory();
    directory.set([...one, listener('in', port, 'r'), route('r', 'one')]);
    server = new AdsServer({ directory });
    await server.start(socket);
    const { path } = await findEnvoy();
    envoy = await runEnvoy({
      path,
      bootstrap: bootstrap('sidecar~test', adminPort, join(dir, 'xds.sock'), apiType),
      dir,
      logFile: join(dir, 'envoy.log'),
      drainTimeMs: 1_000,
    });
    await waitReady(admin, { envoy });
  });

  afterEach(async () => {
    await stopEnvoy(envoy);
    await server.stop(false);
    for (const upstream of upstreams) upstream.close();
    await rm(dir, { recursive: true });
  });

  async function get(at = port): Promise<string> {
    const response = await fetch(`http://127.0.0.1:${at}/`);
    const body = await response.text();
    return response.ok ? body : `${response.status} ${body}`;
  }

  /** Calls until the answer is `wanted`; nothing but `before` may come until then. */
  async function turnsTo(wanted: string, before: string): Promise<void> {
    for (;;) {
      const answer = await get();
      if (answer === wanted) return;
      expect(answer).toBe(before);
    }
  }

  async function stats(filter: string): Promise<string> {
    return (await fetch(`${admin}/stats?filter=${filter}`)).text();
  }

  test('gets its first configuration and is synced', async () => {
    await server.settled(SOON_MS);
    expect(server.proxies()).toMatchObject([{ nodeId: 'sidecar~test', synced: true, everSynced: true, rejected: [] }]);
    expect(await get()).toBe('one');
  });

  test('follows a route to a new cluster and loses the old one, without a failed request', async () => {
    expect(await get()).toBe('one');
    for (const [now, name, before] of [
      [two, 'two', 'one'],
      [one, 'one', 'two'],
      [two, 'two', 'one'],
    ] as const) {
      directory.set([...now, listener('in', port, 'r'), route('r', name)]);
      await turnsTo(name, before);
      await server.settled(SOON_MS);
      expect(await (await fetch(`${admin}/clusters`)).text()).not.toContain(`${before}::observability_name`);
    }
  });

  test('an altered cluster is warm again at once: it gets its endpoints once more', async () => {
    const [, assignment] = one;
    directory.set([
      cluster('one', '3s'),
      ...(assignment ? [assignment] : []),
      listener('in', port, 'r'),
      route('r', 'one'),
    ]);
    await server.settled(SOON_MS);
    expect(await stats('cluster_manager.warming_clusters')).toContain('warming_clusters: 0');
    const dump = await (await fetch(`${admin}/config_dump?resource=dynamic_active_clusters`)).text();
    expect(dump).toContain('"connect_timeout": "3s"');
    expect(await get()).toBe('one');
  });

  test('a cluster whose endpoints do not exist holds nothing up', async () => {
    if (apiType === 'GRPC') return; // That protocol cannot say so; Envoy waits for 15 s.
    directory.set([...one, cluster('empty'), listener('in', port, 'r'), route('r', 'empty')]);
    await server.settled(SOON_MS);
    expect(await get()).toMatch(/^503/);
  });

  test('a refused listener is reported with what Envoy says; the old one serves, and good ones come', async () => {
    // An address of no machine, from RFC 5737.
    const bad = listener('in', port, 'r', '203.0.113.1');
    directory.set([...one, ...two, bad, listener('other', otherPort, 's'), route('r', 'two'), route('s', 'two')]);
    await server.settled(10_000);
    const [proxy] = server.proxies();
    expect(proxy).toMatchObject({ synced: true, rejected: [{ type: 'listener', names: ['in'] }] });
    expect(proxy?.rejected[0]?.message).toMatch(/203\.0\.113\.1|[Cc]annot bind/);
    await turnsTo('two', 'one');
    expect(await get(otherPort)).toBe('two');

    directory.set([
      ...two,
      listener('in', port, 'r'),
      listener('other', otherPort, 's'),
      route('r', 'two'),
      route('s', 'two'),
    ]);
    await server.settled(SOON_MS);
    expect(server.proxies()).toMatchObject([{ synced: true, rejected: [] }]);
    expect(await get()).toBe('two');
  });

  test('without the server it goes on; when that is back, nothing is sent twice', async () => {
    await server.settled(SOON_MS);
    const filter = '(cds|lds|rds.*)[.]update_success';
    const before = await stats(filter);
    await server.stop();
    expect(await get()).toBe('one');
    server = new AdsServer({ directory });
    const isBack = new Promise<void>((resolve) => {
      const stop = server.onEvent((event) => {
        if (event.kind !== 'changed' || !event.synced) return;
        stop();
        resolve();
      });
    });
    await server.start(socket);
    await isBack;
    await server.settled(SOON_MS);
    // Of routes, the state-of-the-world protocol cannot tell what the client has.
    if (apiType === 'DELTA_GRPC') expect(await stats(filter)).toBe(before);
    else expect(await stats('(cds|lds)[.]update_success')).toBe(before.replace(/^.*rds.*\n/gm, ''));
    directory.set([...two, listener('in', port, 'r'), route('r', 'two')]);
    await turnsTo('two', 'one');
  });
});

function startUpstream(name: string): Promise<Server> {
  return new Promise((resolve) => {
    const server = createServer((_, response) => response.end(name));
    server.listen(0, '127.0.0.1', () => resolve(server));
  });
}
