import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Ports } from '../../packages/mesh/src/local/ports.ts';
import type { BenchmarkContext } from '../harness/benchmark.ts';
import { Connection } from '../load/connection.ts';
import { ControlPlane } from '../scale/control-plane.ts';
import { hostOf, MeshFiles } from '../scale/mesh-files.ts';
import { Sidecar } from './sidecar.ts';

export type Scoping = 'on-demand' | 'declared';

export interface DemandPlan {
  readonly services: number;
  /** That the application uses. */
  readonly used: number;
  /** Workloads that call services for the first time, and how many each calls; 0: memory alone is measured. */
  readonly workloads: number;
  readonly firstsOfEach: number;
  readonly scoping: Scoping;
}

export interface DemandReport {
  readonly plan: DemandPlan;
  /** From the start of the Envoy's process. */
  readonly readyMs: number;
  /** After the used services were called. */
  readonly rssMiB: number;
  readonly configurationBytes: number;
  readonly clusters: number;
  /** By workloads that call little. */
  readonly calls: Calls;
  /** By a workload that knows about as many services as the others called together. */
  readonly lateCalls?: Calls;
}

/** Two of each service. */
export interface Calls {
  readonly firstMs: readonly number[];
  readonly secondMs: readonly number[];
  /** CPU time of the control plane for each service, which other programs on the machine alter little. */
  readonly controlPlaneCpuMs: number;
}

const ENDPOINTS = 5;
const READY_TIMEOUT_MS = 120_000;

/** One `lateen pilot` with a mesh of its own, and Envoys, one after the other, that call some of it. */
export async function measureDemand(plan: DemandPlan, context: BenchmarkContext): Promise<DemandReport> {
  const { services, used, workloads, firstsOfEach, scoping } = plan;
  context.say(`${services} services, ${scoping}`);
  const parent = mkdtempSync(join(tmpdir(), 'lb-'));
  context.defer(() => rmSync(parent, { recursive: true, force: true }));
  const upstreams = await Promise.all(Array.from({ length: ENDPOINTS }, startUpstream));
  const closeUpstreams = () => {
    for (const server of upstreams) server.close().closeAllConnections();
  };
  context.defer(closeUpstreams);
  const [port = 0] = await new Ports().allocate(1);
  const files = new MeshFiles(parent, { port, endpointPorts: upstreams.map(portOf) });
  files.generate(services);
  const plane = await ControlPlane.start({ dir: files.dir, scoping });
  context.defer(() => plane.stop());
  const start = async (workload: string) => {
    const sidecar = await Sidecar.start(join(parent, workload), workload, 'port' in plane.to ? plane.to.port : 0);
    context.defer(() => sidecar.stop());
    return { sidecar, readyMs: await sidecar.ready(READY_TIMEOUT_MS) };
  };
  const call = (from: number, count: number) => callServices(port, from, count, () => plane.cpuMs());

  const { sidecar, readyMs } = await start('client');
  await call(0, used);
  const rssMiB = await sidecar.rssMiB();
  const configurationBytes = await sidecar.configurationBytes();
  const clusters = await sidecar.clusters();
  const total = workloads * firstsOfEach;
  const calls: Calls[] = [];
  // Where nothing is asked for, what was called before makes no difference.
  if (scoping === 'declared') calls.push(await call(used, total));
  await sidecar.stop();
  for (let number = 0; number < workloads && scoping === 'on-demand'; number++) {
    const { sidecar: next } = await start(`caller-${number}`);
    calls.push(await call(0, firstsOfEach));
    await next.stop();
  }
  let lateCalls: Calls | undefined;
  if (scoping === 'on-demand' && total > 0) {
    const { sidecar: last } = await start('busy');
    await call(0, total - firstsOfEach);
    lateCalls = await call(total - firstsOfEach, firstsOfEach);
    await last.stop();
  }
  await plane.stop();
  closeUpstreams();
  rmSync(parent, { recursive: true, force: true });
  const holdings = { readyMs, rssMiB, configurationBytes, clusters };
  return { plan, ...holdings, calls: together(calls), ...(lateCalls === undefined ? {} : { lateCalls }) };
}

async function callServices(port: number, from: number, count: number, cpuMs: () => number): Promise<Calls> {
  const firstMs: number[] = [];
  const secondMs: number[] = [];
  const cpuBeforeMs = cpuMs();
  for (let index = from; index < from + count; index++) {
    const [first, second] = await callTwice(port, hostOf(index));
    firstMs.push(first);
    secondMs.push(second);
  }
  return { firstMs, secondMs, controlPlaneCpuMs: (cpuMs() - cpuBeforeMs) / Math.max(1, count) };
}

/** All of them are of equally many services. */
function together(calls: readonly Calls[]): Calls {
  const sum = calls.reduce((before, { controlPlaneCpuMs }) => before + controlPlaneCpuMs, 0);
  return {
    firstMs: calls.flatMap(({ firstMs }) => firstMs),
    secondMs: calls.flatMap(({ secondMs }) => secondMs),
    controlPlaneCpuMs: sum / Math.max(1, calls.length),
  };
}

/** How long each of two requests takes, in milliseconds, on a connection that is open already. */
async function callTwice(port: number, host: string): Promise<readonly [number, number]> {
  const connection = await Connection.open({ port, path: '/', host });
  const timed = async () => {
    const startedAt = performance.now();
    const { status } = await connection.call();
    if (status !== 200) throw new Error(`${host} answers with ${status}`);
    return performance.now() - startedAt;
  };
  try {
    return [await timed(), await timed()];
  } finally {
    connection.close();
  }
}

function startUpstream(): Promise<Server> {
  const server = createServer((_, response) => response.end('ok'));
  return new Promise((resolve, reject) => {
    server.once('error', reject).listen(0, '127.0.0.1', () => resolve(server));
  });
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}
