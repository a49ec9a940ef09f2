import { fork } from 'node:child_process';
import { join } from 'node:path';
import type { ChangeName, FlatReport } from './flat/measure.ts';
import type { Benchmark, BenchmarkContext, Column } from './harness/benchmark.ts';

const PROXY_COUNTS = [1, 50];
const SMALLEST = 100;

const HEADINGS: Readonly<Record<ChangeName, string>> = {
  route: 'VirtualService',
  endpoint: 'endpoint',
  workload: 'WorkloadEntry',
  policy: 'DestinationRule',
  added: 'new service',
  removed: 'deleted service',
  proxy: 'new proxy',
};
const CHANGES = Object.keys(HEADINGS) as ChangeName[];

export const flat: Benchmark = {
  name: 'flat',
  summary: 'CPU of one change in Pilot, up to who is told of it, as the mesh grows',
  async run(context) {
    const sizes = context.quick ? [SMALLEST, 1_000] : [SMALLEST, 1_000, 10_000];
    const reports: FlatReport[] = [];
    for (const services of sizes) reports.push(...(await measureSize(services, context)));
    const nameOf = ({ services, proxies }: FlatReport) =>
      `${services.toLocaleString('en-US')} services, ${proxies} ${proxies === 1 ? 'proxy' : 'proxies'}`;
    const columns = (digits: number): Column[] => CHANGES.map((key) => ({ key, heading: HEADINGS[key], digits }));
    const smallest = (proxies: number) =>
      reports.find((report) => report.services === SMALLEST && report.proxies === proxies);
    return {
      tables: [
        {
          title: 'CPU of one change in ms: objects to resources, and each proxy is told of what concerns it',
          of: 'mesh',
          columns: columns(2),
          rows: reports.map((report) => ({ name: nameOf(report), values: report.cpuMs })),
        },
        {
          title: `The same, as multiples of what it is at ${SMALLEST} services`,
          of: 'mesh',
          columns: columns(1),
          rows: reports.map((report) => ({
            name: nameOf(report),
            values: Object.fromEntries(
              CHANGES.map((key) => [key, report.cpuMs[key] / (smallest(report.proxies)?.cpuMs[key] ?? Number.NaN)]),
            ),
          })),
        },
        {
          title: 'Memory, and the CPU to build all from nothing with the first proxy',
          of: 'mesh',
          columns: [
            { key: 'heapMiB', heading: 'heap MiB' },
            { key: 'rssMiB', heading: 'RSS MiB' },
            { key: 'buildMs', heading: 'build ms', digits: 0 },
          ],
          rows: reports.map((report) => {
            const { heapMiB, rssMiB, buildMs } = report;
            return { name: nameOf(report), values: { heapMiB, rssMiB, buildMs } };
          }),
        },
      ],
      notes: [
        'Each service is a ServiceEntry with five endpoints in three zones, a VirtualService with two routes, and a ' +
          'DestinationRule. All proxies see all of them (scoping is off). No gRPC, no sockets, no files.',
      ],
    };
  },
};

function measureSize(services: number, context: BenchmarkContext): Promise<FlatReport[]> {
  context.say(`${services} services`);
  const rounds = context.quick ? 10 : 20;
  const child = fork(join(import.meta.dirname, 'flat/measure.ts'), [services, rounds, ...PROXY_COUNTS].map(String), {
    execArgv: [...process.execArgv, '--expose-gc'],
  });
  context.defer(() => void child.kill());
  const reports: FlatReport[] = [];
  return new Promise((resolve, reject) => {
    child.on('message', (report: FlatReport) => reports.push(report));
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      if (code === 0) resolve(reports);
      else reject(new Error(`the measurement with ${services} services ended with ${signal ?? `code ${code}`}`));
    });
  });
}
