import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, type IncomingHttpHeaders, request } from 'node:http';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { findEnvoy } from '#agent/envoy/find.ts';
import type { InstanceReport } from '#pilot/registry/processes/link.ts';
import type { SupervisorEvent } from './events.ts';
import { findMesh, listMeshes } from './mesh-file.ts';
import { Ports } from './ports.ts';
import { processStartTime } from './process-identity.ts';
import { cleanUpLeftovers, signalGroup } from './process-table.ts';
import { meshPaths } from './state-paths.ts';
import { type Supervisor, type SupervisorOptions, startSupervisor } from './supervisor.ts';
import { helloDeployment, helloService } from './testing/hello-manifests.ts';
import { killNow } from './testing/kill-now.ts';
import { waitUntil } from './testing/wait-until.ts';

const controlPlaneModule = fileURLToPath(new URL('../runtime/control-plane-process.ts', import.meta.url));

let envoyPath: string;
beforeAll(async () => {
  envoyPath = (await findEnvoy()).path;
});

interface Home {
  readonly root: string;
  readonly dir: string;
  readonly options: Omit<SupervisorOptions, 'onEvent'>;
  write(file: string, text: string): void;
}

/** A state root and a folder of manifests, and ports that are free. */
async function makeHome(): Promise<Home> {
  const root = mkdtempSync(join(tmpdir(), 'lateen-mesh-'));
  const dir = join(root, 'app');
  mkdirSync(dir);
  const [adminPort = 0, httpPort = 0] = await new Ports().allocate(2);
  return {
    root,
    dir,
    options: {
      mesh: 'test',
      dir,
      files: [],
      ...meshPaths('test', root),
      adminPort,
      gatewayHostPorts: { 80: httpPort },
      envoyPath,
      controlPlaneModule,
      lateenVersion: '0.0.0',
    },
    write: (file, text) => writeFileSync(join(dir, file), text),
  };
}

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** On a connection of its own, unless there is an agent. */
function get(url: string, path = '/', host = 'hello.test', agent: Agent | false = false): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const { port } = new URL(url);
    const outgoing = request({ host: '127.0.0.1', port, path, headers: { host }, agent }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text: string) => {
        body += text;
      });
      response.once('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }));
      response.once('error', reject);
    });
    outgoing.once('error', reject);
    outgoing.end();
  });
}

/** Requests one after the other until it is stopped; gives those that did not get a 200. */
function keepAsking(url: string): { answers: Set<string>; stop: () => Promise<string[]> } {
  let stopped = false;
  const failures: string[] = [];
  const answers = new Set<string>();
  const run = async () => {
    while (!stopped) {
      try {
        const { status, body } = await get(url, '/?delay=5');
        if (status === 200) answers.add(body);
        else failures.push(`${status} ${body}`);
      } catch (error) {
        failures.push(String(error));
      }
    }
  };
  const loops = [run(), run()];
  return {
    answers,
    stop: async () => {
      stopped = true;
      await Promise.all(loops);
      return failures;
    },
  };
}

/** Lets a process do nothing until the function that it gives is called. */
function freeze(pid: number | null | undefined): () => void {
  const resume = () => void signalGroup(pid ?? 0, 'SIGCONT');
  onTestFinished(resume);
  if (!signalGroup(pid ?? 0, 'SIGSTOP')) throw new Error('there is no process to freeze');
  return resume;
}

function controlPlanePid(supervisor: Supervisor): number | null {
  const { controlPlane } = supervisor.state();
  return 'pid' in controlPlane ? controlPlane.pid : null;
}

function allPids(supervisor: Supervisor): number[] {
  const { gateways, workloads } = supervisor.state();
  const pids = [...gateways, ...workloads].flatMap(({ process: { pid, envoyPid } }) => [pid, envoyPid]);
  return [...pids, controlPlanePid(supervisor)].filter((pid) => pid !== null);
}

describe('a mesh', () => {
  let home: Home;
  let supervisor: Supervisor;
  let url: string;
  const events: SupervisorEvent[] = [];

  const workload = (name: string): InstanceReport | undefined =>
    supervisor.state().workloads.find(({ instance }) => instance.name === name);
  const names = () =>
    supervisor
      .state()
      .workloads.map(({ instance }) => instance.name)
      .join(' ');
  const ready = () => waitUntil('everything is ready', () => supervisor.state().ready, 20_000);
  const gateway = () => supervisor.state().gateways[0];
  const logOf = (name: string) => readFileSync(join(home.options.stateDir, 'logs', `${name}.log`), 'utf8');
  /** The port of a sidecar's listener for a service. */
  const listenerOf = (name: string, service: string): number | undefined => {
    const capture = workload(name)?.instance.capture;
    return capture?.mode === 'explicit' ? capture.servicePorts[`${service}.default.svc.cluster.local:9080`] : undefined;
  };
  /** A request has arrived when the application is busy with it. */
  const underWay = (service: string) =>
    waitUntil('the request is under way', async () => {
      const stats = await get(gateway()?.process.envoyAdmin ?? '', '/stats?filter=upstream_rq_active');
      return new RegExp(`outbound.*\\b${service}\\b.*upstream_rq_active: 1`).test(stats.body);
    });

  beforeAll(async () => {
    home = await makeHome();
    home.write('hello.yaml', helloDeployment({ replicas: 2 }));
    home.write('other.yaml', helloDeployment({ name: 'other' }));
    home.write('services.yaml', `${helloService()}---\n${helloService('other')}`);
    supervisor = await startSupervisor({ ...home.options, onEvent: (event) => events.push(event) });
    await ready();
    url = supervisor.state().gateways[0]?.process.url ?? '';
  });

  afterAll(async () => {
    await supervisor.stop();
    rmSync(home.root, { recursive: true, force: true });
  });

  test('gets ready and can be found', async () => {
    expect((await get(url)).body).toMatch(/^hello-v1-[01] hi$/);
    expect(names()).toBe('hello-v1-0 hello-v1-1 other-v1-0');
    expect(events.filter(({ type }) => type === 'ready')).toHaveLength(1);
    expect(events.filter(({ type }) => type === 'diagnostics' || type === 'fatal')).toEqual([]);
    expect(url).toBe(`http://localhost:${home.options.gatewayHostPorts?.[80]}`);
    const { admin, token } = supervisor.state();
    expect(findMesh('test', home.root)).toMatchObject({ dir: home.dir, pid: process.pid, admin, token, alive: true });
    await expect(startSupervisor({ ...home.options, onEvent: () => {} })).rejects.toMatchObject({ code: 'LAT0301' });
  });

  test('an application finds the listeners of its sidecar for the services in its variables', async () => {
    const variable = async (name: string) => (await get(url, `/?variable=${name}`)).body;
    expect(await variable('OTHER_SERVICE_HOST')).toBe('127.0.0.1');
    const port = await variable('OTHER_SERVICE_PORT');
    expect((await get(`http://127.0.0.1:${port}`, '/', 'any.example')).body).toBe('other-v1-0 hi');
  });

  test('a Service that is added gets a listener in every sidecar, and a removed one has none', async () => {
    const before = allPids(supervisor);
    home.write(
      'raw.yaml',
      `${helloDeployment({ name: 'raw' })}---
apiVersion: v1
kind: Service
metadata: {name: raw}
spec: {selector: {app: raw}, ports: [{name: tcp, port: 9080}]}
`,
    );
    const port = await waitUntil('it has a port', () => listenerOf('hello-v1-0', 'raw'));
    const call = () => get(`http://127.0.0.1:${port}`).catch(() => null);
    await waitUntil('it answers', async () => (await call())?.body === 'raw-v1-0 hi');
    rmSync(join(home.dir, 'raw.yaml'));
    await waitUntil('its port is gone', () => listenerOf('hello-v1-0', 'raw') === undefined);
    await waitUntil('nobody listens any more', async () => (await call()) === null);
    await waitUntil('it is gone', () => workload('raw-v1-0') === undefined);
    expect(allPids(supervisor)).toEqual(before);
  });

  test('an application that is killed comes back, and its sidecar stays', async () => {
    const before = workload('hello-v1-0')?.process;
    killNow(before?.pid);
    await waitUntil('it is noticed', () => workload('hello-v1-0')?.instance.health === 'unready');
    expect(workload('hello-v1-0')?.process).toMatchObject({ phase: 'back-off', pid: null });
    await ready();
    const after = workload('hello-v1-0')?.process;
    expect(after?.pid).not.toBe(before?.pid);
    expect(after?.envoyPid).toBe(before?.envoyPid);
    expect(after?.restarts).toBe(1);
  });

  test('an Envoy that is killed comes back on the same ports, and the application stays', async () => {
    const before = workload('hello-v1-0');
    killNow(before?.process.envoyPid);
    await waitUntil('it is noticed', () => workload('hello-v1-0')?.instance.health === 'unready');
    await ready();
    const after = workload('hello-v1-0');
    expect(after?.process.envoyPid).not.toBe(before?.process.envoyPid);
    expect(after?.process.pid).toBe(before?.process.pid);
    expect(after?.instance.ports).toEqual(before?.instance.ports);
  });

  test('the control plane is killed and comes back, and no request fails', async () => {
    const asking = keepAsking(url);
    const before = supervisor.state().controlPlane;
    killNow(controlPlanePid(supervisor));
    await waitUntil('it is noticed', () => supervisor.state().controlPlane.kind !== 'running');
    await ready();
    expect(supervisor.state().controlPlane).not.toEqual(before);
    // The new one is in charge: a change gets through.
    home.write('hello.yaml', helloDeployment({ replicas: 3 }));
    await waitUntil('the change arrived', () => names().includes('hello-v1-2'));
    await ready();
    expect(await asking.stop()).toEqual([]);
  });

  test('scaling starts and stops replicas without touching the others, and no request fails', async () => {
    home.write('hello.yaml', helloDeployment({ replicas: 2 }));
    await waitUntil('two are left', () => names() === 'hello-v1-0 hello-v1-1 other-v1-0');
    const before = allPids(supervisor);
    const asking = keepAsking(url);
    home.write('hello.yaml', helloDeployment({ replicas: 3 }));
    await waitUntil('the third is there', () => workload('hello-v1-2')?.instance.health === 'ready');
    await waitUntil('it is asked', () => asking.answers.has('hello-v1-2 hi'));
    expect(allPids(supervisor)).toEqual(expect.arrayContaining(before));
    home.write('hello.yaml', helloDeployment({ replicas: 2 }));
    await waitUntil('it is gone again', () => names() === 'hello-v1-0 hello-v1-1 other-v1-0');
    expect(allPids(supervisor).sort()).toEqual(before.sort());
    expect(await asking.stop()).toEqual([]);
  });

  test('the mesh is not ready before every Envoy knows of a new replica', async () => {
    const resume = freeze(workload('hello-v1-0')?.process.envoyPid);
    home.write('hello.yaml', helloDeployment({ replicas: 3 }));
    await waitUntil('the third is there', () => workload('hello-v1-2')?.instance.health === 'ready');
    expect(supervisor.state().ready).toBe(false);
    resume();
    await ready();
  });

  test('an application is not ended before every Envoy knows that its replica goes', async () => {
    const resume = freeze(workload('hello-v1-0')?.process.envoyPid);
    home.write('hello.yaml', helloDeployment({ replicas: 2 }));
    await waitUntil('it withdraws', () => workload('hello-v1-2')?.instance.health === 'draining');
    // That Envoy could still send requests to it; a wrong order would show in this time.
    await delay(200);
    const resumedAt = Date.now();
    resume();
    await waitUntil('it is gone', () => workload('hello-v1-2') === undefined);
    expect(Number(/SIGTERM at (\d+)\n$/.exec(logOf('hello-v1-2'))?.[1])).toBeGreaterThanOrEqual(resumedAt);
    await ready();
  });

  test('a replica that is stopped finishes its requests first, and can call others to the end', async () => {
    const manifest = (replicas: number) =>
      `${helloDeployment({ name: 'last', replicas, onSigterm: 'http://other:9080/' })}---\n${helloService('last')}`;
    home.write('last.yaml', manifest(1));
    await waitUntil('it answers', async () => (await get(url, '/', 'last.test')).status === 200);
    const slow = get(url, '/?delay=500', 'last.test');
    await underWay('last');
    home.write('last.yaml', manifest(0));
    expect(await slow).toMatchObject({ status: 200, body: 'last-v1-0 hi' });
    await waitUntil('it is gone', () => workload('last-v1-0') === undefined);
    expect(logOf('last-v1-0')).toContain('last call: 200');
    rmSync(join(home.dir, 'last.yaml'));
  });

  test('a changed template is rolled out, only where it changed, and no request fails', async () => {
    const other = workload('other-v1-0')?.process;
    const asking = keepAsking(url);
    home.write('hello.yaml', helloDeployment({ replicas: 2, greeting: 'hello' }));
    await waitUntil('nobody says hi any more', async () => !names().includes('hello-v1-1'));
    await ready();
    asking.answers.clear();
    await waitUntil('both successors answer', () => asking.answers.size === 2);
    expect([...asking.answers].every((answer) => answer.endsWith(' hello'))).toBe(true);
    expect(await asking.stop()).toEqual([]);
    expect(workload('other-v1-0')?.process).toEqual(other);
  });

  test('a command that does not exist is reported, the old replica serves on, and a correction is enough', async () => {
    home.write('other.yaml', helloDeployment({ name: 'other', command: 'no-such-program' }));
    const diagnostics = () => supervisor.state().diagnostics;
    await waitUntil('it is reported', () => diagnostics().some(({ code }) => code === 'LAT0311'));
    expect(diagnostics()).toMatchObject([
      {
        code: 'LAT0311',
        severity: 'error',
        object: { kind: 'Deployment', namespace: 'default', name: 'other-v1' },
        path: 'spec.template.spec.containers[0].command[0]',
      },
    ]);
    expect(events.at(-1)).toMatchObject({ type: 'diagnostics' });
    expect((await get(url, '/', 'other.test')).body).toBe('other-v1-0 hi');
    expect(workload('other-v1-1')).toMatchObject({
      instance: { health: 'starting' },
      process: { phase: 'back-off', message: expect.stringContaining('no-such-program was not found') },
    });
    home.write('other.yaml', helloDeployment({ name: 'other', greeting: 'again' }));
    await waitUntil('the correction serves', async () => (await get(url, '/', 'other.test')).body.endsWith(' again'));
    await ready();
    expect(diagnostics()).toEqual([]);
  });

  test('a container without a command is not tried again, and an edit is enough', async () => {
    const manifest = helloDeployment({ name: 'other', greeting: 'with a command' });
    const seen = events.length;
    home.write('other.yaml', manifest.replace(/^ *command: .*\n/m, ''));
    await waitUntil('it is reported', () => supervisor.state().diagnostics.some(({ code }) => code === 'LAT0310'));
    const failed = supervisor.state().workloads.find(({ process }) => process.phase === 'failed');
    expect(failed).toMatchObject({
      instance: { health: 'starting', workload: 'other-v1' },
      process: { pid: null, restarts: 0, message: expect.stringMatching(/^container other has no command\./) },
    });
    expect((await get(url, '/', 'other.test')).body).toMatch(/ again$/);
    home.write('other.yaml', manifest);
    await waitUntil('it serves', async () => (await get(url, '/', 'other.test')).body.endsWith(' with a command'));
    await ready();
    expect(supervisor.state().diagnostics).toEqual([]);
    const phases = events.slice(seen).flatMap((event) => (event.type === 'instance' ? event.phase : []));
    expect(phases.filter((phase) => phase === 'failed')).toHaveLength(1);
    expect(phases).not.toContain('back-off');
  });

  const portsOfReplica: [string, (report: InstanceReport) => number][] = [
    ['the port of a sidecar', ({ instance }) => instance.ports[0]?.inboundPort ?? 0],
    ["the port of a sidecar's admin server", ({ process }) => Number(new URL(process.envoyAdmin).port)],
  ];
  test.each(portsOfReplica)('when somebody takes %s, the replica moves to other ports', async (_title, portOf) => {
    const replica = () => supervisor.state().workloads.find(({ instance }) => instance.workload === 'other-v1');
    const before = await waitUntil('it is there', replica);
    killNow(before.process.envoyPid);
    const thief = await takePort(portOf(before));
    onTestFinished(() => void thief.close());
    // Nobody is sent to the old ports meanwhile.
    await waitUntil('it is withdrawn', () => replica() === undefined);
    const after = await waitUntil('it is back', replica);
    expect(portOf(after)).not.toBe(portOf(before));
    expect(after.instance.ports[0]?.inboundPort).not.toBe(before.instance.ports[0]?.inboundPort);
    await ready();
    expect((await get(url, '/', 'other.test')).status).toBe(200);
  });

  test("when somebody takes the port of the gateway's admin server, it gets another one", async () => {
    const before = gateway()?.process;
    killNow(before?.envoyPid);
    const thief = await takePort(Number(new URL(before?.envoyAdmin ?? '').port));
    onTestFinished(() => void thief.close());
    await waitUntil('it has another port', () => gateway()?.process.envoyAdmin !== before?.envoyAdmin);
    await ready();
    expect(gateway()?.process.url).toBe(url);
    expect((await get(url)).status).toBe(200);
  });

  test('when somebody takes the port of the gateway, it moves to another one and says so', async () => {
    const taken = Number(new URL(url).port);
    killNow(gateway()?.process.envoyPid);
    const thief = await takePort(taken);
    onTestFinished(() => void thief.close());
    await waitUntil('it has another port', () => gateway()?.process.url !== url);
    url = gateway()?.process.url ?? '';
    await waitUntil('it answers there', async () => (await get(url).catch(() => null))?.status === 200);
    expect(events).toContainEqual({
      type: 'notice',
      text: `port ${taken} is taken; the ingress gateway listens on ${new URL(url).port}`,
    });
    await ready();
  });

  test('when somebody takes the port of the admin API, commands find it at another one', async () => {
    const { admin } = supervisor.state();
    killNow(controlPlanePid(supervisor));
    const thief = await takePort(Number(new URL(admin).port));
    onTestFinished(() => void thief.close());
    await waitUntil('it is at another port', () => supervisor.state().admin !== admin);
    expect(findMesh('test', home.root).admin).toBe(supervisor.state().admin);
    await ready();
  });

  test('a deleted Deployment is stopped', async () => {
    const pids = supervisor.state().workloads.find(({ instance }) => instance.workload === 'other-v1')?.process;
    rmSync(join(home.dir, 'other.yaml'));
    await waitUntil('it is gone', () => !names().includes('other'));
    expect(processStartTime(pids?.pid ?? 0)).toBe(null);
    expect(processStartTime(pids?.envoyPid ?? 0)).toBe(null);
    await ready();
  });

  test('a new port of a Gateway is opened while it runs', async () => {
    const [port = 0] = await new Ports().allocate(1);
    home.write(
      'more.yaml',
      helloService().replaceAll('name: hello}', 'name: more}').replace('number: 80', `number: ${port}`),
    );
    await waitUntil(
      'it answers',
      async () => (await get(`http://localhost:${port}`).catch(() => null))?.status === 404,
    );
    expect(supervisor.state().gateways[0]?.instance.capture).toMatchObject({ hostPorts: { [port]: port } });
    rmSync(join(home.dir, 'more.yaml'));
  });

  test('stops in order: endpoints are withdrawn, requests finish, and then nothing is left', async () => {
    const pids = allPids(supervisor);
    const name = supervisor.state().workloads[0]?.instance.name ?? '';
    const agent = new Agent({ keepAlive: true });
    onTestFinished(() => agent.destroy());
    const steps = () => events.flatMap((event) => (event.type === 'step' ? event.text : []));
    expect((await get(url, '/', 'hello.test', agent)).headers.connection).not.toBe('close');
    const slow = get(url, '/?delay=500', 'hello.test', agent);
    const stepsDuringIt = slow.then(steps);
    await underWay('hello');
    const resume = freeze(controlPlanePid(supervisor));
    const stopping = supervisor.stop();
    await waitUntil('it withdraws', () => workload(name)?.instance.health === 'draining');
    // The gateway asks its clients to go elsewhere, and until then all of the mesh is there.
    expect(await slow).toMatchObject({ status: 200, headers: { connection: 'close' } });
    expect(await stepsDuringIt).toEqual(['stopping: the gateway takes no more requests']);
    // Without the acknowledgement no application may be ended; a wrong order would show in this time.
    await delay(200);
    const acknowledgedAt = Date.now();
    resume();
    await stopping;
    expect(Number(/SIGTERM at (\d+)\n$/.exec(logOf(name))?.[1])).toBeGreaterThanOrEqual(acknowledgedAt);
    expect(pids.length).toBeGreaterThanOrEqual(6);
    for (const pid of pids) expect(processStartTime(pid)).toBe(null);
    expect(existsSync(home.options.runDir)).toBe(false);
    expect(listMeshes(home.root)).toEqual([]);
  });
});

describe('a supervisor', () => {
  test('that was killed leaves a mesh that the next one ends', async () => {
    const home = await makeHome();
    onTestFinished(() => rmSync(home.root, { recursive: true, force: true }));
    home.write('hello.yaml', `${helloDeployment()}---\n${helloService()}`);
    const script = fileURLToPath(new URL('./testing/run-supervisor.ts', import.meta.url));
    // Should this test fail before the second supervisor does it.
    onTestFinished(async () => void (await cleanUpLeftovers(home.options.runDir)));
    const first = spawn(process.execPath, [script, JSON.stringify(home.options)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let printed = '';
    first.stdout.setEncoding('utf8').on('data', (text: string) => {
      printed += text;
    });
    const readyLine = /^\{"type":"ready".*\n/m;
    await waitUntil('the first is ready', () => readyLine.test(printed), 20_000);
    const { status } = JSON.parse(readyLine.exec(printed)?.[0] ?? '') as { status: ReturnType<Supervisor['state']> };
    first.kill('SIGKILL');
    const { pid, envoyPid } = status.workloads[0]?.process ?? {};
    const url = status.gateways[0]?.process.url ?? '';
    await waitUntil('it is gone', () => processStartTime(first.pid ?? 0) === null);
    expect((await get(url)).body).toBe('hello-v1-0 hi');
    expect(listMeshes(home.root)).toMatchObject([{ mesh: 'test', alive: false }]);

    const events: SupervisorEvent[] = [];
    const second = await startSupervisor({ ...home.options, onEvent: (event) => events.push(event) });
    onTestFinished(() => second.stop());
    expect(events[0]).toEqual({ type: 'notice', text: 'ended 4 processes that an earlier run left behind' });
    for (const each of [pid, envoyPid]) expect(processStartTime(each ?? 0)).toBe(null);
    await waitUntil('the second is ready', () => second.state().ready, 20_000);
    expect((await get(url)).body).toBe('hello-v1-0 hi');
  });

  test('takes other ports where the wanted ones are taken, and says so', async () => {
    const home = await makeHome();
    onTestFinished(() => rmSync(home.root, { recursive: true, force: true }));
    home.write('hello.yaml', `${helloDeployment()}---\n${helloService()}`);
    const wanted = [home.options.adminPort ?? 0, home.options.gatewayHostPorts?.[80] ?? 0];
    for (const port of wanted) {
      const server = await takePort(port);
      onTestFinished(() => void server.close());
    }
    const notices: string[] = [];
    const supervisor = await startSupervisor({
      ...home.options,
      onEvent: (event) => event.type === 'notice' && notices.push(event.text),
    });
    onTestFinished(() => supervisor.stop());
    await waitUntil('it is ready', () => supervisor.state().ready, 20_000);
    const { admin, gateways } = supervisor.state();
    const url = gateways[0]?.process.url ?? '';
    expect(notices).toEqual([
      `port ${wanted[0]} is taken; the admin API listens on ${new URL(admin).port}`,
      `port ${wanted[1]} is taken; the ingress gateway listens on ${new URL(url).port}`,
    ]);
    expect((await get(url)).status).toBe(200);
  });

  test('that is told to kill leaves nothing behind', async () => {
    const home = await makeHome();
    onTestFinished(() => rmSync(home.root, { recursive: true, force: true }));
    home.write('hello.yaml', `${helloDeployment()}---\n${helloService()}`);
    const supervisor = await startSupervisor({ ...home.options, onEvent: () => {} });
    await waitUntil('the application runs', () => supervisor.state().workloads[0]?.process.pid, 20_000);
    const pids = allPids(supervisor);
    supervisor.kill();
    await waitUntil('all are gone', () => pids.every((pid) => processStartTime(pid) === null));
    expect(pids).toHaveLength(4);
    expect(listMeshes(home.root)).toEqual([]);
    expect(existsSync(home.options.runDir)).toBe(false);
  });

  test('stops in the middle of starting', async () => {
    const home = await makeHome();
    onTestFinished(() => rmSync(home.root, { recursive: true, force: true }));
    home.write('hello.yaml', `${helloDeployment()}---\n${helloService()}`);
    const supervisor = await startSupervisor({ ...home.options, onEvent: () => {} });
    await waitUntil('Envoy runs', () => supervisor.state().workloads[0]?.process.envoyPid, 20_000);
    const pids = allPids(supervisor);
    await supervisor.stop();
    for (const pid of pids) expect(processStartTime(pid)).toBe(null);
    expect(supervisor.state().workloads).toEqual([]);
  });
});

/** Listens there as soon as it is possible. */
async function takePort(port: number): Promise<Server> {
  return waitUntil(`port ${port} can be taken`, async () => {
    const server = createServer();
    return new Promise<Server | null>((resolve) => {
      server.once('error', () => resolve(null));
      server.listen(port, '127.0.0.1', () => resolve(server));
    });
  });
}
