import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { ProxySettings } from '@lateen/api/proxy-settings.ts';
import { expect, onTestFinished, test } from 'vitest';
import type { ServicePortRef } from '#pilot/registry/processes/link.ts';
import { logPath } from './logs.ts';
import { gracePeriodMs, type PodTemplate } from './pod.ts';
import { processStartTime } from './process-identity.ts';
import { Replica } from './replica.ts';
import { fakeMesh } from './testing/fake-mesh.ts';
import { waitUntil } from './testing/wait-until.ts';

const hello = fileURLToPath(new URL('./testing/hello.mjs', import.meta.url));
const holdsEverything = { synced: true, everSynced: true };

function service(name: string): ServicePortRef {
  return { name, namespace: 'default', hostname: `${name}.default.svc.cluster.local`, port: 9080 };
}

interface HelloOptions {
  readonly graceSeconds?: number;
  readonly env?: Readonly<Record<string, string>>;
  readonly proxy?: ProxySettings;
}

function template({ graceSeconds, env = {} }: HelloOptions = {}): PodTemplate {
  return {
    spec: {
      ...(graceSeconds === undefined ? {} : { terminationGracePeriodSeconds: graceSeconds }),
      containers: [
        {
          name: 'hello',
          command: ['node', hello],
          ports: [{ containerPort: 9080 }],
          env: Object.entries(env).map(([name, value]) => ({ name, value })),
        },
      ],
    },
  };
}

/** A replica of `hello.mjs` behind a fake Envoy. */
function startReplica(options: HelloOptions & { readonly services?: readonly ServicePortRef[] } = {}) {
  const mesh = fakeMesh();
  mesh.services = options.services ?? [];
  const { context } = mesh;
  const replica = new Replica({
    context,
    deployment: 'hello-v1',
    namespace: 'default',
    ordinal: 0,
    template: template(options),
    hash: '',
    baseDir: context.stateDir,
    proxy: options.proxy ?? {},
    onChange: () => {},
  });
  onTestFinished(() => replica.kill());
  replica.start();
  const report = () => {
    const found = context.instances.all()[0];
    const capture = found?.instance.capture;
    return found === undefined || capture?.mode !== 'explicit' ? undefined : { ...found, capture };
  };
  const ready = async () => {
    await waitUntil('its Envoy was started', () => report()?.process.envoyPid);
    replica.tell(holdsEverything);
    await waitUntil('it is ready', () => replica.ready);
  };
  const applicationLog = logPath(context.stateDir, { namespace: 'default', replica: 'hello-v1-0' });
  return { mesh, replica, report, ready, applicationLog };
}

test('the application starts only when its sidecar has its configuration', async () => {
  const { mesh, replica, report, applicationLog } = startReplica();
  await waitUntil('its Envoy answers', () => mesh.seen().some(({ what }) => what === 'listening'));
  expect(report()?.process).toMatchObject({ pid: null, phase: 'waiting for sidecar' });
  expect(existsSync(applicationLog)).toBe(false);
  replica.tell(holdsEverything);
  await waitUntil('it is ready', () => replica.ready);
  expect(report()?.process.pid).not.toBe(null);
});

test('an application that is not to be held starts beside a sidecar without configuration', async () => {
  const { replica, report } = startReplica({ proxy: { holdsApplication: false } });
  await waitUntil('the application runs', () => report()?.process.pid);
  expect(replica.ready).toBe(false);
  await waitUntil('its Envoy was started', () => report()?.process.envoyPid);
  replica.tell(holdsEverything);
  await waitUntil('it is ready', () => replica.ready);
});

test('requests under way are waited for as long as the proxy may drain', async () => {
  const { mesh, replica, ready } = startReplica({ proxy: { terminationDrainMs: 0 } });
  await ready();
  mesh.behave({ activeRequests: 1 });
  await replica.stop();
  expect(mesh.seen().filter(({ what }) => what.startsWith('/stats'))).toEqual([]);
});

test('nothing is ended while a request is under way', async () => {
  const { mesh, replica, report, ready, applicationLog } = startReplica();
  await ready();
  const { pid } = report()?.process ?? {};
  mesh.behave({ activeRequests: 1 });
  const stopping = replica.stop();
  const timesAsked = () => mesh.seen().filter(({ what }) => what.startsWith('/stats')).length;
  // Three times without a request would be enough to end it.
  await waitUntil('Envoy was asked a few times', () => timesAsked() > 3 || replica.gone);
  expect(report()).toMatchObject({ instance: { health: 'draining' }, process: { pid } });
  expect(readFileSync(applicationLog, 'utf8')).not.toContain('SIGTERM');
  mesh.behave({ activeRequests: 0 });
  await stopping;
  expect(readFileSync(applicationLog, 'utf8')).toContain('SIGTERM');
  expect(processStartTime(pid ?? 0)).toBe(null);
});

test('all ports are given back at the end', async () => {
  const { mesh, replica, ready } = startReplica({ services: [service('a'), service('b')] });
  await ready();
  // Admin, HTTP proxy, inbound and own, and one for each service.
  expect(mesh.ports.held.size).toBe(6);
  await replica.stop();
  expect([...mesh.ports.held]).toEqual([]);
  expect(mesh.context.instances.all()).toEqual([]);
});

test('terminationGracePeriodSeconds is 30 where it is not set', () => {
  expect(gracePeriodMs(template())).toBe(30_000);
  expect(gracePeriodMs(template({ graceSeconds: 5 }))).toBe(5000);
  expect(gracePeriodMs(template({ graceSeconds: 0 }))).toBe(0);
});

test('an application that ignores SIGTERM is killed after its grace period, and has its sidecar until then', async () => {
  const { mesh, replica, report, ready, applicationLog } = startReplica({
    graceSeconds: 1,
    env: { ON_SIGTERM: 'ignore' },
  });
  await ready();
  const { pid } = report()?.process ?? {};
  await replica.stop();
  const [, askedAt] = /SIGTERM at (\d+)/.exec(readFileSync(applicationLog, 'utf8')) ?? [];
  const sidecarAt = mesh.seen().find(({ what }) => what === 'SIGTERM')?.at ?? 0;
  const tookMs = sidecarAt - Number(askedAt);
  // The application hears of the signal a moment after it was sent.
  expect(tookMs).toBeGreaterThan(500);
  expect(tookMs).toBeLessThan(5000);
  expect(processStartTime(pid ?? 0)).toBe(null);
});

test("the application's process has the variables of the services, with the ports of its sidecar's listeners", async () => {
  const { report, ready } = startReplica({ services: [service('reviews')] });
  await ready();
  const { appPort } = report()?.instance.ports[0] ?? {};
  const variable = async (name: string) => (await fetch(`http://127.0.0.1:${appPort}/?variable=${name}`)).text();
  expect(await variable('REVIEWS_SERVICE_HOST')).toBe('127.0.0.1');
  expect(await variable('REVIEWS_SERVICE_PORT')).toBe(
    String(report()?.capture.servicePorts['reviews.default.svc.cluster.local:9080']),
  );
});

test('a service that comes while it runs gets a port, and one that goes gives its port back', async () => {
  const { mesh, replica, report, ready } = startReplica({ services: [service('stays'), service('goes')] });
  await ready();
  const { pid, envoyPid } = report()?.process ?? {};
  const portOf = (name: string) => report()?.capture.servicePorts[`${name}.default.svc.cluster.local:9080`];
  const stays = portOf('stays');
  const goes = portOf('goes') ?? 0;
  expect(mesh.ports.held).toContain(goes);
  mesh.services = [service('stays'), service('comes')];
  replica.manifestsChanged();
  const comes = await waitUntil('the new one has a port', () => portOf('comes'));
  expect(portOf('stays')).toBe(stays);
  expect(portOf('goes')).toBe(undefined);
  expect(mesh.ports.held).toContain(comes);
  expect(mesh.ports.held).not.toContain(goes);
  expect(report()?.process).toMatchObject({ pid, envoyPid });
});
