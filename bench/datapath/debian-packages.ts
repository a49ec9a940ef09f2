import { execFile } from 'node:child_process';
import { constants } from 'node:fs';
import { access, mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { delimiter, isAbsolute, join } from 'node:path';
import { promisify } from 'node:util';
import { cacheFolder, sha256OfFile } from '../../packages/mesh/src/agent/envoy/cache.ts';

const run = promisify(execFile);
const TIMEOUT_MS = 60_000;

export interface Installed {
  readonly path: string;
  /** As it says itself. */
  readonly version: string;
  /** In addition to that of this process. */
  readonly env: Readonly<Record<string, string>>;
}

/** A program, and the packages that it needs beside those that are on every Debian. */
interface Program {
  readonly name: 'nginx' | 'haproxy';
  readonly binary: string;
  readonly packages: readonly { readonly name: string; readonly version: string; readonly sha256: string }[];
}

/** Debian 12, amd64. */
const PROGRAMS: readonly Program[] = [
  {
    name: 'nginx',
    binary: 'usr/sbin/nginx',
    packages: [
      {
        name: 'nginx',
        version: '1.22.1-9+deb12u11',
        sha256: '4e2778e675c07d0f2d8d3b6f5ff84f6483ade1d82c21c910eb9a2787e1cf1b1a',
      },
    ],
  },
  {
    name: 'haproxy',
    binary: 'usr/sbin/haproxy',
    packages: [
      {
        name: 'haproxy',
        version: '2.6.12-1+deb12u4',
        sha256: '97ca097d12b43fc5cb1b17aa5e84957735ef312a2e02cf8a99512fa1abe8a955',
      },
      {
        name: 'liblua5.3-0',
        version: '5.3.6-2',
        sha256: '576ad8ef2e9f6ad21f29f0c90dac17448deefee8f3912877c2a0911b77e5d3ca',
      },
      {
        name: 'libopentracing-c-wrapper0',
        version: '1.1.3-3+b1',
        sha256: '68013bf6296a776923622c871bed26bc7b6bfe5f84b0fa2707a06382d1db2692',
      },
      {
        name: 'libopentracing1',
        version: '1.6.0-4',
        sha256: 'af62b62a99979253a79e3443f7dabe13f1f33bc2fc024f99039e3868a67f26f4',
      },
    ],
  },
];

/**
 * The program on the PATH; else from our cache; else apt fetches its packages, whose hashes are checked, and they are
 * unpacked into the cache: nothing is installed. A text says why there is none.
 */
export async function findProgram(name: Program['name']): Promise<Installed | string> {
  const program = PROGRAMS.find((each) => each.name === name) as Program;
  const onPath = await searchPath(name);
  if (onPath !== undefined) return described(program, onPath, {});
  if (process.platform !== 'linux' || process.arch !== 'x64') return `there is no ${name} on the PATH`;
  const folder = join(cacheFolder(process.env), 'bench', `${name}-${program.packages[0]?.version}`);
  const path = join(folder, program.binary);
  if (!(await isExecutable(path))) {
    try {
      await fetchProgram(program, folder);
    } catch (error) {
      const reason = String((error as Error).message)
        .trim()
        .split('\n')
        .at(-1);
      return `there is no ${name} on the PATH, and apt-get could not fetch it (${reason})`;
    }
  }
  return described(program, path, { LD_LIBRARY_PATH: join(folder, 'usr/lib/x86_64-linux-gnu') });
}

async function fetchProgram({ packages }: Program, folder: string): Promise<void> {
  const parent = join(folder, '..');
  await mkdir(parent, { recursive: true, mode: 0o700 });
  const work = await mkdtemp(join(parent, 'fetch-'));
  try {
    const wanted = packages.map(({ name, version }) => `${name}=${version}`);
    await run('apt-get', ['download', '-q', ...wanted], { cwd: work, timeout: TIMEOUT_MS });
    const files = await readdir(work);
    for (const { name, sha256 } of packages) {
      const file = files.find((each) => each.startsWith(`${name}_`));
      if (file === undefined) throw new Error(`apt-get left no file of ${name}`);
      if ((await sha256OfFile(join(work, file))) !== sha256) throw new Error(`${file} has the wrong hash`);
    }
    const unpacked = join(work, 'unpacked');
    for (const file of files) await run('dpkg-deb', ['-x', join(work, file), unpacked], { timeout: TIMEOUT_MS });
    await rename(unpacked, folder);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function described({ name }: Program, path: string, env: Installed['env']): Promise<Installed | string> {
  const { stdout, stderr } = await run(path, ['-v'], { env: { ...process.env, ...env } }).catch((error) => ({
    stdout: '',
    stderr: String(error),
  }));
  const version = /\d+\.\d+\.\d+/.exec(stdout + stderr)?.[0];
  return version === undefined ? `${path} does not run here` : { path, version: `${name} ${version}`, env };
}

async function searchPath(name: string): Promise<string | undefined> {
  for (const folder of [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin']) {
    if (isAbsolute(folder) && (await isExecutable(join(folder, name)))) return join(folder, name);
  }
  return undefined;
}

async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}
