import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

const MIB = 1024 * 1024;
/** Linux counts CPU time in hundredths of a second for programs (USER_HZ), whatever the kernel's own clock is. */
const MS_PER_TICK = 10;

export interface MemoryUse {
  /** Everything that is mapped and in memory, also what is shared with other processes. */
  readonly rssMiB: number;
  /** Shared pages are counted in equal parts for those that share them. Linux only. */
  readonly pssMiB?: number;
}

/** Throws when the process is gone. */
export function memoryOf(pid: number): MemoryUse {
  const rssKiB = Number(execFileSync('ps', ['-o', 'rss=', '-p', String(pid)], { encoding: 'utf8' }).trim());
  const pssKiB = readPssKiB(pid);
  return { rssMiB: (rssKiB * 1024) / MIB, ...(pssKiB === undefined ? {} : { pssMiB: (pssKiB * 1024) / MIB }) };
}

function readPssKiB(pid: number): number | undefined {
  try {
    const kib = /^Pss:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1];
    return kib === undefined ? undefined : Number(kib);
  } catch {
    return undefined;
  }
}

/** CPU time that a process has used so far, in milliseconds, to 10 ms; undefined where there is no `/proc`. */
export function cpuMsOf(pid: number): number | undefined {
  try {
    // The name may hold spaces and parentheses; after it come the fields 3 and up of proc(5).
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
    return (Number(fields[11]) + Number(fields[12])) * MS_PER_TICK;
  } catch {
    return undefined;
  }
}
