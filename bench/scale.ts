import { resolve } from 'node:path';
import type { Benchmark, BenchmarkContext, Result, Table } from './harness/benchmark.ts';
import { runChaos } from './scale/chaos.ts';
import { type MeshPlan, type MeshReport, measureMesh } from './scale/one-mesh.ts';
import { measureStarts, type StartReport } from './scale/start.ts';
import { runStorm } from './scale/storm.ts';
import { growthTable, hotspotTables, meshTable, startTable } from './scale/tables.ts';

const GROWTH_PROXIES = 10;

interface Plan {
  readonly meshes: readonly MeshPlan[];
  readonly growth: readonly MeshPlan[];
  readonly starts: readonly number[];
  readonly startCount: number;
}

export const scale: Benchmark = {
  name: 'scale',
  summary: 'many services and proxies: a change until the last acknowledgement, first sync, start, memory, growth',
  options: {
    services: { type: 'string', value: 'S', description: 'one mesh of this size, instead of several' },
    proxies: { type: 'string', value: 'P', description: 'with so many proxies' },
    changes: { type: 'string', value: 'N', description: 'of each kind, that are measured' },
    profile: { type: 'string', value: 'DIR', description: 'write CPU profiles of each stage to DIR' },
    chaos: { type: 'boolean', description: 'instead: changes without a pause, disturbed proxies; a reconnect storm' },
    seconds: { type: 'string', value: 'N', description: 'of chaos; default 30' },
    seed: { type: 'string', value: 'N', description: 'what happens in the chaos; default: another one each time' },
  },
  run: (context) => (context.options.chaos === true ? disturb(context) : measure(context)),
};

async function measure(context: BenchmarkContext): Promise<Result> {
  const { meshes, growth, starts, startCount } = planOf(context);
  const startReports: StartReport[] = [];
  const profileDir = profileDirOf(context);
  for (const services of starts) {
    const plan = { services, starts: startCount, ...(profileDir === undefined ? {} : { profileDir }) };
    startReports.push(await measureStarts(plan, context));
  }
  const reports: MeshReport[] = [];
  for (const plan of meshes) reports.push(await measureMesh(plan, context));
  const growthReports: MeshReport[] = [];
  for (const plan of growth) growthReports.push(await measureMesh(plan, context));
  const tables: Table[] = [
    ...reports.map(meshTable),
    startTable(startReports),
    ...(growthReports.length > 1 ? [growthTable(growthReports)] : []),
    ...[...reports, ...growthReports].flatMap(hotspotTables),
  ];
  return { tables, notes: notesOf(context) };
}

function planOf({ options, quick }: BenchmarkContext): Plan {
  const changes = numberOf(options.changes, 'changes', quick ? 5 : 15);
  const profileDir = options.profile === undefined ? {} : { profileDir: resolve(String(options.profile)) };
  const mesh = (services: number, proxies: number, count = changes): MeshPlan => ({
    ...{ services, proxies, changes: count, warmUp: quick ? 2 : 5, ...profileDir },
  });
  if (options.services !== undefined || options.proxies !== undefined) {
    const services = numberOf(options.services, 'services', 1_000);
    const proxies = numberOf(options.proxies, 'proxies', 200);
    return { meshes: [mesh(services, proxies)], growth: [], starts: [services], startCount: quick ? 1 : 3 };
  }
  const growthOf = (...sizes: readonly number[]) => sizes.map((services) => mesh(services, GROWTH_PROXIES));
  if (quick) {
    return { meshes: [mesh(1_000, 50)], growth: growthOf(100, 1_000), starts: [1_000], startCount: 1 };
  }
  return {
    meshes: [mesh(1_000, 200), mesh(1_000, 1_000), mesh(10_000, 200, Math.min(5, changes))],
    growth: growthOf(100, 1_000, 10_000),
    starts: [1_000, 5_000, 10_000],
    startCount: 3,
  };
}

async function disturb(context: BenchmarkContext): Promise<Result> {
  const { options, quick } = context;
  const services = numberOf(options.services, 'services', quick ? 200 : 1_000);
  const proxies = numberOf(options.proxies, 'proxies', quick ? 50 : 500);
  const seconds = numberOf(options.seconds, 'seconds', quick ? 5 : 30);
  const seed = numberOf(options.seed, 'seed', Math.floor(Math.random() * 2 ** 31));
  const chaos = await runChaos({ services, proxies, seconds, seed }, context);
  const storm = await runStorm({ services, proxies: options.proxies === undefined ? proxies * 2 : proxies }, context);
  return {
    tables: [chaos, storm],
    notes: [
      'Every proxy ended with the same resources in the same versions as a new proxy of a control plane that was started ' +
        'anew with the same files; otherwise this would have failed.',
    ],
  };
}

function numberOf(text: string | boolean | undefined, name: string, otherwise: number): number {
  if (text === undefined) return otherwise;
  const number = Number(text);
  if (!Number.isInteger(number) || number < 1) throw new Error(`--${name} takes a whole number from 1, not ${text}.`);
  return number;
}

function profileDirOf({ options }: BenchmarkContext): string | undefined {
  return options.profile === undefined ? undefined : resolve(String(options.profile));
}

function notesOf(context: BenchmarkContext): string[] {
  const profileDir = profileDirOf(context);
  return [
    'Each service has a ServiceEntry with five endpoints, a DestinationRule, and a VirtualService with two routes. The ' +
      'proxies are incremental ADS streams, each on a TCP connection of its own, in one process beside the control ' +
      'plane; they take the same cores. Every proxy gets everything (--scoping off).',
    "istiod's figures are from another run on another day: compare orders of magnitude, nothing finer.",
    ...(profileDir === undefined
      ? []
      : [
          `Profiles are in ${profileDir}: open them in Chrome's DevTools (Performance, Load profile) or with speedscope.`,
        ]),
  ];
}
