import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync } from 'node:fs';

/**
 * A process ID is used again after its process has ended, so everything that remembers one remembers the start time
 * with it. The text is only good for comparing. Null if there is no such process, or it is dead and only not yet
 * collected by its parent.
 */
export function processStartTime(pid: number): string | null {
  if (!Number.isInteger(pid) || pid <= 0) return null;
  return process.platform === 'linux' ? linuxStartTime(pid) : psStartTime(pid);
}

export function isSameProcess(pid: number, startTime: string): boolean {
  return processStartTime(pid) === startTime;
}

/** Live members of a process group that `pid` leads or led, if the group is surely the one that was started then. */
export function hasLiveGroup(pid: number, startTime: string): boolean {
  if (isSameProcess(pid, startTime)) return true;
  if (process.platform !== 'linux') return false;
  const [boot, started] = startTime.split(':');
  if (boot !== bootId() || started === undefined) return false;
  // The leader is gone. Its number names the group and the session for as long as a member lives.
  const uid = process.getuid?.();
  return groupStats(pid).some((stat) => {
    if (stat.session !== pid || stat.pid === pid || stat.startTicks < BigInt(started)) return false;
    try {
      return statSync(`/proc/${stat.pid}`).uid === uid;
    } catch {
      return false;
    }
  });
}

/** Live processes of a process group. Linux only: elsewhere there are none to be found. */
export function groupMembers(group: number): number[] {
  if (process.platform !== 'linux') return [];
  return groupStats(group).map(({ pid }) => pid);
}

function groupStats(group: number): Stat[] {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .map((entry) => readStat(Number(entry)))
    .filter((stat) => stat !== null)
    .filter((stat) => stat.group === group && stat.state !== 'Z');
}

function linuxStartTime(pid: number): string | null {
  const stat = readStat(pid);
  return stat === null || stat.state === 'Z' || stat.state === 'X' ? null : `${bootId()}:${stat.startTicks}`;
}

interface Stat {
  readonly pid: number;
  readonly state: string;
  readonly group: number;
  readonly session: number;
  /** Clock ticks since the machine started. */
  readonly startTicks: bigint;
}

/** proc_pid_stat(5): the command's name stands in parentheses and may hold spaces and parentheses itself. */
function readStat(pid: number): Stat | null {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return null;
  }
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return {
    pid,
    state: fields[0] ?? '',
    group: Number(fields[2]),
    session: Number(fields[3]),
    startTicks: BigInt(fields[19] ?? '0'),
  };
}

let cachedBootId: string | undefined;

/** Start times count from the boot, so they say nothing across one. */
function bootId(): string {
  cachedBootId ??= readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  return cachedBootId;
}

function psStartTime(pid: number): string | null {
  try {
    const output = execFileSync('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], {
      encoding: 'utf8',
      env: { ...process.env, LC_ALL: 'C' },
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
    const [, state = '', started = ''] = /^(\S+)\s+(.*)$/.exec(output) ?? [];
    return started === '' || state.startsWith('Z') ? null : started;
  } catch {
    return null;
  }
}
