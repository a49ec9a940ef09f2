import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { BenchmarkContext } from '../harness/benchmark.ts';
import { median } from '../harness/stats.ts';
import { nowMs } from './change-log.ts';
import { ControlPlane } from './control-plane.ts';
import { type Load, startLoad } from './load.ts';
import type { SyncReport } from './load-process.ts';
import { MeshFiles, type ServiceMarks } from './mesh-files.ts';
import type { Hotspot } from './profiler.ts';

const SYNC_TIMEOUT_MS = 180_000;
const CHANGE_TIMEOUT_MS = 60_000;
/** After a change the control plane still looks for what is wrong with the configuration: that is part of its cost. */
const AFTERWORK_MS = 450;
const IDLE_WINDOW_MS = 150;
const IDLE_CPU_MS = 5;
/** One that never rests is measured all the same. */
const REST_TIMEOUT_MS = 5_000;

export const changeKinds = ['route', 'endpoint', 'policy'] as const satisfies readonly (keyof ServiceMarks)[];
export type ChangeKind = (typeof changeKinds)[number];

export interface MeshPlan {
  readonly services: number;
  readonly proxies: number;
  /** Of each kind, after the warm-up. */
  readonly changes: number;
  readonly warmUp: number;
  /** Where profiles go, if some are wanted. */
  readonly profileDir?: string;
}

export interface ChangeReport {
  /** From saving the file to the acknowledgement of the last proxy, for each change. */
  readonly lastAckMs: readonly number[];
  /** To the acknowledgement of each proxy, of all changes. */
  readonly ackMs: readonly number[];
  /** Of all messages to one proxy for one change: median. */
  readonly bytes: number;
  /** Of the control plane, for one change, with all that it does afterwards: mean. */
  readonly cpuMs: number;
}

export interface MeshReport {
  readonly plan: MeshPlan;
  readonly readyMs: number;
  readonly sync: SyncReport;
  /** Bytes of the first sync to one proxy: median. */
  readonly syncBytes: number;
  readonly syncBytesByType: Readonly<Record<string, number>>;
  readonly syncCpuMs: number;
  readonly syncLoadCpuMs: number;
  readonly changes: Readonly<Record<ChangeKind, ChangeReport>>;
  /** When all of this was done; and the most that it ever was. */
  readonly rssMiB: number;
  readonly peakRssMiB: number;
  /** The busiest functions of each stage, if it was profiled. */
  readonly hotspots: Readonly<Record<string, readonly Hotspot[]>>;
}

/** A folder of services, a control plane that serves it, and proxies: what the benchmarks of this folder work with. */
export interface Scene {
  readonly files: MeshFiles;
  readonly plane: ControlPlane;
  readonly load: Load;
  readonly close: () => Promise<void>;
}

/** The proxies are not connected yet. `spare`: services that may be added. */
export async function setScene(
  { services, proxies, profileDir }: Pick<MeshPlan, 'services' | 'proxies' | 'profileDir'>,
  context: BenchmarkContext,
  spare = 0,
): Promise<Scene> {
  const parent = mkdtempSync(join(tmpdir(), 'lateen-scale-'));
  context.defer(() => rmSync(parent, { recursive: true, force: true }));
  const files = new MeshFiles(parent);
  files.generate(services);
  const plane = await ControlPlane.start({ dir: files.dir, isProfiled: profileDir !== undefined });
  context.defer(() => plane.stop());
  const load = startLoad({ to: plane.to, proxies, kinds: changeKinds.length, objectsOfKind: services + spare });
  context.defer(() => load.close());
  const close = async () => {
    await load.close();
    await plane.stop();
    rmSync(parent, { recursive: true, force: true });
  };
  return { files, plane, load, close };
}

/** Throws if not all proxies get what they ask for. */
export async function connectAll({ load, plane }: Pick<Scene, 'load' | 'plane'>, proxies: number): Promise<SyncReport> {
  const sync = await load.connect(SYNC_TIMEOUT_MS);
  if (sync.synced === proxies) return sync;
  const { ended } = await load.traffic();
  throw new Error(
    `${sync.synced} of ${proxies} proxies were synced after ${SYNC_TIMEOUT_MS} ms. Streams that ended: ` +
      `${JSON.stringify(ended)}. The control plane wrote:\n${plane.lastLines}`,
  );
}

export async function measureMesh(plan: MeshPlan, context: BenchmarkContext): Promise<MeshReport> {
  const { services, proxies } = plan;
  context.say(`${services} services, ${proxies} proxies`);
  const scene = await setScene(plan, context);
  const { plane, load } = scene;
  const hotspots: Record<string, readonly Hotspot[]> = {};
  const profiled = async <Outcome>(stage: string, run: () => Promise<Outcome>): Promise<Outcome> => {
    const { profiler } = plane;
    if (profiler === undefined || plan.profileDir === undefined) return run();
    mkdirSync(plan.profileDir, { recursive: true });
    await profiler.start();
    const outcome = await run();
    const file = join(plan.profileDir, `${services}-services-${proxies}-proxies-${stage}.cpuprofile`);
    hotspots[stage] = await profiler.stop(file);
    context.say(`profile: ${file}`);
    return outcome;
  };

  const cpuBefore = plane.cpuMs();
  const loadCpuBefore = await load.cpuMs();
  const sync = await profiled('first-sync', () => connectAll(scene, proxies));
  await load.quiet(SYNC_TIMEOUT_MS);
  const syncCpuMs = plane.cpuMs() - cpuBefore;
  const syncLoadCpuMs = (await load.cpuMs()) - loadCpuBefore;
  const { receivedBytes, bytesByType } = await load.traffic();

  let number = 0;
  const measure = async (kind: ChangeKind): Promise<ChangeReport> => {
    for (let run = 0; run < plan.warmUp; run++) await changeOnce(scene, plan, kind, ++number);
    return profiled(kind, async () => {
      const lastAckMs: number[] = [];
      const ackMs: number[] = [];
      const bytes: number[] = [];
      const before = plane.cpuMs();
      for (let run = 0; run < plan.changes; run++) {
        const one = await changeOnce(scene, plan, kind, ++number);
        lastAckMs.push(Math.max(...one.ackMs));
        ackMs.push(...one.ackMs);
        bytes.push(median(one.bytes));
      }
      return { lastAckMs, ackMs, bytes: median(bytes), cpuMs: (plane.cpuMs() - before) / plan.changes };
    });
  };
  const changes = {
    route: await measure('route'),
    endpoint: await measure('endpoint'),
    policy: await measure('policy'),
  };
  const memory = plane.memory();
  await scene.close();
  return {
    plan,
    readyMs: plane.readyMs,
    sync,
    syncBytes: median(receivedBytes),
    syncBytesByType: bytesByType,
    syncCpuMs,
    syncLoadCpuMs,
    changes,
    ...memory,
    hotspots,
  };
}

/** Saves a file, waits for the acknowledgements of all proxies, and then until the control plane rests. */
async function changeOnce(
  { files, plane, load }: Scene,
  { services, proxies }: MeshPlan,
  kind: ChangeKind,
  number: number,
): Promise<{ readonly ackMs: readonly number[]; readonly bytes: readonly number[] }> {
  const index = Math.floor(services / 2);
  const move =
    kind === 'route'
      ? files.prepareRoute(index, { route: number })
      : files.prepareService(index, { [kind]: number } as ServiceMarks);
  const before = (await load.traffic()).receivedBytes;
  const savedAtMs = nowMs();
  const object = changeKinds.indexOf(kind) * services + index;
  const announced = load.announce({ number, object, savedAtMs }, true);
  move();
  await announced;
  const ackMs = await load.latencies(number, CHANGE_TIMEOUT_MS);
  if (ackMs.length < proxies) {
    throw new Error(
      `a change of a ${kind} reached ${ackMs.length} of ${proxies} proxies in ${CHANGE_TIMEOUT_MS} ms. The control ` +
        `plane wrote:\n${plane.lastLines}`,
    );
  }
  await load.quiet(CHANGE_TIMEOUT_MS);
  await rest(plane, savedAtMs + AFTERWORK_MS);
  const after = (await load.traffic()).receivedBytes;
  return { ackMs, bytes: after.map((each, client) => each - (before[client] ?? 0)) };
}

async function rest(plane: ControlPlane, notBeforeMs: number): Promise<void> {
  for (;;) {
    const before = plane.cpuMs();
    await delay(IDLE_WINDOW_MS);
    const isAtRest = plane.cpuMs() - before < IDLE_CPU_MS || nowMs() >= notBeforeMs + REST_TIMEOUT_MS;
    if (nowMs() >= notBeforeMs && isAtRest) return;
  }
}
