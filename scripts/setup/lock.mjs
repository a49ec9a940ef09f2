// One set-up at a time in one checkout: npm ci must not run twice in the same node_modules.
import { createHash } from 'node:crypto';
import { linkSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const BEAT_MS = 1_000;
const STALE_MS = 20_000;
const POLL_MS = 100;

/** Runs `work` while holding the lock of `root`. The holder touches the lock file; an untouched one is abandoned. */
export async function withLock(root, work, onWait, { folder = tmpdir() } = {}) {
  const path = lockPath(root, folder);
  let waited = false;
  while (!tryTake(path)) {
    const holder = abandonedOrHolder(path);
    if (holder !== undefined && !waited) {
      waited = true;
      onWait(holder);
    }
    await delay(POLL_MS);
  }
  // After a machine was suspended for longer than STALE_MS, the lock may be somebody else's, or gone.
  const beat = setInterval(() => {
    if (isOurs(path)) touch(path);
  }, BEAT_MS);
  const release = () => {
    if (isOurs(path)) rmSync(path, { force: true });
  };
  process.once('exit', release);
  try {
    return await work();
  } finally {
    clearInterval(beat);
    process.removeListener('exit', release);
    release();
  }
}

/** Outside the checkout: a lock that is left over must not show up as a change, nor go away with node_modules. */
export function lockPath(root, folder = tmpdir()) {
  const hash = createHash('sha256').update(root).digest('hex').slice(0, 16);
  return join(folder, `lateen-setup-${userInfo().uid}-${hash}.lock`);
}

function tryTake(path) {
  try {
    writeFileSync(path, String(process.pid), { flag: 'wx', mode: 0o600 });
    return true;
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw error;
  }
}

function isOurs(path) {
  try {
    return readFileSync(path, 'utf8') === String(process.pid);
  } catch {
    return false;
  }
}

function touch(path) {
  const now = new Date();
  try {
    utimesSync(path, now, now);
  } catch (error) {
    if (error.code !== 'ENOENT') throw error;
  }
}

/** The holder's process id; undefined when the lock is gone, or was abandoned and is removed now. */
function abandonedOrHolder(path) {
  try {
    const holder = readFileSync(path, 'utf8');
    if (isAlive(Number(holder)) && Date.now() - statSync(path).mtimeMs < STALE_MS) return holder;
    // Only one of several waiters can move it away; whoever moved a new lock by mistake puts it back.
    const aside = `${path}.${process.pid}`;
    renameSync(path, aside);
    if (readFileSync(aside, 'utf8') !== holder) linkSync(aside, path);
    rmSync(aside, { force: true });
  } catch (error) {
    if (error.code !== 'ENOENT' && error.code !== 'EEXIST') throw error;
  }
  return undefined;
}

function isAlive(pid) {
  // Empty while the holder is writing it.
  if (!Number.isInteger(pid) || pid <= 0) return true;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}
