import type { Column, Row, Table } from '../harness/benchmark.ts';
import { median, percentile } from '../harness/stats.ts';
import type { ChangeKind, MeshReport } from './one-mesh.ts';
import type { StartReport } from './start.ts';

/** What others need, and what Lateen wants to need. Figures of other machines: only orders of magnitude can be compared. */
interface Published {
  readonly istiod?: string;
  readonly reach?: string;
  readonly dream?: string;
}

const COLUMNS: readonly Column[] = [
  { key: 'median', heading: 'median' },
  { key: 'p99', heading: 'p99' },
  { key: 'reach', heading: 'goal: reach' },
  { key: 'dream', heading: 'dream' },
  { key: 'istiod', heading: 'istiod (published for this project, other run)' },
];

const count = (number: number) => number.toLocaleString('en-US');
const sizeOf = ({ services, proxies }: { services: number; proxies: number }) =>
  `${count(services)} services, ${count(proxies)} proxies`;

function row(name: string, values: readonly number[], published: Published | undefined): Row {
  const numbers =
    values.length === 0
      ? {}
      : { median: median(values), ...(values.length > 1 ? { p99: percentile(values, 99) } : {}) };
  return { name, values: { ...numbers, ...published } };
}

const PUBLISHED_MESH: Readonly<Record<string, Readonly<Record<string, Published>>>> = {
  '1000/200': {
    route: { istiod: '1,300 for the push alone', reach: '50', dream: '20' },
    bytes: { istiod: '820,000', reach: '2,000', dream: '1,000' },
    endpoint: { istiod: '24 for the push alone', reach: '20', dream: '8' },
    sync: { istiod: '9,400-10,000', reach: '2,000', dream: '1,000' },
    rss: { istiod: '700-851', reach: '300', dream: '200' },
  },
  '10000/200': { rss: { reach: '1,024', dream: '600' } },
  '1000/1000': { acks: { reach: '150', dream: '60' } },
};
const PUBLISHED_START: Readonly<Record<number, Published>> = {
  1000: { istiod: '1,300-1,800', reach: '1,000', dream: '500' },
  5000: { istiod: '9,000-11,000', reach: '4,000', dream: '2,000' },
  10000: { reach: '8,000', dream: '4,000' },
};

export function meshTable(report: MeshReport): Table {
  const { plan, sync, changes } = report;
  const published = PUBLISHED_MESH[`${plan.services}/${plan.proxies}`] ?? {};
  const { route, endpoint, policy } = changes;
  return {
    title: `${sizeOf(plan)}: a change is a renamed file, until the last proxy has acknowledged it`,
    of: 'what',
    columns: COLUMNS,
    rows: [
      row('VirtualService saved to the last ACK, ms', route.lastAckMs, published.route),
      row('  to the ACK of each proxy, ms', route.ackMs, published.acks),
      row('  bytes to one proxy', [route.bytes], published.bytes),
      row('  CPU of the control plane, ms', [route.cpuMs], undefined),
      row('endpoint saved to the last ACK, ms', endpoint.lastAckMs, published.endpoint),
      row('  to the ACK of each proxy, ms', endpoint.ackMs, published.acks),
      row('  bytes to one proxy', [endpoint.bytes], undefined),
      row('  CPU of the control plane, ms', [endpoint.cpuMs], undefined),
      row('DestinationRule saved to the last ACK, ms', policy.lastAckMs, undefined),
      row('  bytes to one proxy', [policy.bytes], undefined),
      row('  CPU of the control plane, ms', [policy.cpuMs], undefined),
      row('first sync of all, until the last, ms', [sync.wallMs], published.sync),
      row('  of each proxy, ms', sync.syncMs, undefined),
      row('  bytes to one proxy', [report.syncBytes], undefined),
      row('  CPU of the control plane, ms', [report.syncCpuMs], undefined),
      row('  CPU of the simulated proxies, ms', [report.syncLoadCpuMs], undefined),
      row('RSS of the control plane after all this, MiB', [report.rssMiB], published.rss),
      row('  at most, MiB', [report.peakRssMiB], undefined),
    ],
  };
}

export function startTable(reports: readonly StartReport[]): Table {
  return {
    title: 'From the start of the process until it serves, and until a first proxy has everything (caches are warm)',
    of: 'what',
    columns: COLUMNS,
    rows: reports.flatMap(({ services, readyMs, firstProxyMs }) => [
      row(`${count(services)} services: ready, ms`, readyMs, PUBLISHED_START[services]),
      row('  first proxy, ms', firstProxyMs, undefined),
    ]),
  };
}

/** How everything grows with the mesh: the first report is the small one. */
export function growthTable(reports: readonly MeshReport[]): Table {
  const kinds: readonly (readonly [string, ChangeKind])[] = [
    ['VirtualService', 'route'],
    ['endpoint', 'endpoint'],
    ['DestinationRule', 'policy'],
  ];
  const [base] = reports;
  const largest = reports.at(-1);
  const grown = (name: string, of: (report: MeshReport) => number, published: Published = {}): Row => {
    const values: Record<string, number | string | undefined> = { ...published };
    for (const [index, report] of reports.entries()) values[`mesh${index}`] = of(report);
    if (base !== undefined && largest !== undefined) values.times = of(largest) / of(base);
    return { name, values };
  };
  const flat = { reach: '2', dream: '1', istiod: 'grows with S' };
  return {
    title: `Growth: the same with ${count(base?.plan.proxies ?? 0)} proxies in meshes of different size (medians)`,
    of: 'what',
    columns: [
      ...reports.map(({ plan }, index) => ({ key: `mesh${index}`, heading: `${count(plan.services)} services` })),
      { key: 'times', heading: 'last / first', digits: 2 },
      { key: 'reach', heading: 'goal: reach' },
      { key: 'dream', heading: 'dream' },
      { key: 'istiod', heading: 'istiod' },
    ],
    rows: [
      ...kinds.flatMap(([name, kind]) => [
        grown(`${name}: to the last ACK, ms`, ({ changes }) => median(changes[kind].lastAckMs)),
        grown('  CPU of the control plane, ms', ({ changes }) => changes[kind].cpuMs, flat),
        grown('  bytes to one proxy', ({ changes }) => changes[kind].bytes),
      ]),
      grown('first sync of all, until the last, ms', ({ sync }) => sync.wallMs),
      grown('  bytes to one proxy', ({ syncBytes }) => syncBytes),
      grown('start, until ready, ms', ({ readyMs }) => readyMs),
      grown('RSS, MiB', ({ rssMiB }) => rssMiB),
    ],
  };
}

const HOTSPOTS_SHOWN = 12;
/** Below these is everything, so they tell nothing. */
const ROOTS = /^\((root|program|idle)\)|^\(anonymous\)| node:| @grpc\/| node_modules/;

/** Twice for each stage: what is busy itself, and in what of Lateen that happens. */
export function hotspotTables({ plan, hotspots }: MeshReport): Table[] {
  return Object.entries(hotspots).flatMap(([stage, found]) => {
    const title = `Where the control plane spends its time: ${stage}, ${sizeOf(plan)} (${plan.changes} changes; main thread)`;
    const callers = found.filter(({ name }) => !ROOTS.test(name)).sort((a, b) => b.totalMs - a.totalMs);
    return [
      {
        title,
        of: 'function, by itself',
        columns: [
          { key: 'ms', heading: 'ms' },
          { key: 'share', heading: '%' },
        ],
        rows: found
          .slice(0, HOTSPOTS_SHOWN)
          .map(({ name, selfMs, share }) => ({ name, values: { ms: selfMs, share: share * 100 } })),
      },
      {
        title: '',
        of: 'function, with all it calls',
        columns: [
          { key: 'ms', heading: 'ms' },
          { key: 'share', heading: '%' },
        ],
        rows: callers
          .slice(0, HOTSPOTS_SHOWN * 2)
          .map(({ name, totalMs, totalShare }) => ({ name, values: { ms: totalMs, share: totalShare * 100 } })),
      },
    ];
  });
}
