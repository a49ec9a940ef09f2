import { fork, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { LATEEN } from '../packages/mesh/test/e2e/mesh.ts';
import type { Benchmark, BenchmarkContext } from './harness/benchmark.ts';
import { cpuMsOf, memoryOf } from './harness/process-usage.ts';
import { median } from './harness/stats.ts';
import { writeMesh } from './reading/manifests.ts';
import type { ReadingReport } from './reading/measure.ts';

interface Start {
  readonly readyMs: number;
  readonly cpuMs: number | undefined;
  readonly rssMiB: number;
}

interface Measured extends ReadingReport {
  readonly services: number;
  readonly starts: readonly Start[];
}

export const reading: Benchmark = {
  name: 'reading',
  summary: '`lateen pilot` from a folder of manifests to ready, and one edit of a file, as the folder grows',
  async run(context) {
    const sizes = context.quick ? [100, 1_000] : [100, 1_000, 5_000, 10_000];
    const measured: Measured[] = [];
    for (const services of sizes) measured.push(await measureSize(services, context));
    const [base] = measured;
    const nameOf = ({ services }: Measured) => `${services.toLocaleString('en-US')} services`;
    const middle = (starts: readonly Start[], of: (start: Start) => number) => median(starts.map(of));
    return {
      tables: [
        {
          title: 'From the command to ready',
          of: 'mesh',
          columns: [
            { key: 'readyMs', heading: 'ready ms', digits: 0 },
            { key: 'cpuMs', heading: 'CPU ms', digits: 0 },
            { key: 'rssMiB', heading: 'RSS MiB', digits: 0 },
            { key: 'heapMiB', heading: 'heap MiB', digits: 0 },
          ],
          rows: measured.map((each) => ({
            name: nameOf(each),
            values: {
              readyMs: middle(each.starts, ({ readyMs }) => readyMs),
              cpuMs: middle(each.starts, ({ cpuMs }) => cpuMs ?? Number.NaN),
              rssMiB: middle(each.starts, ({ rssMiB }) => rssMiB),
              heapMiB: each.heapMiB,
            },
          })),
        },
        {
          title: 'One edit, from the file in its place to the object in force; and its CPU time with all that follows',
          of: 'mesh',
          columns: [
            { key: 'fileMs', heading: 'one file: ms' },
            { key: 'fileRatio', heading: 'against the first', digits: 2 },
            { key: 'fileCpuMs', heading: 'CPU ms' },
            { key: 'documentMs', heading: 'one document of many: ms' },
            { key: 'documentCpuMs', heading: 'CPU ms' },
          ],
          rows: measured.map((each) => ({
            name: nameOf(each),
            values: {
              fileMs: each.oneFile.inForceMs,
              fileRatio: each.oneFile.inForceMs / (base?.oneFile.inForceMs ?? Number.NaN),
              fileCpuMs: each.oneFile.cpuMs,
              documentMs: each.oneDocument.inForceMs,
              documentCpuMs: each.oneDocument.cpuMs,
            },
          })),
        },
      ],
      notes: [
        'Each service has two files: a ServiceEntry of five endpoints with a DestinationRule, and a VirtualService. ' +
          'The file of many documents has one ConfigMap for each service.',
        'No proxy is connected. An edit of a file should cost the same in every mesh; a file of many documents has to ' +
          'be read and split as a whole, but only the document that changed is parsed.',
      ],
    };
  },
};

async function measureSize(services: number, context: BenchmarkContext): Promise<Measured> {
  const folder = mkdtempSync(join(tmpdir(), 'lateen-bench-reading-'));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  context.defer(remove);
  writeMesh(folder, services);
  const count = context.quick || services > 1_000 ? 2 : 4;
  const starts: Start[] = [];
  for (let run = 0; run <= count; run++) {
    const start = await measureStart(folder, context);
    context.say(`${services} services, start ${run} of ${count}: ${Math.round(start.readyMs)} ms`);
    // The first one fills the caches of the compiler and of the file system.
    if (run > 0) starts.push(start);
  }
  const report = await measureChanges(folder, services, context);
  remove();
  return { services, starts, ...report };
}

async function measureStart(folder: string, context: BenchmarkContext): Promise<Start> {
  const startedAt = performance.now();
  const args = ['pilot', '--config', folder, '--xds-address', '127.0.0.1:0', '--plaintext', '--scoping', 'off'];
  const child = spawn(process.execPath, [LATEEN, ...args], { stdio: ['ignore', 'pipe', 'ignore'] });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  context.defer(() => void child.kill());
  for await (const line of createInterface({ input: child.stdout })) {
    if (!line.startsWith('Serving')) continue;
    const readyMs = performance.now() - startedAt;
    const pid = child.pid ?? 0;
    const start = { readyMs, cpuMs: cpuMsOf(pid), rssMiB: memoryOf(pid).rssMiB };
    child.kill();
    await ended;
    return start;
  }
  throw new Error('lateen pilot ended before it served');
}

function measureChanges(folder: string, services: number, context: BenchmarkContext): Promise<ReadingReport> {
  const changes = context.quick ? 5 : 15;
  const child = fork(join(import.meta.dirname, 'reading/measure.ts'), [folder, services, changes].map(String), {
    execArgv: ['--expose-gc'],
  });
  context.defer(() => void child.kill());
  return new Promise((resolve, reject) => {
    child.once('message', (report: ReadingReport) => resolve(report));
    child.once('error', reject);
    child.once('exit', (code, signal) => reject(new Error(`the measurement ended with ${signal ?? `code ${code}`}`)));
  });
}
