import type { Benchmark } from './harness/benchmark.ts';
import { cpuMsOf } from './harness/process-usage.ts';
import { interleave, median, percentile } from './harness/stats.ts';
import type { Target } from './load/connection.ts';
import { callAtRate, saturate } from './load/generator.ts';
import { startPathMesh } from './path/mesh.ts';

const RATE_PER_SECOND = 1_000;
const CONNECTIONS = 16;

interface Variant {
  readonly name: string;
  readonly target: Target;
  /** The Envoys on the way. */
  readonly pids: readonly number[];
}

interface Round {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly requestsPerSecond: number;
  /** Of all Envoys on the way, in microseconds for each request. */
  readonly cpuAtRateUs: number | undefined;
  readonly cpuSaturatedUs: number | undefined;
}

export const path: Benchmark = {
  name: 'path',
  summary: 'latency and throughput of calls direct, through one sidecar, and through a pair with mutual TLS',
  async run({ quick, say, defer }) {
    const rounds = quick ? 1 : 5;
    const phaseMs = quick ? 1_500 : 2_000;
    const mesh = await startPathMesh(defer);
    const host = 'details:9080';
    const direct: Variant = {
      name: 'direct',
      target: { port: mesh.upstreamPort, path: '/details/0', host },
      pids: [],
    };
    const variants: readonly Variant[] = [
      direct,
      {
        name: 'an Envoy with only a router',
        target: { port: mesh.plainPort, path: '/details/0', host },
        pids: [mesh.plainPid],
      },
      {
        name: 'one sidecar, plaintext',
        target: { port: mesh.inboundPort, path: '/details/0', host },
        pids: [mesh.serverPid],
      },
      {
        name: 'the pair, mutual TLS',
        target: { port: mesh.proxyPort, path: `http://${host}/details/0`, host },
        pids: [mesh.clientPid, mesh.serverPid],
      },
    ];
    for (const { target } of variants) await saturate(target, { connections: CONNECTIONS, durationMs: 500 });
    if ((await mesh.handshakes()) === 0) throw new Error('the pair of sidecars does not talk mutual TLS');

    const measured = await interleave(variants, rounds, async (variant, round): Promise<Round> => {
      say(`round ${round + 1} of ${rounds}: ${variant.name}`);
      const load = { connections: CONNECTIONS, durationMs: phaseMs };
      await saturate(variant.target, { ...load, durationMs: 200 });
      const steady = await withCpu(variant.pids, () =>
        callAtRate(variant.target, { ...load, ratePerSecond: RATE_PER_SECOND }),
      );
      const full = await withCpu(variant.pids, () => saturate(variant.target, load));
      return {
        p50Ms: percentile(steady.latencies, 50),
        p99Ms: percentile(steady.latencies, 99),
        requestsPerSecond: full.requests / (full.durationMs / 1000),
        cpuAtRateUs: steady.cpuUs,
        cpuSaturatedUs: full.cpuUs,
      };
    });

    const of = (variant: Variant, key: keyof Round) =>
      median((measured.get(variant) ?? []).map((round) => round[key] ?? Number.NaN));
    /** Within each round, then the median: what changes from round to round drops out. */
    const ratio = (variant: Variant, key: keyof Round) =>
      median(
        (measured.get(variant) ?? []).map((round, index) => {
          const base = measured.get(direct)?.[index]?.[key];
          return (round[key] ?? Number.NaN) / (base ?? Number.NaN);
        }),
      );
    return {
      tables: [
        {
          title: `Answers of 1 KB, ${CONNECTIONS} connections, medians of ${rounds} interleaved rounds`,
          of: 'calls',
          columns: [
            { key: 'p50Ms', heading: `p50 ms at ${RATE_PER_SECOND}/s`, digits: 3 },
            { key: 'p50Ratio', heading: 'to direct', digits: 2 },
            { key: 'p99Ms', heading: 'p99 ms', digits: 2 },
            { key: 'cpuAtRateUs', heading: 'Envoy CPU us/request', digits: 0 },
            { key: 'requestsPerSecond', heading: 'requests/s saturated', digits: 0 },
            { key: 'throughputRatio', heading: 'to direct', digits: 2 },
            { key: 'cpuSaturatedUs', heading: 'Envoy CPU us/request', digits: 0 },
          ],
          rows: variants.map((variant) => ({
            name: variant.name,
            values: {
              p50Ms: of(variant, 'p50Ms'),
              p50Ratio: ratio(variant, 'p50Ms'),
              p99Ms: of(variant, 'p99Ms'),
              cpuAtRateUs: finite(of(variant, 'cpuAtRateUs')),
              requestsPerSecond: of(variant, 'requestsPerSecond'),
              throughputRatio: ratio(variant, 'requestsPerSecond'),
              cpuSaturatedUs: finite(of(variant, 'cpuSaturatedUs')),
            },
          })),
        },
      ],
      notes: [
        'The upstream is a bare socket server that parses nothing, so that its own cost does not hide that of the ' +
          'sidecars; the client is one Node.js process. Against a real application every ratio is nearer to 1.',
        'Everything shares the cores of this machine: direct throughput is that of client and upstream, and more ' +
          'proxies leave less to both. Ratios are made within a round, and are good to about 15 %; p99 says little.',
      ],
    };
  },
};

async function withCpu<T extends { readonly requests: number }>(pids: readonly number[], run: () => Promise<T>) {
  const before = pids.map(cpuMsOf);
  const result = await run();
  const after = pids.map(cpuMsOf);
  const used = after.map((ms, index) => (ms ?? Number.NaN) - (before[index] ?? Number.NaN));
  const sumMs = used.reduce((sum, ms) => sum + ms, 0);
  return { ...result, cpuUs: pids.length === 0 ? undefined : finite((sumMs * 1000) / result.requests) };
}

function finite(value: number): number | undefined {
  return Number.isFinite(value) ? value : undefined;
}
