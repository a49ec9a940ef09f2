// A process of its own for each size of mesh, so that memory is that of this mesh alone.
import type { ConfigObject } from '@lateen/api/kinds.ts';
import { keyOf } from '@lateen/api/object-key.ts';
import { PilotDirectory } from '../../packages/mesh/src/pilot/xds/directory.ts';
import { type ResourceType, typeUrls } from '../../packages/mesh/src/pilot/xds/resource.ts';
import { median } from '../harness/stats.ts';
import {
  addClient,
  addressOf,
  buildMesh,
  destinationRuleOf,
  selectingEntryOf,
  serviceEntryOf,
  serviceWithRules,
  virtualServiceOf,
  workloadEntryOf,
} from './mesh.ts';

export const CHANGES = ['route', 'endpoint', 'workload', 'policy', 'added', 'removed', 'proxy'] as const;
export type ChangeName = (typeof CHANGES)[number];

export interface FlatReport {
  readonly services: number;
  readonly proxies: number;
  /** CPU of the whole process for one change, median, in ms. */
  readonly cpuMs: Readonly<Record<ChangeName, number>>;
  /** CPU as well, with the first proxy. */
  readonly buildMs: number;
  readonly heapMiB: number;
  readonly rssMiB: number;
}

const [services = 100, rounds = 10, ...proxyCounts] = process.argv.slice(2).map(Number);
const TYPES = Object.keys(typeUrls) as ResourceType[];
const MIB = 2 ** 20;
const WARM_UP = 5;

const startedAt = process.cpuUsage();
const pilot = buildMesh(services);
const directory = new PilotDirectory(pilot);
const middle = Math.floor(services / 2);
let connected = 0;
let told = 0;
let marks = 0;

const set = (...objects: readonly ConfigObject[]) =>
  pilot.graph.transaction(() => {
    for (const object of objects) pilot.objects.set(keyOf(object), object);
  });
const remove = (...objects: readonly ConfigObject[]) =>
  pilot.graph.transaction(() => {
    for (const object of objects) pilot.objects.delete(keyOf(object));
  });

/** A proxy whose stream looks at everything once, and from then on at what it is told of. */
function connect(): void {
  const nodeId = addClient(pilot, connected++);
  const view = directory.connect({ id: nodeId, cluster: 'bench', metadata: {} }, 'delta');
  for (const type of TYPES) view.resources(type);
  view.onChange((change) => {
    for (const [type, names] of change) for (const name of names) if (view.resources(type).has(name)) told++;
  });
}

let buildMs = 0;
for (const count of proxyCounts) {
  while (connected < count) connect();
  if (buildMs === 0) {
    const { user, system } = process.cpuUsage(startedAt);
    buildMs = (user + system) / 1_000;
  }
  globalThis.gc?.();
  globalThis.gc?.();
  const { heapUsed, rss } = process.memoryUsage();
  const route = measure(() => set(virtualServiceOf(middle, `mark-${marks++}`)));
  const endpoint = measure(() => set(serviceEntryOf(middle, `10.99.${(marks >> 8) & 255}.${marks++ & 255}`)));
  const policy = measure(() => set(destinationRuleOf(middle, 1000 + marks++)));
  set(selectingEntryOf(middle), workloadEntryOf(middle, '10.98.0.1'));
  const workload = measure(() => set(workloadEntryOf(middle, `10.98.${(marks >> 8) & 255}.${marks++ & 255}`)));
  remove(workloadEntryOf(middle, ''));
  set(serviceEntryOf(middle, addressOf(middle, 0)));
  const extra = serviceWithRules(services);
  const added = measure(
    () => set(...extra),
    () => remove(...extra),
  );
  const removed = measure(
    () => remove(...extra),
    () => set(...extra),
  );
  remove(...extra);
  const proxy = measure(connect);
  const cpuMs = { route, endpoint, workload, policy, added, removed, proxy };
  const report: FlatReport = { services, proxies: count, cpuMs, buildMs, heapMiB: heapUsed / MIB, rssMiB: rss / MIB };
  process.send?.(report);
}
process.disconnect?.();

/** CPU of one change in ms, median of several; `undo` is not counted. */
function measure(change: () => void, undo?: () => void): number {
  const toldBefore = told;
  const found: number[] = [];
  for (let round = 0; round < rounds + WARM_UP; round++) {
    const before = process.cpuUsage();
    change();
    const { user, system } = process.cpuUsage(before);
    if (round >= WARM_UP) found.push((user + system) / 1_000);
    undo?.();
  }
  if (told === toldBefore && change !== connect) throw new Error('a change that no proxy was told of');
  return median(found);
}
