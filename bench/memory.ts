import type { MeshStatus } from '@lateen/api/admin.ts';
import { gatewayUrl, Sandbox } from '../packages/mesh/test/e2e/mesh.ts';
import type { Benchmark } from './harness/benchmark.ts';
import { type MemoryUse, memoryOf } from './harness/process-usage.ts';
import { median } from './harness/stats.ts';
import { Connection } from './load/connection.ts';

const REQUESTS = 1_000;
const GOAL_CONTROL_PLANE_MIB = 150;
const GOAL_SIDECAR_MIB = 70;

interface MeshProcess {
  readonly name: string;
  readonly pid: number;
}

export const memory: Benchmark = {
  name: 'memory',
  summary: 'what the processes of a running Bookinfo hold in memory',
  async run({ say, defer }) {
    const sandbox = new Sandbox();
    defer(() => sandbox.close());
    say('starting Bookinfo');
    const status = await sandbox.up();
    const sidecars = sidecarsOf(status);
    const others: readonly MeshProcess[] = [
      { name: 'control plane', pid: status.control.pid },
      { name: 'supervisor', pid: status.supervisor.pid },
      ...status.gateways.map(({ name, pid }) => ({ name: `gateway ${name}`, pid: running(name, pid) })),
    ];
    const processes = [...others, ...sidecars];
    const atStart = processes.map(({ pid }) => memoryOf(pid));

    say(`${REQUESTS} product pages`);
    const url = new URL(gatewayUrl(status));
    const connection = await Connection.open({
      port: Number(url.port),
      path: '/productpage',
      host: url.host,
    });
    defer(() => connection.close());
    for (let request = 0; request < REQUESTS; request++) {
      const { status: code } = await connection.call();
      if (code !== 200) throw new Error(`the product page answers ${code}`);
    }
    const after = processes.map(({ pid }) => memoryOf(pid));

    const row = (name: string, before: MemoryUse | undefined, loaded: MemoryUse | undefined) => ({
      name,
      values: {
        startRssMiB: before?.rssMiB,
        startPssMiB: before?.pssMiB,
        loadedRssMiB: loaded?.rssMiB,
        loadedPssMiB: loaded?.pssMiB,
      },
    });
    const rssOfSidecars = after.slice(others.length).map(({ rssMiB }) => rssMiB);
    return {
      tables: [
        {
          title: `MiB after the start, and after ${REQUESTS} product pages (4 to 6 hops each)`,
          of: 'process',
          columns: [
            { key: 'startRssMiB', heading: 'start: RSS' },
            { key: 'startPssMiB', heading: 'PSS' },
            { key: 'loadedRssMiB', heading: 'after: RSS' },
            { key: 'loadedPssMiB', heading: 'PSS' },
          ],
          rows: processes.map(({ name }, index) => row(name, atStart[index], after[index])),
        },
      ],
      goals: [
        {
          what: 'control plane, RSS after',
          unit: 'MiB',
          measured: after[0]?.rssMiB ?? Number.NaN,
          goal: GOAL_CONTROL_PLANE_MIB,
        },
        {
          what: 'largest sidecar, RSS after',
          unit: 'MiB',
          measured: Math.max(...rssOfSidecars),
          goal: GOAL_SIDECAR_MIB,
        },
        { what: 'median sidecar, RSS after', unit: 'MiB', measured: median(rssOfSidecars), goal: GOAL_SIDECAR_MIB },
      ],
      notes: [
        'RSS counts the pages of the Envoy binary that are in memory in full for each Envoy, although they are there once; PSS ' +
          'shares them out. Applications are not counted.',
      ],
    };
  },
};

function sidecarsOf({ workloads }: MeshStatus): MeshProcess[] {
  return workloads.map(({ name, envoyPid }) => ({ name: `sidecar of ${name}`, pid: running(name, envoyPid) }));
}

function running(name: string, pid: number | null): number {
  if (pid === null) throw new Error(`the Envoy of ${name} does not run`);
  return pid;
}
