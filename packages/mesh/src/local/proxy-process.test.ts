import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ProxySettings } from '@lateen/api/proxy-settings.ts';
import type { WorkloadInstance } from '@lateen/api/workload-instance.ts';
import { expect, onTestFinished, test } from 'vitest';
import type { BootstrapPatch } from '#pilot/registry/processes/link.ts';
import { BootstrapPatches } from './bootstrap-patches.ts';
import { processStartTime } from './process-identity.ts';
import { ProxyProcess, type ProxyProcessState } from './proxy-process.ts';
import { type FakeEnvoyBehaviour, type FakeMesh, fakeMesh } from './testing/fake-mesh.ts';
import { killNow } from './testing/kill-now.ts';
import { waitUntil } from './testing/wait-until.ts';

const instance: WorkloadInstance = {
  name: 'hello-v1-0',
  namespace: 'default',
  role: 'sidecar',
  workload: 'hello-v1',
  labels: { app: 'hello' },
  serviceAccount: 'default',
  address: '127.0.0.1',
  ports: [],
  health: 'starting',
  capture: { mode: 'explicit', httpProxyPort: 20_000, servicePorts: {} },
};

const holdsEverything = { synced: true, everSynced: true };

/** A proxy with a fake Envoy that behaves like this, and the states that it goes through. */
async function startProxy(behaviour: Partial<FakeEnvoyBehaviour> = {}, settings: ProxySettings = {}) {
  const mesh = fakeMesh();
  mesh.behave(behaviour);
  const [adminPort = 0] = await mesh.ports.allocate(1);
  const states: ProxyProcessState[] = [];
  const portsTaken: number[] = [];
  const proxy = new ProxyProcess({
    context: mesh.context,
    instance,
    adminPort,
    settings,
    onChange: () => states.push(proxy.state),
    onPortTaken: () => portsTaken.push(adminPort),
  });
  onTestFinished(() => proxy.stop());
  proxy.start();
  const seen = (what: string) => mesh.seen().filter((each) => each.what === what);
  return { mesh, proxy, states, portsTaken, seen };
}

test('an Envoy that says it is ready is not live before it has acknowledged its first configuration', async () => {
  const { proxy, states, seen } = await startProxy({ ready: true });
  await waitUntil('its Envoy answers', () => seen('listening').length > 0);
  // Whoever did not wait for the acknowledgement would ask it every 10 ms.
  for (let asked = 0; asked < 20; asked += 1) {
    await waitUntil('it says that it is ready', async () => (await fetch(`${proxy.admin}/ready`)).ok);
  }
  proxy.tell(undefined);
  proxy.tell({ synced: false, everSynced: false });
  expect(seen('/ready')).toHaveLength(20);
  expect(states.map(({ kind }) => kind)).not.toContain('live');
  proxy.tell(holdsEverything);
  await waitUntil('it is live', () => proxy.state.kind === 'live');
});

test('an Envoy that has acknowledged everything is not live before it says so itself', async () => {
  const { mesh, proxy, states, seen } = await startProxy({ ready: false });
  proxy.tell(holdsEverything);
  await waitUntil('it was asked again', () => seen('/ready').length > 1 || proxy.state.kind === 'live');
  expect(states.map(({ kind }) => kind)).not.toContain('live');
  mesh.behave({ ready: true });
  await waitUntil('it is live', () => proxy.state.kind === 'live');
});

test('an Envoy that ends again and again is started ever more slowly, and its last words are told', async () => {
  const { mesh, proxy, states, portsTaken, seen } = await startProxy({ dies: 'out of memory' });
  const backOffs = () => states.filter((state) => state.kind === 'back-off');
  await waitUntil('it was started three times', () => backOffs().length === 3);
  expect(backOffs()).toEqual(
    [0, 100, 200].map((delayMs) => ({ kind: 'back-off', delayMs, reason: 'Envoy exited with code 1' })),
  );
  expect(proxy.problem).toMatchObject({
    code: 'LAT0330',
    message: expect.stringContaining('hello-v1-0: Envoy exited with code 1. Its last lines:\nout of memory\n'),
  });
  expect(portsTaken).toEqual([]);
  mesh.behave({ dies: undefined });
  proxy.tell(holdsEverything);
  await waitUntil('the fourth is live', () => proxy.state.kind === 'live');
  const [first, second, third, fourth] = seen('start').map(({ at }) => at);
  expect((third ?? 0) - (second ?? 0)).toBeGreaterThanOrEqual(100);
  expect((fourth ?? 0) - (third ?? 0)).toBeGreaterThanOrEqual(200);
  expect(second).toBeGreaterThan(first ?? 0);
  expect(proxy.problem).toBe(undefined);
  expect(proxy.restarts).toBe(3);
});

test('an Envoy whose admin port is taken says so', async () => {
  const { portsTaken } = await startProxy({ dies: 'cannot bind 127.0.0.1:20001: Address already in use' });
  await waitUntil('it is told', () => portsTaken.length > 0);
});

const patch: BootstrapPatch = {
  source: { namespace: 'default', name: 'f', path: 'spec.configPatches[0]' },
  roles: ['sidecar'],
  namespace: 'default',
  selectors: [{ app: 'hello' }],
  metadata: { CLUSTER_ID: 'Kubernetes' },
  value: { stats_flush_interval: '1s' },
};

/** The bootstrap that the Envoy runs with. */
function bootstrapOf(mesh: FakeMesh): unknown {
  return JSON.parse(readFileSync(join(mesh.context.runDir, 'proxies', 'hello-v1-0.default', 'envoy.json'), 'utf8'));
}

test('an Envoy that is not live yet is replaced when its bootstrap is patched', async () => {
  const { mesh, proxy, states, seen } = await startProxy();
  await waitUntil('its Envoy answers', () => seen('listening').length > 0);
  expect(bootstrapOf(mesh)).not.toHaveProperty('stats_flush_interval');
  mesh.context.bootstrapPatches.set([patch]);
  await waitUntil('another one answers', () => seen('listening').length > 1);
  expect(bootstrapOf(mesh)).toMatchObject({
    stats_flush_interval: '1s',
    node: { id: expect.stringContaining('~hello-v1-0.default~') },
    admin: { address: { socket_address: { port_value: Number(new URL(proxy.admin).port) } } },
  });
  proxy.tell(holdsEverything);
  await waitUntil('it is live', () => proxy.state.kind === 'live');
  expect(proxy.bootstrapProblem).toBe(undefined);
  expect(proxy.restarts).toBe(0);
  expect(states.map(({ kind }) => kind)).not.toContain('back-off');
});

test('an Envoy that serves goes on with its old bootstrap, which is told, and starts with the new one', async () => {
  const { mesh, proxy } = await startProxy();
  proxy.tell(holdsEverything);
  await waitUntil('it is live', () => proxy.state.kind === 'live');
  const { pid } = proxy;
  mesh.context.bootstrapPatches.set([patch]);
  expect(proxy.bootstrapProblem).toEqual({
    code: 'LAT0532',
    message: `hello-v1-0 starts with the BOOTSTRAP patches of EnvoyFilter default/f the next time: its Envoy (process ${pid}) runs with those from before`,
  });
  mesh.context.bootstrapPatches.set([]);
  expect(proxy.bootstrapProblem).toBe(undefined);
  mesh.context.bootstrapPatches.set([patch]);
  expect(proxy.pid).toBe(pid);
  killNow(pid);
  await waitUntil('another one is live', () => proxy.state.kind === 'live' && proxy.pid !== pid);
  expect(bootstrapOf(mesh)).toHaveProperty('stats_flush_interval', '1s');
  expect(proxy.bootstrapProblem).toBe(undefined);
});

test('an Envoy that refuses its patched bootstrap starts without the patches', async () => {
  const { mesh, proxy, seen } = await startProxy({ refuses: 'stats_flush_interval' });
  mesh.context.bootstrapPatches.set([patch]);
  proxy.tell(holdsEverything);
  await waitUntil('it is live', () => proxy.state.kind === 'live' && proxy.bootstrapProblem !== undefined);
  expect(bootstrapOf(mesh)).not.toHaveProperty('stats_flush_interval');
  expect(proxy.bootstrapProblem).toEqual({
    code: 'LAT0533',
    message:
      'hello-v1-0 runs without the BOOTSTRAP patches of EnvoyFilter default/f. Envoy says: cannot have stats_flush_interval',
  });
  expect(seen('start').length).toBeGreaterThan(0);
});

test('an Envoy starts with the settings of its proxy', async () => {
  const environment = { COLOR: 'blue', ISTIO_META_TIER: 'front', ISTIO_META_NAME: 'other' };
  const settings = { concurrency: 3, environment, drainMs: 7000, logLevel: 'info', componentLogLevel: 'http:debug' };
  const { mesh, seen } = await startProxy({}, settings);
  await waitUntil('its Envoy answers', () => seen('listening').length > 0);
  const [{ args = [], color } = {}] = seen('start');
  expect(args.join(' ')).toMatch(/--concurrency 3 --drain-time-s 7 .* -l info --component-log-level http:debug$/);
  expect(color).toBe('blue');
  expect(bootstrapOf(mesh)).toMatchObject({ node: { metadata: { TIER: 'front', NAME: 'hello-v1-0' } } });
});

test('an Envoy that serves keeps its settings, which is told, and the next one has the others', async () => {
  const { proxy, seen } = await startProxy({}, { concurrency: 0 });
  proxy.tell(holdsEverything);
  await waitUntil('it is live', () => proxy.state.kind === 'live');
  expect(seen('start')[0]?.args).not.toContain('--concurrency');
  const { pid } = proxy;
  // Nothing that an Envoy starts with.
  proxy.configure({ concurrency: 0, terminationDrainMs: 1 });
  expect(proxy.bootstrapProblem).toBe(undefined);
  proxy.configure({ concurrency: 2 });
  expect(proxy.bootstrapProblem).toEqual({
    code: 'LAT0532',
    message: `hello-v1-0 starts with other settings of its proxy the next time: its Envoy (process ${pid}) runs with those from before`,
  });
  killNow(pid);
  await waitUntil('another one is live', () => proxy.state.kind === 'live' && proxy.pid !== pid);
  expect(seen('start')[1]?.args?.join(' ')).toContain('--concurrency 2');
  expect(proxy.bootstrapProblem).toBe(undefined);
});

test.each([
  ['another role', { roles: ['router'] }],
  ['another namespace', { namespace: 'other' }],
  ['other labels', { selectors: [{ app: 'other' }] }],
  ['another version', { proxyVersion: '^1[.]2' }],
  ['other metadata', { metadata: { CLUSTER_ID: 'other' } }],
] as const)('a patch for %s is for other Envoys', (_, other) => {
  const patches = new BootstrapPatches();
  const metadata = { ISTIO_VERSION: '1.30.0', CLUSTER_ID: 'Kubernetes' };
  patches.set([patch, { ...patch, ...other }]);
  expect(patches.for(instance, metadata)).toEqual([patch]);
  patches.set([{ ...patch, proxyVersion: '^1[.]3', roles: ['sidecar', 'router'] }]);
  expect(patches.for(instance, metadata)).toHaveLength(1);
});

test('one that was stopped leaves no process, no socket and no bootstrap', async () => {
  const { mesh, proxy, states } = await startProxy();
  proxy.tell(holdsEverything);
  await waitUntil('it is live', () => proxy.state.kind === 'live');
  const { pid } = proxy;
  const { runDir, table } = mesh.context;
  expect(existsSync(join(runDir, 'proxies', 'hello-v1-0.default', 'envoy.json'))).toBe(true);
  await proxy.stop();
  expect(states.at(-1)).toEqual({ kind: 'stopped' });
  expect(processStartTime(pid ?? 0)).toBe(null);
  expect(table.records()).toEqual([]);
  expect(readdirSync(join(runDir, 'proxies'))).toEqual([]);
  expect(readdirSync(join(runDir, 'sds'))).toEqual([]);
});
