import { CONNECTIONS, measure, type Round, rssMiBOf, type Way } from './datapath/measure.ts';
import { startWays, type WayName } from './datapath/ways.ts';
import type { Benchmark, Goal, Row } from './harness/benchmark.ts';
import { interleave, median } from './harness/stats.ts';

type Key = keyof Round;

export const datapath: Benchmark = {
  name: 'datapath',
  summary: 'cost of calls through pairs of sidecars with mutual TLS, against proxies and an Istio-like pair',
  async run({ quick, say, defer }) {
    const rounds = quick ? 2 : 8;
    const phaseMs = quick ? 700 : 1_000;
    const { ways, notes } = await startWays(defer, say);
    const measured = await interleave([...ways.values()], rounds, (way, round) => {
      say(`round ${round + 1} of ${rounds}: ${way.name}`);
      return measure(way, phaseMs);
    });

    const of = (name: WayName, key: Key): number | undefined => {
      const values = roundsOf(name).map((round) => round[key]);
      return values.length === 0 || values.includes(undefined) ? undefined : median(values as number[]);
    };
    const roundsOf = (name: WayName): readonly Round[] => {
      const way = ways.get(name);
      return way === undefined ? [] : (measured.get(way) ?? []);
    };
    /** Within each round, then the median: what changes from round to round drops out. */
    const ratio = (name: WayName, base: WayName, key: Key): number | undefined => {
      const bases = roundsOf(base);
      const ratios = roundsOf(name).map(
        (round, index) => (round[key] ?? Number.NaN) / (bases[index]?.[key] ?? Number.NaN),
      );
      const value = ratios.length === 0 ? Number.NaN : median(ratios);
      return Number.isFinite(value) ? value : undefined;
    };

    const row = ([name, way]: [WayName, Way]): Row => ({
      name: way.name,
      values: {
        requestsPerSecond: of(name, 'requestsPerSecond'),
        toEnvoy: ratio(name, 'envoy', 'requestsPerSecond'),
        cpuSaturatedUs: of(name, 'cpuSaturatedUs'),
        toIstioSaturated: ratio(name, 'istio', 'cpuSaturatedUs'),
        cpuAt1000Us: of(name, 'cpuAt1000Us'),
        cpuAt2000Us: of(name, 'cpuAt2000Us'),
        toIstioAt2000: ratio(name, 'istio', 'cpuAt2000Us'),
        p50At1000Ms: of(name, 'p50At1000Ms'),
        rssMiB: rssMiBOf(way),
      },
    });
    const rssMiB = Math.max(
      ...(['lateen', 'lateen-metrics'] as const).map((name) => rssMiBOf(ways.get(name) as Way) ?? 0),
    );
    const goal = (what: string, measuredRatio: number | undefined, most: number): Goal[] =>
      measuredRatio === undefined ? [] : [{ what, unit: 'x', measured: measuredRatio, goal: most }];
    return {
      tables: [
        {
          title: `Answers of 1 KB, ${CONNECTIONS} connections, medians of ${rounds} interleaved rounds; CPU of all proxies on the way, us/request`,
          of: 'calls',
          columns: [
            { key: 'requestsPerSecond', heading: 'requests/s', digits: 0 },
            { key: 'toEnvoy', heading: 'to Envoy', digits: 2 },
            { key: 'cpuSaturatedUs', heading: 'CPU saturated', digits: 0 },
            { key: 'toIstioSaturated', heading: 'to Istio-like', digits: 2 },
            { key: 'cpuAt1000Us', heading: 'at 1,000/s', digits: 0 },
            { key: 'cpuAt2000Us', heading: 'at 2,000/s', digits: 0 },
            { key: 'toIstioAt2000', heading: 'to Istio-like', digits: 2 },
            { key: 'p50At1000Ms', heading: 'p50 ms at 1,000/s', digits: 3 },
            { key: 'rssMiB', heading: 'RSS MiB', digits: 0 },
          ],
          rows: [...ways].map(row),
        },
      ],
      goals: [
        ...goal(
          'CPU of the pair with equal features, saturated, to the Istio-like pair without metrics',
          ratio('lateen', 'istio', 'cpuSaturatedUs'),
          0.75,
        ),
        ...goal(
          'the same, both with the 25 tags of Istio',
          ratio('lateen-metrics', 'istio-metrics', 'cpuSaturatedUs'),
          0.75,
        ),
        ...goal(
          'CPU of the pair with lean metrics, saturated, to the Istio-like pair with its own',
          ratio('lateen-lean', 'istio-metrics', 'cpuSaturatedUs'),
          0.65,
        ),
        ...goal('CPU of the pair at 2,000/s, to the Istio-like pair', ratio('lateen', 'istio', 'cpuAt2000Us'), 1),
        ...goal('throughput of one bare Envoy, to the pair', ratio('envoy', 'lateen', 'requestsPerSecond'), 1.82),
        { what: 'RSS of a sidecar under load', unit: 'MiB', measured: rssMiB, goal: 75 },
      ],
      notes: [
        'The upstream is a bare socket server that parses nothing, so that its own cost does not hide that of the ' +
          'proxies; the client is one Node.js process with raw sockets, one request at a time on each. Every proxy has one worker.',
        'Everything shares the cores of this machine: direct throughput is that of client and upstream, and more ' +
          'proxies leave less to both. Ratios are made within a round, and are good to about 15 %.',
        ...notes,
      ],
    };
  },
};
