import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { instanceKey, type WorkloadInstance } from '@lateen/api/workload-instance.ts';
import { buildBootstrap } from '#agent/bootstrap.ts';
import { findEnvoy } from '#agent/envoy/find.ts';
import { type EnvoyProcess, runEnvoy, waitReady } from '#agent/envoy/run.ts';
import { WorkloadSecrets } from '#agent/secrets/workload-secrets.ts';
import type { Pilot } from '#pilot/pilot.ts';
import { PilotDirectory } from '#pilot/xds/directory.ts';
import { AdsServer } from '#pilot/xds/server/server.ts';
import type { GoldenCase } from './case-file.ts';
import { TestCertificates } from './certificates.ts';
import { type Attempts, type EchoOptions, startEcho } from './echo-application.ts';
import { startHttp3Client } from './http3-client.ts';
import { LOOPBACK, workloadLabel } from './instances.ts';
import { runPipeline } from './pipeline.ts';
import { type Outside, outsideName } from './placeholders.ts';
import { claimPortBlock } from './port-block.ts';
import type { TestAuthority } from './test-authority.ts';
import { startDatagramEcho } from './udp.ts';

const SETTLE_TIMEOUT_MS = 10_000;

type Undo = () => Promise<unknown>;

/** A running mesh: Pilot's xDS server, a real Envoy and an echo application for each replica, real certificates. */
export interface LiveMesh {
  readonly instances: readonly WorkloadInstance[];
  readonly outside: Outside;
  readonly attempts: Attempts;
  readonly certificates: TestCertificates;
  readonly pilot: Pilot;
  /** Replicas whose application answers everything with 503. May be changed. */
  readonly failing: Set<string>;
  /** A port where what comes in HTTP/1 goes on in HTTP/3, to a UDP port. */
  http3Client(server: number): Promise<number>;
  /** A port that nobody else uses. */
  freePort(): number;
  /** Waits until all proxies have what they should. */
  settled(): Promise<void>;
  /** Makes it this time, and waits until all proxies know what that changes. */
  setTime(ms: number): Promise<void>;
  /** What proxies refuse of what they were sent last, by type and name. */
  refused(): readonly string[];
  /** Requests that the workload's proxy counted under a `statPrefix`. */
  requestsCounted(workload: string, statPrefix: string): Promise<number>;
  /** A counter or gauge of the workload's proxy, by its full name. */
  statistic(workload: string, name: string): Promise<number>;
  stop(): Promise<void>;
}

export async function startLiveMesh(golden: GoldenCase, dir: string, authority: TestAuthority): Promise<LiveMesh> {
  const undo: Undo[] = [];
  const stop = async () => {
    for (const step of undo.reverse()) await step();
    undo.length = 0;
  };
  try {
    return await start(golden, dir, authority, undo, stop);
  } catch (error) {
    await stop();
    throw error;
  }
}

async function start(
  golden: GoldenCase,
  dir: string,
  authority: TestAuthority,
  undo: Undo[],
  stop: () => Promise<void>,
): Promise<LiveMesh> {
  const ports = await claimPortBlock();
  undo.push(() => ports.release());
  const certificates = new TestCertificates(dir, golden.certificates);
  let now = golden.atMs;
  const outside: Outside = {
    ports: [ports.next(), ports.next(), ports.next()],
    socket: join(dir, 'outside.sock'),
  };
  const { pilot, instances } = runPipeline(
    certificates.fill(golden.input),
    dir,
    ports.next,
    ports.next,
    outside,
    () => now,
  );
  const attempts: Attempts = new Map();
  const failing = new Set(golden.failing);

  const ads = new AdsServer({ directory: new PilotDirectory(pilot) });
  const xdsSocket = join(dir, 'xds.sock');
  await ads.start(`unix:${xdsSocket}`);
  undo.push(() => ads.stop(false));

  const applications = [
    ...[...outside.ports, outside.socket].map((at) => {
      const name = outsideName(outside, at);
      return { workload: name, instance: name, at, ...tlsOf(golden, name, certificates) };
    }),
    ...instances
      .filter(({ name }) => !golden.down.includes(name))
      .flatMap((instance) =>
        instance.ports.map(({ appPort, containerPort }) => ({
          workload: workloadLabel(instance),
          instance: instance.name,
          at: appPort,
          containerPort,
          greets: golden.greeting.includes(workloadLabel(instance)),
          ...tlsOf(golden, workloadLabel(instance), certificates),
        })),
      ),
  ];
  for (const instance of instances.filter(({ name }) => !golden.down.includes(name))) {
    for (const { appPort, containerPort } of instance.datagramPorts ?? []) {
      const who = { workload: workloadLabel(instance), instance: instance.name, at: appPort, containerPort };
      const echo = await startDatagramEcho(who);
      undo.push(() => echo.close());
    }
  }
  for (const application of applications) {
    const echo = await startEcho({ ...application, attempts, failing });
    undo.push(() => echo.close());
  }

  const adminPorts = new Map(instances.map((instance) => [instanceKey(instance), ports.next()]));
  const started = await Promise.allSettled(
    instances.map((instance) => {
      const adminPort = adminPorts.get(instanceKey(instance)) ?? 0;
      return startProxy(instance, golden, dir, xdsSocket, adminPort, authority, undo);
    }),
  );
  for (const result of started) if (result.status === 'rejected') throw result.reason;
  const rejections = () => ads.proxies().flatMap(({ rejected }) => rejected);
  const settled = async () => {
    await ads.settled(SETTLE_TIMEOUT_MS);
    const rejected = rejections();
    if (rejected.length > 0) throw new Error(`Envoy refuses what Pilot sent: ${JSON.stringify(rejected)}`);
  };
  await settled();
  const http3Clients = new Map<number, Promise<number>>();

  const instanceOf = (workload: string) => {
    const found = instances.find((instance) => workloadLabel(instance) === workload);
    if (found === undefined) throw new Error(`${golden.name} has no workload ${workload}`);
    return found;
  };
  const adminOf = (workload: string) => `http://${LOOPBACK}:${adminPorts.get(instanceKey(instanceOf(workload)))}`;
  return {
    instances,
    outside,
    attempts,
    certificates,
    pilot,
    failing,
    freePort: ports.next,
    settled,
    http3Client(server) {
      const known = http3Clients.get(server);
      if (known !== undefined) return known;
      const port = ports.next();
      const onStart = (envoy: EnvoyProcess) => {
        running.add(envoy);
        undo.push(() => end(envoy));
      };
      const client = startHttp3Client({ dir, port, adminPort: ports.next(), server, onStart }).then(() => port);
      http3Clients.set(server, client);
      return client;
    },
    async setTime(ms) {
      now = ms;
      pilot.tick();
      await ads.settled(SETTLE_TIMEOUT_MS);
    },
    async requestsCounted(workload, statPrefix) {
      const answer = await fetch(`${adminOf(workload)}/stats?filter=^vhost\\..*\\.route\\.`);
      const pattern = new RegExp(`\\.route\\.${statPrefix}\\.upstream_rq_total: (\\d+)`, 'g');
      return [...(await answer.text()).matchAll(pattern)].reduce((sum, [, each]) => sum + Number(each), 0);
    },
    async statistic(workload, name) {
      const answer = await fetch(`${adminOf(workload)}/stats?filter=^${RegExp.escape(name)}$`);
      const [, value] = (await answer.text()).split(': ');
      if (value === undefined) throw new Error(`${workload} counts no ${name}`);
      return Number(value);
    },
    refused: () => rejections().flatMap(({ type, names }) => names.map((name) => `${type} ${name}`)),
    stop,
  };
}

function tlsOf(golden: GoldenCase, workload: string, certificates: TestCertificates): Pick<EchoOptions, 'tls'> {
  const certificate = golden.tls.get(workload);
  return certificate === undefined ? {} : { tls: certificates.get(certificate) };
}

async function startProxy(
  instance: WorkloadInstance,
  golden: GoldenCase,
  dir: string,
  xdsSocket: string,
  adminPort: number,
  authority: TestAuthority,
  undo: Undo[],
): Promise<void> {
  const ownDir = join(dir, instanceKey(instance));
  mkdirSync(ownDir, { mode: 0o700 });
  const sdsSocket = join(ownDir, 'sds.sock');
  const { namespace } = instance;
  const serviceAccount = golden.impostors.get(workloadLabel(instance)) ?? instance.serviceAccount;
  const secrets = new WorkloadSecrets({ ...authority.certificateRequest({ namespace, serviceAccount }), sdsSocket });
  await secrets.start();
  undo.push(() => secrets.close());
  const bootstrap = buildBootstrap({
    instance,
    adminPort,
    xdsSocket,
    sdsSocket,
    trustDomain: 'cluster.local',
    meshId: 'golden',
  });
  const { path } = await findEnvoy();
  const envoy = await runEnvoy({ path, bootstrap, dir: ownDir, logFile: join(ownDir, 'envoy.log') });
  running.add(envoy);
  undo.push(() => end(envoy));
  await waitReady(`http://127.0.0.1:${adminPort}`, { envoy });
}

const running = new Set<EnvoyProcess>();
process.on('exit', () => {
  for (const envoy of running) envoy.kill('SIGKILL');
});

/** Nothing here is worth a graceful end. */
async function end(envoy: EnvoyProcess): Promise<void> {
  envoy.kill('SIGKILL');
  await envoy.exited;
  running.delete(envoy);
}
