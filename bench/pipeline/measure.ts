// A process of its own for each size of mesh, so that memory is that of this mesh alone.
import { keyOf } from '@lateen/api/object-key.ts';
import { instanceKey } from '@lateen/api/workload-instance.ts';
import { PilotDirectory } from '../../packages/mesh/src/pilot/xds/directory.ts';
import { median } from '../harness/stats.ts';
import { addClients, buildMesh, FIRST_TIMEOUT_MS, instanceOf, serviceOf, virtualServiceOf } from './services.ts';
import { SimulatedProxy } from './simulated-proxy.ts';

/** Times are medians in milliseconds; bytes are those of the responses to one proxy. */
export interface ChangeCost {
  readonly totalMs: number;
  /** From the changed object to encoded resources, and to which proxy they concern. */
  readonly deriveMs: number;
  /** For all proxies: what each lacks, its response, and its acknowledgement. */
  readonly answerMs: number;
  readonly bytes: number;
}

export interface PipelineReport {
  readonly services: number;
  readonly proxies: number;
  /** From nothing to encoded resources, with the first proxy. */
  readonly buildMs: number;
  /** The last proxy that connected, alone. */
  readonly syncMs: number;
  readonly syncBytes: number;
  readonly route: ChangeCost;
  readonly endpoint: ChangeCost;
  readonly newService: ChangeCost;
  readonly rssMiB: number;
}

/** Services; changes to measure, and before them others for the compiler; then the numbers of proxies. */
const [services = 100, changes = 10, warmUp = 2, ...proxyCounts] = process.argv.slice(2).map(Number);

const startedAt = performance.now();
const pilot = buildMesh(services);
const directory = new PilotDirectory(pilot);
const nodeIds = addClients(pilot, Math.max(...proxyCounts));
const proxies: SimulatedProxy[] = [];
let buildMs = 0;
let timeoutMs = FIRST_TIMEOUT_MS;
let isReady = true;
let hasExtra = false;
for (const count of proxyCounts) {
  let syncMs = 0;
  let syncBytes = 0;
  while (proxies.length < count) {
    const connectedAt = performance.now();
    const proxy = new SimulatedProxy(directory, nodeIds[proxies.length] ?? '');
    if (proxies.length === 0) buildMs = performance.now() - startedAt;
    // Connecting the first proxy makes the fragments that all share.
    const syncedFrom = proxies.length === 0 ? performance.now() : connectedAt;
    proxy.sync();
    syncMs = performance.now() - syncedFrom;
    syncBytes = proxy.bytes;
    proxies.push(proxy);
  }
  const middle = Math.floor(services / 2);
  const report: PipelineReport = {
    services,
    proxies: count,
    buildMs,
    syncMs,
    syncBytes,
    route: measure(() => {
      timeoutMs++;
      const object = virtualServiceOf(middle, timeoutMs);
      pilot.objects.set(keyOf(object), object);
    }),
    endpoint: measure(() => {
      isReady = !isReady;
      const instance = instanceOf(middle, 0, isReady ? 'ready' : 'unready');
      pilot.instances.set(instanceKey(instance), instance);
    }),
    newService: measure(() => {
      hasExtra = !hasExtra;
      const object = serviceOf(services);
      if (hasExtra) pilot.objects.set(keyOf(object), object);
      else pilot.objects.delete(keyOf(object));
    }, 2),
    rssMiB: process.memoryUsage().rss / 2 ** 20,
  };
  process.send?.(report);
}
process.disconnect?.();

/** Makes the change several times; `every` second one counts if it goes back and forth between unlike states. */
function measure(change: () => void, every = 1): ChangeCost {
  const runs: { deriveMs: number; answerMs: number; bytes: number }[] = [];
  for (let run = 0; run < (changes + warmUp) * every; run++) {
    const bytesBefore = proxies.at(-1)?.bytes ?? 0;
    const responsesBefore = proxies.at(-1)?.responses ?? 0;
    const changedAt = performance.now();
    change();
    const derivedAt = performance.now();
    for (const proxy of proxies) proxy.answer();
    const answeredAt = performance.now();
    if (proxies.at(-1)?.responses === responsesBefore) throw new Error('a change that no proxy was told of');
    const bytes = (proxies.at(-1)?.bytes ?? 0) - bytesBefore;
    if (run % every === 0) runs.push({ deriveMs: derivedAt - changedAt, answerMs: answeredAt - derivedAt, bytes });
  }
  const counted = runs.slice(warmUp);
  return {
    totalMs: median(counted.map(({ deriveMs, answerMs }) => deriveMs + answerMs)),
    deriveMs: median(counted.map(({ deriveMs }) => deriveMs)),
    answerMs: median(counted.map(({ answerMs }) => answerMs)),
    bytes: median(counted.map(({ bytes }) => bytes)),
  };
}
