import { cpuMsOf, memoryOf } from '../harness/process-usage.ts';
import { percentile } from '../harness/stats.ts';
import type { Target } from '../load/connection.ts';
import { callAtRate, type LoadResult, saturate } from '../load/generator.ts';

export const CONNECTIONS = 16;
export const RATES_PER_SECOND = [1_000, 2_000] as const;
const WARM_UP_MS = 150;

/** A way from the client to the upstream. */
export interface Way {
  readonly name: string;
  readonly target: Target;
  /** The proxies on it. */
  readonly pids: readonly number[];
}

/** One round on one way. CPU time is that of all proxies on it, for each request; undefined where there is none. */
export interface Round {
  readonly requestsPerSecond: number;
  readonly cpuSaturatedUs: number | undefined;
  readonly cpuAt1000Us: number | undefined;
  readonly cpuAt2000Us: number | undefined;
  readonly p50At1000Ms: number;
}

export async function measure({ target, pids }: Way, phaseMs: number): Promise<Round> {
  const load = { connections: CONNECTIONS, durationMs: phaseMs };
  await saturate(target, { ...load, durationMs: WARM_UP_MS });
  const full = await withCpu(pids, () => saturate(target, load));
  const slow = await withCpu(pids, () => callAtRate(target, { ...load, ratePerSecond: RATES_PER_SECOND[0] }));
  const fast = await withCpu(pids, () => callAtRate(target, { ...load, ratePerSecond: RATES_PER_SECOND[1] }));
  return {
    requestsPerSecond: full.result.requests / (full.result.durationMs / 1000),
    cpuSaturatedUs: full.cpuUs,
    cpuAt1000Us: slow.cpuUs,
    cpuAt2000Us: fast.cpuUs,
    p50At1000Ms: percentile(slow.result.latencies, 50),
  };
}

/** The largest of the proxies on the way. */
export function rssMiBOf({ pids }: Way): number | undefined {
  return pids.length === 0 ? undefined : Math.max(...pids.map((pid) => memoryOf(pid).rssMiB));
}

async function withCpu(pids: readonly number[], run: () => Promise<LoadResult>) {
  const before = pids.map(cpuMsOf);
  const result = await run();
  const after = pids.map(cpuMsOf);
  const usedMs = after.reduce<number>((sum, ms, index) => sum + (ms ?? Number.NaN) - (before[index] ?? Number.NaN), 0);
  const cpuUs = (usedMs * 1000) / result.requests;
  return { result, cpuUs: pids.length === 0 || !Number.isFinite(cpuUs) ? undefined : cpuUs };
}
