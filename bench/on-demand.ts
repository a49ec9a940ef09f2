import type { Benchmark, Row, Table } from './harness/benchmark.ts';
import { median, percentile } from './harness/stats.ts';
import { type Calls, type DemandReport, measureDemand, type Scoping } from './on-demand/measure.ts';

const USED = 4;
const WORKLOADS = 10;
const QUICK_WORKLOADS = 3;
const FIRSTS_OF_EACH = 10;
const GOAL_ADDED_MS = 5;
const GOAL_GROWTH = 1.3;

const NAMES: Readonly<Record<Scoping, string>> = { 'on-demand': 'on demand', declared: 'the whole mesh' };

export const onDemand: Benchmark = {
  name: 'on-demand',
  summary: 'what a sidecar holds of a large mesh when its workload calls little of it, and what a first request costs',
  async run(context) {
    const { quick } = context;
    const most = quick ? QUICK_WORKLOADS : WORKLOADS;
    const reports: DemandReport[] = [];
    for (const services of quick ? [10, 1_000] : [10, 1_000, 10_000]) {
      for (const scoping of ['on-demand', 'declared'] as const) {
        const workloads = services < USED + most * FIRSTS_OF_EACH ? 0 : most;
        const plan = { services, used: USED, workloads, firstsOfEach: FIRSTS_OF_EACH, scoping };
        reports.push(await measureDemand(plan, context));
      }
    }
    const asked = reports.filter(({ plan }) => plan.scoping === 'on-demand');
    const largest = asked.at(-1) as DemandReport;
    const smallest = asked[0] as DemandReport;
    const { services } = largest.plan;
    return {
      tables: [holdings(reports), latencies(reports.filter(({ calls }) => calls.firstMs.length > 0))],
      goals: [
        {
          what: `first request added at ${services} services, p50`,
          unit: 'ms',
          measured: addedMs(largest.calls, 50),
          goal: GOAL_ADDED_MS,
        },
        {
          what: `RSS at ${services} services against ${smallest.plan.services}`,
          unit: 'x',
          measured: largest.rssMiB / smallest.rssMiB,
          goal: GOAL_GROWTH,
        },
        {
          what: `configuration at ${services} services against ${smallest.plan.services}`,
          unit: 'x',
          measured: largest.configurationBytes / smallest.configurationBytes,
          goal: GOAL_GROWTH,
        },
      ],
      notes: [
        `For memory a workload calls ${USED} services. First requests are made by ${most} workloads, to ${FIRSTS_OF_EACH} ` +
          `services each; and by one that knows ${(most - 1) * FIRSTS_OF_EACH} services already, because Envoy makes the ` +
          'whole table of a port anew for each host. They go out on connections that are open. The second request finds ' +
          'a connection to the endpoint, too: what that is worth shows where the sidecar has the whole mesh.',
        'The configuration is what Envoy prints as JSON. Everything is on the loopback interface, without TLS.',
      ],
    };
  },
};

function holdings(reports: readonly DemandReport[]): Table {
  const smallestOf = ({ plan }: DemandReport) =>
    reports.find((each) => each.plan.scoping === plan.scoping) as DemandReport;
  return {
    title: `A sidecar whose workload calls ${USED} services; ratios are to the smallest mesh`,
    of: 'services',
    columns: [
      { key: 'clusters', heading: 'clusters', digits: 0 },
      { key: 'readyMs', heading: 'ready ms', digits: 0 },
      { key: 'rssMiB', heading: 'RSS MiB' },
      { key: 'rssRatio', heading: 'x', digits: 2 },
      { key: 'configurationKiB', heading: 'config KiB', digits: 0 },
      { key: 'configurationRatio', heading: 'x', digits: 2 },
    ],
    rows: reports.map((report) => ({
      name: rowName(report),
      values: {
        clusters: report.clusters,
        readyMs: report.readyMs,
        rssMiB: report.rssMiB,
        rssRatio: report.rssMiB / smallestOf(report).rssMiB,
        configurationKiB: report.configurationBytes / 1024,
        configurationRatio: report.configurationBytes / smallestOf(report).configurationBytes,
      },
    })),
  };
}

function latencies(reports: readonly DemandReport[]): Table {
  return {
    title: 'Requests to services that were not called before, one after the other',
    of: 'services',
    columns: [
      { key: 'firstP50Ms', heading: 'first: p50 ms', digits: 2 },
      { key: 'firstP99Ms', heading: 'p99', digits: 2 },
      { key: 'secondP50Ms', heading: 'second: p50 ms', digits: 2 },
      { key: 'secondP99Ms', heading: 'p99', digits: 2 },
      { key: 'addedP50Ms', heading: 'added: p50 ms', digits: 2 },
      { key: 'addedP99Ms', heading: 'p99', digits: 2 },
      { key: 'controlPlaneCpuMs', heading: 'Pilot CPU ms', digits: 2 },
    ],
    rows: reports.flatMap((report) => [
      latencyRow(rowName(report), report.calls),
      ...(report.lateCalls === undefined ? [] : [latencyRow(`${rowName(report)}, much known`, report.lateCalls)]),
    ]),
  };
}

function latencyRow(name: string, calls: Calls): Row {
  return {
    name,
    values: {
      firstP50Ms: percentile(calls.firstMs, 50),
      firstP99Ms: percentile(calls.firstMs, 99),
      secondP50Ms: percentile(calls.secondMs, 50),
      secondP99Ms: percentile(calls.secondMs, 99),
      addedP50Ms: addedMs(calls, 50),
      addedP99Ms: addedMs(calls, 99),
      controlPlaneCpuMs: calls.controlPlaneCpuMs,
    },
  };
}

function rowName({ plan }: DemandReport): string {
  return `${plan.services}, ${NAMES[plan.scoping]}`;
}

/** Over the median of second requests. */
function addedMs({ firstMs, secondMs }: Calls, percent: number): number {
  return percentile(firstMs, percent) - median(secondMs);
}
