import { execFileSync } from 'node:child_process';
import { availableParallelism, cpus, loadavg, totalmem } from 'node:os';
import { findEnvoy } from '../../packages/mesh/src/agent/envoy/find.ts';

/** What numbers depend on: two runs can be compared only where this is the same. */
export interface Environment {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  /** Before the benchmarks. Much above 0: somebody else works here. */
  readonly load: number;
  readonly platform: string;
  readonly node: string;
  readonly envoy: string;
  /** Short hash; `+` for files that are not committed. */
  readonly commit: string;
  readonly startedAt: string;
}

export async function readEnvironment(): Promise<Environment> {
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    load: currentLoad(),
    platform: `${process.platform}-${process.arch}`,
    node: process.versions.node,
    envoy: await findEnvoy({ fetch: false }).then(
      ({ version }) => version,
      () => 'none',
    ),
    commit: readCommit(),
    startedAt: new Date().toISOString(),
  };
}

/** Processes that ran or waited, on the average of the last minute. */
export function currentLoad(): number {
  return Math.round((loadavg()[0] ?? 0) * 100) / 100;
}

export function environmentLine(environment: Environment): string {
  const { cpu, cores, memoryGiB, load, platform, node, envoy, commit } = environment;
  const machine = `${cpu}, ${cores} cores, ${memoryGiB} GiB, ${platform}, load ${load}`;
  return `${machine}; Node ${node}, Envoy ${envoy}, commit ${commit}`;
}

function readCommit(): string {
  try {
    const git = (...args: string[]) =>
      execFileSync('git', args, { cwd: import.meta.dirname, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    return git('rev-parse', '--short', 'HEAD').trim() + (git('status', '--porcelain').trim() === '' ? '' : '+');
  } catch {
    return 'unknown';
  }
}
