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
  /** Services that are called for the first time and once more, after memory was measured. */
  readonly firsts: number;
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
  /** One for each service that was called. */
  readonly firstMs: readonly number[];
  readonly secondMs: readonly number[];
  /** CPU time of the control plane for each of them, which other programs on the machine alter little. */
  readonly controlPlaneCpuMs: number;
}

const ENDPOINTS = 5;
const READY_TIMEOUT_MS = 120_000;

/** One `lateen pilot` with a mesh of its own, and one Envoy that calls some of it. */
export async function measureDemand(plan: DemandPlan, context: BenchmarkContext): Promise<DemandReport> {
  const { services, used, firsts, scoping } = plan;
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
  const sidecar = await Sidecar.start(join(parent, 'sidecar'), 'port' in plane.to ? plane.to.port : 0);
  context.defer(() => sidecar.stop());

  const readyMs = await sidecar.ready(READY_TIMEOUT_MS);
  for (let index = 0; index < used; index++) await callTwice(port, hostOf(index));
  const rssMiB = await sidecar.rssMiB();
  const configurationBytes = await sidecar.configurationBytes();
  const clusters = await sidecar.clusters();
  const firstMs: number[] = [];
  const secondMs: number[] = [];
  const cpuBeforeMs = plane.cpuMs();
  for (let index = used; index < used + firsts; index++) {
    const [first, second] = await callTwice(port, hostOf(index));
    firstMs.push(first);
    secondMs.push(second);
  }
  const controlPlaneCpuMs = (plane.cpuMs() - cpuBeforeMs) / Math.max(1, firsts);
  await sidecar.stop();
  await plane.stop();
  closeUpstreams();
  rmSync(parent, { recursive: true, force: true });
  return { plan, readyMs, rssMiB, configurationBytes, clusters, firstMs, secondMs, controlPlaneCpuMs };
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
