import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { formatError, isLateenError } from '@lateen/api/lateen-error.ts';
import { analysis } from './analysis.ts';
import { change } from './change.ts';
import { core } from './core.ts';
import { datapath } from './datapath.ts';
import { flat } from './flat.ts';
import type { Benchmark, Result } from './harness/benchmark.ts';
import { currentLoad, environmentLine, readEnvironment } from './harness/environment.ts';
import { formatResult } from './harness/print.ts';
import { memory } from './memory.ts';
import { onDemand } from './on-demand.ts';
import { pipeline } from './pipeline.ts';
import { reading } from './reading.ts';
import { ready } from './ready.ts';
import { scale } from './scale.ts';
import { sidecarMemory } from './sidecar-memory.ts';
import { simulator } from './simulator.ts';

const benchmarks: readonly Benchmark[] = [
  ready,
  reading,
  change,
  memory,
  sidecarMemory,
  datapath,
  pipeline,
  flat,
  simulator,
  analysis,
  core,
  scale,
  onDemand,
];

const USAGE = `npm run bench -- [NAME...] [--quick] [--json FILE]

Measures this machine with this Lateen, and prints what it measured. All benchmarks if none is named:
${benchmarks.map(({ name, summary }) => `  ${name.padEnd(14)} ${summary}`).join('\n')}

  --quick      fewer rounds and smaller sizes
  --json FILE  also write the numbers to FILE
${benchmarks.map(formatOptions).join('')}`;

function formatOptions({ name, options }: Benchmark): string {
  if (options === undefined) return '';
  const lines = Object.entries(options).map(
    ([option, { value, description }]) =>
      `  ${`--${option}${value === undefined ? '' : ` ${value}`}`.padEnd(13)}  ${description}\n`,
  );
  return `\nOnly for ${name}:\n${lines.join('')}`;
}

const INTERRUPTED = 130;

type Cleanup = () => Promise<void> | void;
const cleanups: Cleanup[] = [];

/** Exit code: 0, 1 when a benchmark could not be run, 2 when the command line makes no sense. */
async function main(): Promise<number> {
  const parsed = readArguments();
  if (parsed === undefined) return 2;
  const { names, quick, json, help, options } = parsed;
  if (help) {
    process.stdout.write(USAGE);
    return 0;
  }
  const chosen = names.length === 0 ? benchmarks : benchmarks.filter(({ name }) => names.includes(name));
  const environment = await readEnvironment();
  process.stdout.write(`${environmentLine(environment)}\n`);

  const results: Record<string, Result & { seconds: number; loadBefore: number }> = {};
  const failures: Record<string, string> = {};
  for (const benchmark of chosen) {
    const loadBefore = currentLoad();
    process.stdout.write(`\n${benchmark.name}: ${benchmark.summary} (load before: ${loadBefore})\n\n`);
    const startedAt = performance.now();
    try {
      const result = await benchmark.run({
        quick,
        options,
        say: (text) => process.stderr.write(`  ... ${text}\n`),
        defer: (cleanup) => cleanups.push(cleanup),
      });
      const seconds = Math.round((performance.now() - startedAt) / 100) / 10;
      results[benchmark.name] = { ...result, seconds, loadBefore };
      process.stdout.write(`${formatResult(result)}\n`);
    } catch (error) {
      if (interrupted) return INTERRUPTED;
      failures[benchmark.name] = isLateenError(error) ? formatError(error) : String((error as Error)?.stack ?? error);
      process.stderr.write(`${benchmark.name} could not be run: ${failures[benchmark.name]}\n`);
    } finally {
      await cleanUp();
    }
  }
  if (json !== undefined) {
    writeFileSync(json, `${JSON.stringify({ environment, quick, results, failures }, null, 2)}\n`);
  }
  return Object.keys(failures).length === 0 ? 0 : 1;
}

function readArguments() {
  const own = benchmarks.flatMap(({ options = {} }) => Object.entries(options));
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        quick: { type: 'boolean' },
        json: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
        ...Object.fromEntries(own.map(([option, { type }]) => [option, { type }])),
      },
    });
    const unknown = positionals.filter((name) => !benchmarks.some((benchmark) => benchmark.name === name));
    if (unknown.length > 0) throw new Error(`There is no benchmark ${unknown.join(', ')}.`);
    const { quick = false, json, help = false, ...options } = values;
    return { names: positionals, quick, json, help, options };
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n\n${USAGE}`);
    return undefined;
  }
}

async function cleanUp(): Promise<void> {
  for (let cleanup = cleanups.pop(); cleanup !== undefined; cleanup = cleanups.pop()) {
    try {
      await cleanup();
    } catch (error) {
      process.stderr.write(`cleaning up: ${(error as Error).message}\n`);
    }
  }
}

let interrupted = false;
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    if (interrupted) process.exit(INTERRUPTED);
    interrupted = true;
    process.stderr.write('Stopping; once more to leave everything as it is.\n');
    void cleanUp().finally(() => process.exit(INTERRUPTED));
  });
}

process.exitCode = await main();
