import type { Benchmark, Table } from './harness/benchmark.ts';
import { median, percentile } from './harness/stats.ts';
import { type DemandReport, measureDemand, type Scoping } from './on-demand/measure.ts';

const USED = 4;
const FIRSTS = 100;
const QUICK_FIRSTS = 20;
const GOAL_ADDED_MS = 5;
const GOAL_GROWTH = 1.3;

const NAMES: Readonly<Record<Scoping, string>> = { 'on-demand': 'on demand', declared: 'the whole mesh' };

export const onDemand: Benchmark = {
  name: 'on-demand',
  summary: 'what a sidecar holds of a large mesh when its workload calls little of it, and what a first request costs',
  async run(context) {
    const { quick } = context;
    const firsts = quick ? QUICK_FIRSTS : FIRSTS;
    const reports: DemandReport[] = [];
    for (const services of quick ? [10, 1_000] : [10, 1_000, 10_000]) {
      for (const scoping of ['on-demand', 'declared'] as const) {
        const plan = { services, used: USED, firsts: services < USED + firsts ? 0 : firsts, scoping };
        reports.push(await measureDemand(plan, context));
      }
    }
    const asked = reports.filter(({ plan }) => plan.scoping === 'on-demand');
    const largest = asked.at(-1) as DemandReport;
    const smallest = asked[0] as DemandReport;
    const { services } = largest.plan;
    return {
      tables: [holdings(reports), latencies(reports.filter(({ firstMs }) => firstMs.length > 0))],
      goals: [
        {
          what: `first request added at ${services} services, p50`,
          unit: 'ms',
          measured: addedMs(largest, 50),
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
        `The workload calls ${USED} services; then memory is measured, and after it what first requests to others cost. ` +
          'Each goes out on a connection that is open, to a service that no request went to before. The second request ' +
          'finds the connection to the endpoint, too: what that is worth shows where the sidecar has the whole mesh.',
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
    title: `Requests to ${reports[0]?.plan.firsts} more services, one after the other`,
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
    rows: reports.map((report) => ({
      name: rowName(report),
      values: {
        firstP50Ms: percentile(report.firstMs, 50),
        firstP99Ms: percentile(report.firstMs, 99),
        secondP50Ms: percentile(report.secondMs, 50),
        secondP99Ms: percentile(report.secondMs, 99),
        addedP50Ms: addedMs(report, 50),
        addedP99Ms: addedMs(report, 99),
        controlPlaneCpuMs: report.controlPlaneCpuMs,
      },
    })),
  };
}

function rowName({ plan }: DemandReport): string {
  return `${plan.services}, ${NAMES[plan.scoping]}`;
}

/** Over the median of second requests. */
function addedMs({ firstMs, secondMs }: DemandReport, percent: number): number {
  return percentile(firstMs, percent) - median(secondMs);
}
