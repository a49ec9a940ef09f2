import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { ENVOY_VERSION } from './release.ts';

/** `$LATEEN_CACHE`, else `$XDG_CACHE_HOME/lateen`, else `~/.cache/lateen`. */
export function cacheFolder(env: NodeJS.ProcessEnv): string {
  if (env.LATEEN_CACHE) return env.LATEEN_CACHE;
  if (env.XDG_CACHE_HOME) return join(env.XDG_CACHE_HOME, 'lateen');
  return join(env.HOME || homedir(), '.cache', 'lateen');
}

/** The folder of one fetched Envoy: the binary and its record. */
export function releaseFolder(cache: string, platform: string): string {
  return join(cache, 'envoy', `${ENVOY_VERSION}-${platform}`);
}

/** What a file looked like when it was verified; a file that still looks so is not verified again. */
export interface FileLook {
  sizeBytes: number;
  mtimeMs: number;
}

/** Beside the binary, in `envoy.json`. */
export interface ReleaseRecord extends FileLook {
  version: string;
  sha256: string;
}

export async function lookOf(path: string): Promise<FileLook> {
  const { size, mtimeMs } = await stat(path);
  return { sizeBytes: size, mtimeMs };
}

function looksSame(a: FileLook, b: FileLook): boolean {
  return a.sizeBytes === b.sizeBytes && a.mtimeMs === b.mtimeMs;
}

export async function sha256OfFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), hash);
  return hash.digest('hex');
}

/** The fetched binary when it is the one that was unpacked, by look or else by hash; undefined when absent or changed. */
export async function cachedRelease(folder: string): Promise<{ path: string; version: string } | undefined> {
  const path = join(folder, 'envoy');
  const recordPath = join(folder, 'envoy.json');
  const record = await readJson<ReleaseRecord>(recordPath);
  const look = await lookOf(path).catch(() => undefined);
  if (record === undefined || look === undefined) return undefined;
  if (!looksSame(record, look)) {
    if ((await sha256OfFile(path)) !== record.sha256) return undefined;
    await writeJsonQuietly(recordPath, { ...record, ...look });
  }
  return { path, version: record.version };
}

const MAX_REMEMBERED = 16;

interface Verified extends FileLook {
  path: string;
  version: string;
}

/** The version of a binary outside our cache, when it was asked before and looks the same since. */
export async function rememberedVersion(cache: string, path: string): Promise<string | undefined> {
  const look = await lookOf(path).catch(() => undefined);
  if (look === undefined) return undefined;
  const entry = (await readVerified(cache)).find((each) => each.path === path && looksSame(each, look));
  return entry?.version;
}

/** Remembering is a matter of speed only: a cache that cannot be written is no error. */
export async function rememberVersion(cache: string, path: string, version: string): Promise<void> {
  const look = await lookOf(path);
  const others = (await readVerified(cache)).filter((each) => each.path !== path);
  const entries: Verified[] = [{ path, version, ...look }, ...others].slice(0, MAX_REMEMBERED);
  await writeJsonQuietly(verifiedPath(cache), entries);
}

function verifiedPath(cache: string): string {
  return join(cache, 'envoy', 'verified.json');
}

async function readVerified(cache: string): Promise<Verified[]> {
  const entries = await readJson<Verified[]>(verifiedPath(cache));
  return Array.isArray(entries) ? entries.filter((each) => typeof each?.path === 'string') : [];
}

/** Undefined for a missing file and for one that is no JSON object: both mean that we know nothing. */
async function readJson<T extends object>(path: string): Promise<T | undefined> {
  try {
    const value: unknown = JSON.parse(await readFile(path, 'utf8'));
    return typeof value === 'object' && value !== null ? (value as T) : undefined;
  } catch {
    return undefined;
  }
}

async function writeJsonQuietly(path: string, value: object): Promise<void> {
  const temporary = `${path}.${process.pid}`;
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    await writeFile(temporary, JSON.stringify(value), { mode: 0o600 });
    await rename(temporary, path);
  } catch {
    await rm(temporary, { force: true }).catch(() => undefined);
  }
}
