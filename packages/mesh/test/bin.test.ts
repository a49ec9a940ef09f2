import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

/** Says what it was given, waits when told to, and reports signals by its exit code. */
const MAIN = `
const [command, code] = process.argv.slice(2);
if (command === 'wait') {
  const timer = setInterval(() => undefined, 1000);
  process.on('SIGTERM', () => { clearInterval(timer); process.exitCode = 41; });
  process.on('SIGINT', () => { clearInterval(timer); process.exitCode = 42; });
}
console.log(JSON.stringify({ args: process.argv.slice(2), version: process.versions.node }));
if (command === 'exit') process.exit(Number(code));
if (command === 'die') process.kill(process.pid, 'SIGKILL');
`;

let folder: string;
let bin: string;
let children: ChildProcess[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lateen-bin-'));
  children = [];
  bin = join(folder, 'packages/mesh/bin/lateen.mjs');
  await mkdir(join(folder, 'packages/mesh/src/cli'), { recursive: true });
  await cp(join(import.meta.dirname, '../bin/lateen.mjs'), bin);
  await writeFile(join(folder, 'packages/mesh/src/cli/main.ts'), MAIN);
  const api = join(folder, 'node_modules/@lateen/envoy-api');
  await mkdir(api, { recursive: true });
  await writeFile(join(api, 'package.json'), '{"name":"@lateen/envoy-api","exports":{"./*":"./gen/*"}}');
  await mkdir(join(api, 'gen'));
  await writeFile(join(api, 'gen/stamp.json'), '{}');
  await mkdir(join(folder, 'node_modules/.bin'));
  await symlink(process.execPath, join(folder, 'node_modules/.bin/node'));
});

afterEach(async () => {
  for (const child of children) child.kill('SIGKILL');
  await rm(folder, { recursive: true, force: true });
});

const asOldNode = ['Object.defineProperty(process.versions,"node",{value:"20.19.0"})', 'delete process.execve'];

function start(nodeOptions: readonly string[], ...args: string[]): ChildProcess {
  const preload = nodeOptions.length === 0 ? [] : ['--import', `data:text/javascript,${nodeOptions.join(';')}`];
  const child = spawn(process.execPath, [...preload, bin, ...args], {
    env: { PATH: process.env.PATH, LATEEN_CACHE: join(folder, 'cache') },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  children.push(child);
  return child;
}

async function outcome(child: ChildProcess) {
  let stdout = '';
  let stderr = '';
  child.stdout?.on('data', (chunk) => {
    stdout += chunk;
  });
  child.stderr?.on('data', (chunk) => {
    stderr += chunk;
  });
  const [code, signal] = await once(child, 'close');
  return { code, signal, stdout, stderr };
}

describe.each([
  ['the running Node', []],
  ['the pinned Node, when the running one is old', asOldNode],
  ['the pinned Node by execve', asOldNode.slice(0, 1)],
])('%s', (_name, preload) => {
  test('runs the program with its arguments, from whatever link it was started', async () => {
    const link = join(folder, 'node_modules/.bin/lateen');
    await symlink(bin, link);
    bin = link;
    const { code, stdout } = await outcome(start(preload, 'status', '-o', 'a b'));
    expect(JSON.parse(stdout)).toEqual({ args: ['status', '-o', 'a b'], version: process.versions.node });
    expect(code).toBe(0);
  });

  test('gives its exit code and its death by signal', async () => {
    expect(await outcome(start(preload, 'exit', '7'))).toMatchObject({ code: 7, signal: null });
    expect(await outcome(start(preload, 'die'))).toMatchObject({ code: null, signal: 'SIGKILL' });
  });

  test.each([
    ['SIGTERM', 41],
    ['SIGINT', 42],
  ] as const)('passes %s on', async (signal, expected) => {
    const child = start(preload, 'wait');
    await once(child.stdout as NonNullable<typeof child.stdout>, 'data');
    child.kill(signal);
    expect(await once(child, 'close')).toEqual([expected, null]);
  });
});

test('without generated types it says what to run', async () => {
  await rm(join(folder, 'node_modules/@lateen/envoy-api/gen'), { recursive: true });
  const { code, stderr } = await outcome(start([], 'status'));
  expect(code).toBe(1);
  expect(stderr).toBe(
    `lateen: LAT0944: the types of Envoy's API are not generated yet; run "npm run setup" in the repository first.\n`,
  );
});

test('with an old Node and no pinned one it says what to run', async () => {
  await rm(join(folder, 'node_modules/.bin/node'));
  const none = await outcome(start(asOldNode, 'status'));
  expect(none.code).toBe(1);
  expect(none.stderr).toMatch(/LAT0942: this is Node 20\.19\.0, .* run "npm run setup"/);

  await writeFile(join(folder, 'node_modules/.bin/node'), 'no program');
  await chmod(join(folder, 'node_modules/.bin/node'), 0o600);
  const broken = await outcome(start(asOldNode, 'status'));
  expect(broken.code).toBe(1);
  expect(broken.stderr).toMatch(/LAT0942: .*node does not start: .*EACCES/);
});
