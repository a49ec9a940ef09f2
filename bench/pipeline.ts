import { fork } from 'node:child_process';
import { join } from 'node:path';
import type { Benchmark, BenchmarkContext, Row } from './harness/benchmark.ts';
import type { ChangeCost, PipelineReport } from './pipeline/measure.ts';

const PROXY_COUNTS = [1, 50];

interface Size {
  readonly services: number;
  readonly changes: number;
  readonly warmUp: number;
}

export const pipeline: Benchmark = {
  name: 'pipeline',
  summary: 'one change through the whole of Pilot to the bytes for each sidecar, as the mesh grows',
  async run(context) {
    const small = { services: 100, changes: 20, warmUp: 5 };
    const sizes: readonly Size[] = context.quick
      ? [small, { services: 1_000, changes: 3, warmUp: 1 }]
      : [small, { services: 1_000, changes: 7, warmUp: 2 }, { services: 5_000, changes: 3, warmUp: 1 }];
    const reports: PipelineReport[] = [];
    for (const size of sizes) reports.push(...(await measureSize(size, context)));
    const nameOf = ({ services, proxies }: PipelineReport) =>
      `${services.toLocaleString('en-US')} services, ${proxies} sidecar${proxies === 1 ? '' : 's'}`;
    return {
      tables: [
        {
          title: 'One change, in ms: derive the resources, and answer every sidecar. Bytes to one sidecar.',
          of: 'mesh',
          columns: [
            { key: 'routeDeriveMs', heading: 'VirtualService: derive' },
            { key: 'routeAnswerMs', heading: 'answer' },
            { key: 'routeBytes', heading: 'bytes', digits: 0 },
            { key: 'endpointDeriveMs', heading: 'endpoint: derive', digits: 2 },
            { key: 'endpointAnswerMs', heading: 'answer', digits: 2 },
            { key: 'endpointBytes', heading: 'bytes', digits: 0 },
            { key: 'serviceMs', heading: 'new service: both' },
          ],
          rows: reports.map((report) => ({
            name: nameOf(report),
            values: {
              routeDeriveMs: report.route.deriveMs,
              routeAnswerMs: report.route.answerMs,
              routeBytes: report.route.bytes,
              endpointDeriveMs: report.endpoint.deriveMs,
              endpointAnswerMs: report.endpoint.answerMs,
              endpointBytes: report.endpoint.bytes,
              serviceMs: report.newService.totalMs,
            },
          })),
        },
        {
          title: 'Start: everything from nothing, and the first full answer to one more sidecar',
          of: 'mesh',
          columns: [
            { key: 'buildMs', heading: 'build ms', digits: 0 },
            { key: 'syncMs', heading: 'sync ms' },
            { key: 'syncBytes', heading: 'sync bytes', digits: 0 },
            { key: 'rssMiB', heading: 'RSS MiB', digits: 0 },
          ],
          rows: reports.map((report) => {
            const { buildMs, syncMs, syncBytes, rssMiB } = report;
            return { name: nameOf(report), values: { buildMs, syncMs, syncBytes, rssMiB } };
          }),
        },
        {
          title: 'Growth: how many times the cost in the mesh of 100 services',
          of: 'mesh',
          columns: [
            { key: 'services', heading: 'services' },
            { key: 'route', heading: 'VirtualService change' },
            { key: 'routeBytes', heading: 'its bytes' },
            { key: 'endpoint', heading: 'endpoint change' },
            { key: 'newService', heading: 'new service' },
            { key: 'syncBytes', heading: 'sync bytes' },
          ],
          rows: reports.flatMap((report) => growth(report, reports, nameOf(report))),
        },
      ],
      notes: [
        'One process with everything that the control plane does for a change but reading the file, gRPC and sockets; ' +
          'the sidecars acknowledge at once. Each service has a Service, a DestinationRule, a VirtualService with two ' +
          'routes, and five endpoints.',
        'A VirtualService or a new service changes the one route table behind the HTTP proxy listeners, which holds ' +
          'all services, and that is encoded and sent as a whole: its cost grows with the mesh. An endpoint change ' +
          'should cost the same in every mesh.',
      ],
    };
  },
};

function growth(report: PipelineReport, all: readonly PipelineReport[], name: string): Row[] {
  const base = all.find(({ services, proxies }) => services === 100 && proxies === report.proxies);
  if (base === undefined || base === report) return [];
  const times = (of: (report: PipelineReport) => number) => of(report) / of(base);
  const total = (key: 'route' | 'endpoint' | 'newService') => times((each) => (each[key] as ChangeCost).totalMs);
  return [
    {
      name,
      values: {
        services: times(({ services }) => services),
        route: total('route'),
        routeBytes: times(({ route }) => route.bytes),
        endpoint: total('endpoint'),
        newService: total('newService'),
        syncBytes: times(({ syncBytes }) => syncBytes),
      },
    },
  ];
}

function measureSize({ services, changes, warmUp }: Size, context: BenchmarkContext): Promise<PipelineReport[]> {
  context.say(`${services} services`);
  const child = fork(
    join(import.meta.dirname, 'pipeline/measure.ts'),
    [services, changes, warmUp, ...PROXY_COUNTS].map(String),
  );
  context.defer(() => void child.kill());
  const reports: PipelineReport[] = [];
  return new Promise((resolve, reject) => {
    child.on('message', (report: PipelineReport) => reports.push(report));
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      if (code === 0) resolve(reports);
      else reject(new Error(`the measurement with ${services} services ended with ${signal ?? `code ${code}`}`));
    });
  });
}
