import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { replica, Sandbox } from '../packages/mesh/test/e2e/mesh.ts';
import type { Benchmark } from './harness/benchmark.ts';
import { percentile } from './harness/stats.ts';
import { Connection } from './load/connection.ts';

const GOAL_P50_MS = 15;
const GOAL_P95_MS = 40;
/** Between a change that was seen and the next one: never in step with any timer. */
const PAUSE_MS = [50, 200] as const;
const CHANGE_TIMEOUT_MS = 10_000;

type Version = 'v1' | 'v3';

export const change: Benchmark = {
  name: 'change',
  summary: 'from saving a VirtualService to the first response that obeys it, in a running Bookinfo',
  async run({ quick, say, defer }) {
    const flips = quick ? 16 : 50;
    const sandbox = new Sandbox();
    defer(() => sandbox.close());
    const file = join(sandbox.dir, 'reviews-weights.yaml');
    writeFileSync(file, weights('v1'));
    say('starting Bookinfo');
    const status = await sandbox.up();

    const productpage = replica(status, 'productpage-v1');
    const connection = await Connection.open({
      port: Number(new URL(productpage.outboundProxy).port),
      path: 'http://reviews:9080/reviews/0',
      host: 'reviews:9080',
    });
    defer(() => connection.close());
    const callMs: number[] = [];
    const call = async (): Promise<string> => {
      const sentAt = performance.now();
      const { status: code, body } = await connection.call();
      callMs.push(performance.now() - sentAt);
      if (code !== 200) throw new Error(`reviews answered ${code}: ${body}`);
      return /"podname":"reviews-(v\d)-/.exec(body.toString())?.[1] ?? 'none';
    };
    /** Resolves with the time of the first answer of `version`. Back to back, so that no moment goes unobserved. */
    const callUntil = async (version: Version, before: Version): Promise<number> => {
      const deadline = performance.now() + CHANGE_TIMEOUT_MS;
      for (;;) {
        const answered = await call();
        const now = performance.now();
        if (answered === version) return now;
        if (answered !== before)
          throw new Error(`an answer of ${answered} while only ${before} and ${version} have a route`);
        if (now > deadline) throw new Error(`still ${before} after ${CHANGE_TIMEOUT_MS} ms`);
      }
    };

    let current: Version = 'v1';
    await callUntil(current, 'v3');
    const measured: Record<'in place' | 'by renaming', number[]> = { 'in place': [], 'by renaming': [] };
    const inEnvoy: number[] = [];
    for (let flip = 0; flip < flips + 2; flip++) {
      const next: Version = current === 'v1' ? 'v3' : 'v1';
      // Pairs, so that each way of saving is measured in both directions.
      const way = flip % 4 < 2 ? 'in place' : 'by renaming';
      const until = performance.now() + between(PAUSE_MS, flip);
      while (performance.now() < until) await call();
      const savedAt = performance.now();
      const savedAtEpochMs = performance.timeOrigin + savedAt;
      if (way === 'in place') {
        writeFileSync(file, weights(next));
      } else {
        writeFileSync(`${file}.new`, weights(next));
        renameSync(`${file}.new`, file);
      }
      const seenAt = await callUntil(next, current);
      // The first two are for the compiler.
      if (flip >= 2) {
        measured[way].push(seenAt - savedAt);
        inEnvoy.push((await routesUpdatedAt(productpage.envoyAdmin)) - savedAtEpochMs);
      }
      current = next;
    }
    // Nothing may come after: the last change stays.
    await delay(200);
    if ((await call()) !== current) throw new Error(`the last change was taken back: ${current} was saved last`);

    const all = [...measured['in place'], ...measured['by renaming']];
    const row = (name: string, values: readonly number[]) => ({
      name,
      values: {
        count: values.length,
        minMs: Math.min(...values),
        p50Ms: percentile(values, 50),
        p95Ms: percentile(values, 95),
        maxMs: Math.max(...values),
      },
    });
    return {
      tables: [
        {
          title: 'From before the write to the end of the first changed response',
          of: 'saved',
          columns: [
            { key: 'count', heading: 'changes', digits: 0 },
            { key: 'minMs', heading: 'min ms' },
            { key: 'p50Ms', heading: 'p50 ms' },
            { key: 'p95Ms', heading: 'p95 ms' },
            { key: 'maxMs', heading: 'max ms' },
          ],
          rows: [
            row('in place', measured['in place']),
            row('by renaming', measured['by renaming']),
            row('all', all),
            row("of it, to productpage's Envoy", inEnvoy),
            row('(one call)', callMs),
          ],
        },
      ],
      goals: [
        { what: 'change, p50', unit: 'ms', measured: percentile(all, 50), goal: GOAL_P50_MS },
        { what: 'change, p95', unit: 'ms', measured: percentile(all, 95), goal: GOAL_P95_MS },
      ],
      notes: [
        "Calls go one after the other, without a pause, through productpage's sidecar to reviews. So a change is seen " +
          'up to a call and a half after it is in force: that time is within the numbers. (reviews v3 calls ratings.)',
      ],
    };
  },
};

/** When an Envoy last took a route table over, as it says itself: milliseconds since 1970. */
async function routesUpdatedAt(envoyAdmin: string): Promise<number> {
  const response = await fetch(`${envoyAdmin}/config_dump?resource=dynamic_route_configs`);
  const { configs } = (await response.json()) as { configs: readonly { last_updated: string }[] };
  return Math.max(...configs.map(({ last_updated }) => Date.parse(last_updated)));
}

/** Spread evenly, and the same in every run: the golden ratio's multiples. */
function between([from, to]: readonly [number, number], index: number): number {
  return from + ((index * 0.618_034) % 1) * (to - from);
}

function weights(version: Version): string {
  return `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata:
  name: reviews
spec:
  hosts:
    - reviews
  http:
    - route:
        - destination:
            host: reviews
            subset: v1
          weight: ${version === 'v1' ? 100 : 0}
        - destination:
            host: reviews
            subset: v3
          weight: ${version === 'v3' ? 100 : 0}
`;
}
