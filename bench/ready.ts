import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { LATEEN, Sandbox } from '../packages/mesh/test/e2e/mesh.ts';
import type { Benchmark } from './harness/benchmark.ts';
import { median } from './harness/stats.ts';

const GOAL_MS = 3_000;
const SERVICES = 6;

/** Milliseconds since the command was started. */
interface Stages {
  /** The supervisor runs and says what it does. */
  readonly first: number;
  readonly controlPlane: number;
  /** The last sidecar has its configuration and its certificate, so the last application is started. */
  readonly sidecars: number;
  readonly applications: number;
  /** The command has printed the status, and has ended. */
  readonly ready: number;
}

export const ready: Benchmark = {
  name: 'ready',
  summary: 'from `lateen up` to a ready Bookinfo: 6 workloads with their sidecars, a gateway, a new CA',
  async run({ quick, say, defer }) {
    const runs: Stages[] = [];
    const count = quick ? 2 : 6;
    for (let run = 0; run < count; run++) {
      const sandbox = new Sandbox();
      let isClosed = false;
      const close = async () => {
        if (!isClosed) await sandbox.close();
        isClosed = true;
      };
      defer(close);
      const stages = await startMesh(sandbox);
      say(`run ${run + 1} of ${count}: ${Math.round(stages.ready)} ms`);
      runs.push(stages);
      await close();
    }
    const row = (name: string, of: (stages: Stages) => number) => {
      const values = runs.map(of);
      return {
        name,
        values: { medianMs: median(values), minMs: Math.min(...values), maxMs: Math.max(...values) },
      };
    };
    return {
      tables: [
        {
          title: `${count} starts with --detach, each with a state directory of its own`,
          of: 'part',
          columns: [
            { key: 'medianMs', heading: 'median ms', digits: 0 },
            { key: 'minMs', heading: 'min', digits: 0 },
            { key: 'maxMs', heading: 'max', digits: 0 },
          ],
          rows: [
            row('command and supervisor start', ({ first }) => first),
            row('+ control plane runs', ({ first, controlPlane }) => controlPlane - first),
            row('+ sidecars have configuration', ({ controlPlane, sidecars }) => sidecars - controlPlane),
            row('+ applications are ready', ({ sidecars, applications }) => applications - sidecars),
            row('+ status is printed', ({ applications, ready: end }) => end - applications),
            row('all: ready', ({ ready: end }) => end),
          ],
        },
      ],
      goals: [
        {
          what: 'ready, median',
          unit: 'ms',
          measured: median(runs.map(({ ready: end }) => end)),
          goal: GOAL_MS,
        },
      ],
      notes: ['Everything is installed; processes start cold. Only the first may have to read files from the disk.'],
    };
  },
};

function startMesh(sandbox: Sandbox): Promise<Stages> {
  const startedAt = performance.now();
  const sinceStart = () => performance.now() - startedAt;
  const child = spawn(process.execPath, [LATEEN, 'up', sandbox.dir, '--detach', '-o', 'json'], {
    env: sandbox.env,
    cwd: sandbox.home,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const said: string[] = [];
  let first: number | undefined;
  let controlPlane: number | undefined;
  let sidecars: number | undefined;
  let applications: number | undefined;
  let started = 0;
  let finished = 0;
  // What `up` writes where there is no terminal: a line for each event.
  createInterface({ input: child.stderr }).on('line', (line) => {
    said.push(line);
    first ??= sinceStart();
    if (/^control plane runs/.test(line)) controlPlane ??= sinceStart();
    else if (/^\S+-v\d-0: starting$/.test(line) && ++started === SERVICES) sidecars = sinceStart();
    else if (/^\S+-v\d-0: ready$/.test(line) && ++finished === SERVICES) applications = sinceStart();
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      const end = sinceStart();
      if (code !== 0) {
        reject(new Error(`lateen up ended with code ${code}:\n${said.slice(-10).join('\n')}`));
      } else if (
        first === undefined ||
        controlPlane === undefined ||
        sidecars === undefined ||
        applications === undefined
      ) {
        reject(new Error(`lateen up did not say when its parts were ready:\n${said.join('\n')}`));
      } else {
        resolve({ first, controlPlane, sidecars, applications, ready: end });
      }
    });
  });
}
