import { Graph } from '../packages/mesh/src/pilot/incremental/graph.ts';
import type { Benchmark } from './harness/benchmark.ts';
import { interleave, median, percentile } from './harness/stats.ts';

const CHANGES_PER_ROUND = 200;

/** A graph in the shape of the pipeline: services, policies joined by host, a derived value, and one made of that. */
function buildGraph(keys: number) {
  const graph = new Graph();
  const services = graph.source<{ host: string; ports: readonly number[] }>('services');
  const policies = graph.source<{ host: string; weight: number }>('policies');
  const byHost = graph.index('policies by host', policies, ({ host }) => [host]);
  const routes = graph.derive('routes', services, ({ host, ports }, read) =>
    ports.map((port) => ({ host, port, weights: (read.get(byHost, host) ?? []).map(({ weight }) => weight) })),
  );
  const texts = graph.derive('texts', routes, (list) => JSON.stringify(list));
  graph.transaction(() => {
    for (let index = 0; index < keys; index++) {
      services.set(`s${index}`, { host: `svc-${index}`, ports: [80, 9080] });
      policies.set(`p${index}`, { host: `svc-${index}`, weight: 0 });
    }
  });
  return { policies, texts };
}

export const core: Benchmark = {
  name: 'core',
  summary: 'one change in the incremental graph, among few keys and among many',
  async run({ quick }) {
    const sizes = quick ? [100, 10_000] : [100, 1_000, 10_000, 100_000];
    const rounds = quick ? 6 : 15;
    const graphs = new Map(sizes.map((size) => [size, buildGraph(size)]));
    let weight = 0;
    // The first rounds are for the compiler.
    const warmUp = 2;
    const measured = await interleave(sizes, rounds + warmUp, (size) => {
      const { policies, texts } = graphs.get(size) as ReturnType<typeof buildGraph>;
      const micros: number[] = [];
      for (let change = 0; change < CHANGES_PER_ROUND; change++) {
        const at = (change * 7_919) % size;
        weight++;
        const startedAt = performance.now();
        policies.set(`p${at}`, { host: `svc-${at}`, weight });
        micros.push((performance.now() - startedAt) * 1000);
        if (!texts.get(`s${at}`)?.includes(`[${weight}]`)) throw new Error(`change ${weight} did not arrive`);
      }
      return micros;
    });
    const p50 = new Map(sizes.map((size) => [size, all(measured.get(size), warmUp, 50)]));
    const base = p50.get(100) as number;
    return {
      tables: [
        {
          title: `One change of one value: four derivation steps, three values computed again`,
          of: 'keys in each collection',
          columns: [
            { key: 'p50Us', heading: 'p50 us' },
            { key: 'p95Us', heading: 'p95 us' },
            { key: 'ratio', heading: 'p50 against 100 keys', digits: 2 },
          ],
          rows: sizes.map((size) => ({
            name: size.toLocaleString('en-US'),
            values: {
              p50Us: p50.get(size),
              p95Us: all(measured.get(size), warmUp, 95),
              ratio: (p50.get(size) as number) / base,
            },
          })),
        },
      ],
      notes: [
        'Flat is right: a change must cost what it touches. What grows a little is the cache misses of larger maps.',
      ],
    };
  },
};

/** The median over the rounds of a percentile within each. */
function all(rounds: readonly number[][] | undefined, skip: number, percent: number): number {
  return median((rounds ?? []).slice(skip).map((micros) => percentile(micros, percent)));
}
