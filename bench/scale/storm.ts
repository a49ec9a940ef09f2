import { setTimeout as delay } from 'node:timers/promises';
import type { BenchmarkContext, Table } from '../harness/benchmark.ts';
import { median, percentile } from '../harness/stats.ts';
import { nowMs } from './change-log.ts';
import { changeKinds, connectAll, setScene } from './one-mesh.ts';

const TIMEOUT_MS = 120_000;
/** Long enough for the control plane to take the changes in while nobody is there. */
const AWAY_MS = 500;

/**
 * All proxies lose their connection and come back at once, with what they have. Meanwhile the routes of one service and
 * an endpoint of another have changed: just these differences should be sent.
 */
export async function runStorm(
  { services, proxies }: { readonly services: number; readonly proxies: number },
  context: BenchmarkContext,
): Promise<Table> {
  context.say(`reconnect storm: ${services} services, ${proxies} proxies`);
  const scene = await setScene({ services, proxies }, context);
  const { files, plane, load } = scene;
  const sync = await connectAll(scene, proxies);
  await load.quiet(TIMEOUT_MS);
  const first = await load.traffic();
  await load.disconnect();
  const before = await load.traffic();
  files.prepareRoute(0, { route: 1 })();
  files.prepareService(services - 1, { endpoint: 2 })();
  await delay(AWAY_MS);

  const cpuBefore = plane.cpuMs();
  const startedAtMs = nowMs();
  const route = { number: 1, object: changeKinds.indexOf('route') * services, savedAtMs: startedAtMs };
  const endpoint = {
    number: 2,
    object: changeKinds.indexOf('endpoint') * services + services - 1,
    savedAtMs: startedAtMs,
  };
  await Promise.all([load.announce(route, true), load.announce(endpoint, true), load.reconnect()]);
  const [routeMs, endpointMs] = await Promise.all([load.latencies(1, TIMEOUT_MS), load.latencies(2, TIMEOUT_MS)]);
  if (Math.min(routeMs.length, endpointMs.length) < proxies) {
    throw new Error(
      `of ${proxies} proxies that came back, ${routeMs.length} got the changed routes and ${endpointMs.length} the ` +
        `changed endpoint in ${TIMEOUT_MS} ms. The control plane wrote:\n${plane.lastLines}`,
    );
  }
  await load.quiet(TIMEOUT_MS);
  const after = await load.traffic();
  const cpuMs = plane.cpuMs() - cpuBefore;
  const { rssMiB, peakRssMiB } = plane.memory();
  await scene.close();
  const since = (now: readonly number[], then: readonly number[]) =>
    now.map((each, index) => each - (then[index] ?? 0));
  const received = since(after.receivedBytes, before.receivedBytes);
  const sent = since(after.sentBytes, before.sentBytes);
  return {
    title: `Reconnect storm: ${proxies} proxies at once, ${services} services, two of them changed meanwhile`,
    of: 'what',
    columns: [
      { key: 'first', heading: 'first connection', digits: 0 },
      { key: 'again', heading: 'with initial versions', digits: 0 },
    ],
    rows: [
      {
        name: 'until the last is synced, ms',
        values: { first: sync.wallMs, again: Math.max(...routeMs, ...endpointMs) },
      },
      { name: 'bytes to one proxy, median', values: { first: median(first.receivedBytes), again: median(received) } },
      {
        name: 'bytes to one proxy, p99',
        values: { first: percentile(first.receivedBytes, 99), again: percentile(received, 99) },
      },
      { name: 'bytes from one proxy, median', values: { first: median(first.sentBytes), again: median(sent) } },
      { name: 'CPU of the control plane, ms', values: { again: cpuMs } },
      { name: 'RSS of the control plane, MiB', values: { again: rssMiB } },
      { name: 'RSS at most, MiB', values: { again: peakRssMiB } },
    ],
  };
}
