import { spawn } from 'node:child_process';
import { existsSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { hasLiveGroup, isSameProcess, processStartTime } from './process-identity.ts';
import { cleanUpLeftovers, ProcessTable, signalGroup } from './process-table.ts';
import { temporaryDirectory } from './testing/temporary-directory.ts';
import { waitUntil } from './testing/wait-until.ts';

/** A process group whose leader runs `script`; resolves once it has printed a line. */
async function group(script: string): Promise<{ pid: number; line: string }> {
  const child = spawn(process.execPath, ['-e', script], { detached: true, stdio: ['ignore', 'pipe', 'inherit'] });
  const pid = child.pid ?? 0;
  onTestFinished(() => void signalGroup(pid, 'SIGKILL'));
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  await waitUntil('the process printed a line', () => text.includes('\n'));
  return { pid, line: text.trim() };
}

const STAYS = 'setInterval(() => {}, 1000); console.log("up");';
const STUBBORN = `process.on("SIGTERM", () => {}); ${STAYS}`;
const tidiesUp = (note: string) =>
  `process.on("SIGTERM", () => { require("node:fs").writeFileSync(${JSON.stringify(note)}, ""); process.exit(); });`;
const fail = (error: unknown) => {
  throw error;
};

test('a start time belongs to one process only', async () => {
  const { pid } = await group(STAYS);
  const startTime = processStartTime(pid);
  expect(startTime).toBeTruthy();
  expect(processStartTime(process.pid)).not.toBe(null);
  expect(isSameProcess(pid, startTime ?? '')).toBe(true);
  expect(isSameProcess(pid, `${startTime}0`)).toBe(false);
  signalGroup(pid, 'SIGKILL');
  await waitUntil('it is gone', () => processStartTime(pid) === null);
  expect(processStartTime(-1)).toBe(null);
  expect(processStartTime(0)).toBe(null);
});

test('ends leftovers, also those that ignore SIGTERM, and leaves others alone', async () => {
  const runDir = temporaryDirectory();
  const [polite, stubborn, other] = await Promise.all([group(STAYS), group(STUBBORN), group(STAYS)]);
  const table = new ProcessTable(runDir, fail);
  table.add(polite.pid, 'container', 'polite');
  table.add(stubborn.pid, 'envoy', 'stubborn');
  table.add(other.pid, 'container', 'other');
  const file = join(runDir, 'processes.json');
  expect(statSync(file).mode & 0o777).toBe(0o600);
  // As if `other` had ended and its number were in use again.
  const records = JSON.parse(readFileSync(file, 'utf8')) as { pid: number; startTime: string }[];
  for (const record of records) if (record.pid === other.pid) record.startTime = 'boot:1';
  writeFileSync(file, JSON.stringify(records));

  expect(await cleanUpLeftovers(runDir, { graceMs: 100 })).toEqual({ ended: 2 });
  expect(processStartTime(polite.pid)).toBe(null);
  expect(processStartTime(stubborn.pid)).toBe(null);
  expect(processStartTime(other.pid)).not.toBe(null);
  expect(existsSync(file)).toBe(false);
  expect(await cleanUpLeftovers(runDir)).toEqual({ ended: 0 });
});

test('ends the children of a leader that has died', async () => {
  const runDir = temporaryDirectory();
  const { pid, line } = await group(`
    const child = require("node:child_process").spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"]);
    console.log(child.pid);
    setInterval(() => {}, 1000);
  `);
  const childPid = Number(line);
  const table = new ProcessTable(runDir, fail);
  table.add(pid, 'container', 'leader');
  const startTime = processStartTime(pid) ?? '';
  process.kill(pid, 'SIGKILL');
  await waitUntil('the leader is gone', () => processStartTime(pid) === null);
  expect(processStartTime(childPid)).not.toBe(null);
  expect(hasLiveGroup(pid, startTime)).toBe(process.platform === 'linux');
  if (process.platform !== 'linux') return;
  expect(await cleanUpLeftovers(runDir, { graceMs: 100 })).toEqual({ ended: 1 });
  expect(processStartTime(childPid)).toBe(null);
});

test('leftovers may put their things in order before they end', async () => {
  const runDir = temporaryDirectory();
  const note = join(runDir, 'tidied-up');
  const { pid } = await group(`${tidiesUp(note)} ${STAYS}`);
  new ProcessTable(runDir, fail).add(pid, 'container', 'polite');
  expect(await cleanUpLeftovers(runDir, { graceMs: 10_000 })).toEqual({ ended: 1 });
  expect(existsSync(note)).toBe(true);
});

// Elsewhere the children of a dead leader are not found.
test.runIf(process.platform === 'linux')(
  'what a dead leader left behind is not asked: nobody waits for it',
  async () => {
    const runDir = temporaryDirectory();
    const note = join(runDir, 'tidied-up');
    const child = `${tidiesUp(note)} ${STAYS}`;
    const { pid } = await group(`
    require("node:child_process").spawn(process.execPath, ["-e", ${JSON.stringify(child)}], { stdio: "inherit" });
    setInterval(() => {}, 1000);
  `);
    new ProcessTable(runDir, fail).add(pid, 'container', 'leader');
    process.kill(pid, 'SIGKILL');
    await waitUntil('the leader is gone', () => processStartTime(pid) === null);
    expect(await cleanUpLeftovers(runDir, { graceMs: 10_000 })).toEqual({ ended: 1 });
    expect(existsSync(note)).toBe(false);
  },
);

test('a process that ended is no longer in the table', async () => {
  const runDir = temporaryDirectory();
  const { pid } = await group(STAYS);
  const table = new ProcessTable(runDir, fail);
  table.add(pid, 'envoy', 'one');
  expect(table.records()).toMatchObject([{ pid, kind: 'envoy', name: 'one' }]);
  table.remove(pid);
  expect(table.records()).toEqual([]);
  expect(JSON.parse(readFileSync(join(runDir, 'processes.json'), 'utf8'))).toEqual([]);
});

test.each(['', '{', '[]', '{"pid": 1}', '[{"pid": -1, "startTime": "x", "kind": "envoy", "name": "x"}]', '[null]'])(
  'a table that reads %s ends nothing',
  async (text) => {
    const runDir = temporaryDirectory();
    writeFileSync(join(runDir, 'processes.json'), text);
    expect(await cleanUpLeftovers(runDir)).toEqual({ ended: 0 });
  },
);

test('a full disk is reported and stops nothing', async () => {
  const errors: unknown[] = [];
  const table = new ProcessTable(join(temporaryDirectory(), 'missing'), (error) => errors.push(error));
  table.add(process.pid, 'container', 'self');
  expect(errors).toMatchObject([{ code: 'LAT0302' }]);
  expect(table.records()).toHaveLength(1);
});

// A link to /dev/full makes a full disk out of the file that is written first.
test.runIf(existsSync('/dev/full'))('a full disk is called that, until a write works again', () => {
  const runDir = temporaryDirectory();
  const problems: unknown[] = [];
  const table = new ProcessTable(runDir, (problem) => problems.push(problem));
  symlinkSync('/dev/full', join(runDir, 'processes.json.new'));
  table.add(process.pid, 'container', 'self');
  expect(problems).toMatchObject([{ code: 'LAT0303', message: expect.stringContaining('the disk is full') }]);
  table.remove(process.pid);
  expect(problems).toEqual([expect.anything(), undefined]);
  table.add(process.pid, 'container', 'self');
  expect(problems).toHaveLength(2);
});

test('never signals everything, or its own group', () => {
  for (const pid of [0, 1, -1, Number.NaN, 1.5]) expect(signalGroup(pid, 'SIGTERM')).toBe(false);
});
