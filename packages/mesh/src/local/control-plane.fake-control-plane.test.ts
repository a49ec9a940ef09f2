import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test, vi } from 'vitest';
import type { InstanceReport } from '#pilot/registry/processes/link.ts';
import { ControlPlane, type ControlPlaneState } from './control-plane.ts';
import { processStartTime } from './process-identity.ts';
import { ProcessTable } from './process-table.ts';
import { temporaryDirectory } from './testing/temporary-directory.ts';
import { waitUntil } from './testing/wait-until.ts';

const module = fileURLToPath(new URL('./testing/fake-control-plane.mjs', import.meta.url));
const report = (name: string) => ({ instance: { name } }) as unknown as InstanceReport;

type Seen = { readonly pid: number; readonly type: string; readonly seq?: number; readonly reports?: InstanceReport[] };

/** `steps` say what each process does, one after the other; those after the last one serve. */
function make(steps: readonly string[]) {
  const dir = temporaryDirectory();
  mkdirSync(join(dir, 'run'));
  const stepFile = join(dir, 'steps.json');
  writeFileSync(stepFile, JSON.stringify(steps));
  vi.stubEnv('FAKE_CONTROL_PLANE', stepFile);
  onTestFinished(() => void vi.unstubAllEnvs());
  const table = new ProcessTable(join(dir, 'run'), () => {});
  const states: ControlPlaneState[] = [];
  const plane = new ControlPlane({
    module,
    start: {
      mesh: 'test',
      dir,
      files: [],
      stateDir: dir,
      adminPort: 19_000,
      xdsSocket: '',
      csrSocket: '',
      adminToken: 'secret',
      supervisorPid: process.pid,
    },
    logPath: join(dir, 'logs', 'control-plane.log'),
    table,
    onState: (state) => states.push(state),
    onBootstrapPatches: () => {},
    onManifests: () => {},
    onProxies: () => {},
    onDiagnostics: () => {},
    onNotice: () => {},
    onSettled: () => {},
  });
  onTestFinished(() => plane.stop(100));
  const running = () =>
    waitUntil('it runs', () =>
      plane.state.kind === 'running' && processStartTime(plane.state.pid) ? plane.state : null,
    );
  const seen = (): Seen[] => {
    try {
      const lines = readFileSync(`${stepFile}.seen`, 'utf8').trimEnd().split('\n');
      return lines.map((line) => JSON.parse(line) as Seen);
    } catch {
      return [];
    }
  };
  return { plane, states, table, running, seen };
}

test('a process that was killed is replaced at once, and is told everything again', async () => {
  const { plane, states, table, running, seen } = make([]);
  plane.start();
  const first = await running();
  expect(first.admin).toBe('http://localhost:19000');
  const seq = plane.report([report('a')]);
  await plane.settled(seq, 5000);
  process.kill(first.pid, 'SIGKILL');
  const second = await waitUntil('another one runs', () =>
    plane.state.kind === 'running' && plane.state.pid !== first.pid ? plane.state : null,
  );
  await waitUntil('it was told', () => seen().filter(({ pid }) => pid === second.pid).length === 3);
  const told = seen().filter(({ pid }) => pid === second.pid);
  expect(told.map(({ type }) => type)).toEqual(['start', 'instances', 'problems']);
  expect(told[1]?.reports).toEqual([report('a')]);
  expect(told[1]?.seq).toBeGreaterThan(seq);
  expect(states.find((state) => state.kind === 'back-off')).toMatchObject({
    delayMs: 0,
    message: 'The control plane was ended by SIGKILL.',
  });
  expect(table.records().map(({ pid }) => pid)).toEqual([second.pid]);
});

test('one that fails again and again is tried ever more slowly, with its last words', async () => {
  const { plane, states, running } = make(['crash', 'crash', 'crash']);
  plane.start();
  await running();
  expect(states.filter((state) => state.kind === 'back-off')).toEqual(
    [0, 100, 200].map((delayMs) => ({
      kind: 'back-off',
      delayMs,
      message: 'The control plane exited with code 3.\nsomething is broken',
    })),
  );
});

test('one that ran for a while is replaced at once again', async () => {
  const now = performance.now.bind(performance);
  let laterMs = 0;
  vi.spyOn(performance, 'now').mockImplementation(() => now() + laterMs);
  onTestFinished(() => void vi.restoreAllMocks());
  const { plane, states, running } = make(['crash', 'crash']);
  const breaks = () => states.flatMap((state) => (state.kind === 'back-off' ? state.delayMs : []));
  plane.start();
  const { pid } = await running();
  laterMs = 10_000;
  process.kill(pid, 'SIGKILL');
  await waitUntil('it ended', () => breaks().length === 3);
  expect(breaks()).toEqual([0, 100, 0]);
});

test('one that says it cannot go on is not tried again', async () => {
  const { plane, states } = make(['fatal']);
  plane.start();
  await waitUntil('it failed', () => plane.state.kind === 'failed');
  expect(plane.state).toMatchObject({
    error: { code: 'LAT0401', message: 'the key is damaged', remedy: 'Restore it.' },
  });
  await plane.settled(plane.report([]), 60_000);
  await plane.stop(1000);
  expect(states.map(({ kind }) => kind)).not.toContain('back-off');
});

test('one that cannot be reached any more is replaced', async () => {
  const { plane, running } = make(['disconnect']);
  plane.start();
  await running();
  expect(plane.state.kind).toBe('running');
});

test('waiting for an acknowledgement ends with it, with a later one, or after the time', async () => {
  const { plane, running } = make(['silent']);
  plane.start();
  const { pid } = await running();
  const seq = plane.report([report('a')]);
  await plane.settled(seq, 20);
  const waiting = plane.settled(seq, 60_000);
  // The next process answers a message with a higher number, which knows of this one.
  process.kill(pid, 'SIGKILL');
  await waiting;
});

test('one that does not stop when asked is made to', async () => {
  const { plane, running, table } = make(['stubborn']);
  plane.start();
  const { pid } = await running();
  await plane.stop(100);
  expect(processStartTime(pid)).toBe(null);
  expect(plane.state.kind).toBe('stopped');
  expect(table.records()).toEqual([]);
});
