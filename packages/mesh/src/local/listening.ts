import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { errorCodeOf } from '@lateen/api/lateen-error.ts';

import { probeOnce } from './probe-action.ts';
import { groupMembers } from './process-identity.ts';

const LOOPBACK = '127.0.0.1';
const CONNECT_TIMEOUT_MS = 500;
/** proc_net_tcp: the state of a socket that listens. */
const LISTEN = '0A';

export interface ListeningSocket {
  readonly address: string;
  readonly port: number;
}

/** Where an application has to listen. */
export interface WantedPort {
  readonly containerPort: number;
  readonly appPort: number;
  /** The variable that tells the application. */
  readonly variable: string;
}

/**
 * Why nobody gets through to the application in a process group: it listens somewhere else, mostly on its container port
 * and not on PORT. A sentence without its full stop; undefined if it accepts connections where it should.
 */
export async function whyUnreachable(group: number, wanted: WantedPort): Promise<string | undefined> {
  const { appPort, containerPort, variable } = wanted;
  if (await accepts(appPort)) return undefined;
  const must = `must listen on $${variable} (${appPort})`;
  const sockets = listeningSockets(group);
  if (sockets === undefined) {
    const elsewhere = (await accepts(containerPort))
      ? `. Something listens on ${containerPort}: if that is the application, it ${must}`
      : '';
    return `it does not accept connections on $${variable} (${appPort})${elsewhere}`;
  }
  const right = sockets.filter(({ port }) => port === appPort).map(({ address }) => address);
  if (right.some((address) => address === LOOPBACK || address === '0.0.0.0')) {
    return `it listens on ${appPort}, but does not accept connections`;
  }
  if (right.length > 0) return `it listens on ${appPort} of ${right.join(' and ')}, but must listen on ${LOOPBACK}`;
  const ports = [...new Set(sockets.map(({ port }) => port))].sort((a, b) => a - b);
  if (ports.length === 0) return `it does not listen on any port, but ${must}`;
  // Others are for debuggers and the like.
  return `it listens on ${ports.includes(containerPort) ? containerPort : ports.join(' and ')}, but ${must}`;
}

/** TCP sockets on which processes of the group listen; undefined where the system does not say: other than Linux. */
export function listeningSockets(group: number): ListeningSocket[] | undefined {
  if (process.platform !== 'linux') return undefined;
  const found = new Map<string, ListeningSocket>();
  for (const pid of groupMembers(group)) {
    try {
      const own = socketsOf(pid);
      // The tables are those of the process's network, which need not be ours.
      for (const table of ['tcp', 'tcp6']) {
        for (const [inode, socket] of listeners(readFileSync(`/proc/${pid}/net/${table}`, 'utf8'))) {
          if (own.has(inode)) found.set(inode, socket);
        }
      }
    } catch (error) {
      const code = errorCodeOf(error);
      // What it holds is nobody's business if it runs as another user.
      if (code === 'EACCES' || code === 'EPERM') return undefined;
      // One that has ended since listens nowhere; a kernel without IPv6 has no second table.
      if (code !== 'ENOENT' && code !== 'ESRCH' && code !== 'EINVAL') throw error;
    }
  }
  return [...found.values()];
}

function socketsOf(pid: number): Set<string> {
  const inodes = new Set<string>();
  for (const fd of readdirSync(`/proc/${pid}/fd`)) {
    let target: string;
    try {
      target = readlinkSync(`/proc/${pid}/fd/${fd}`);
    } catch (error) {
      // Closed since the folder was read.
      if (errorCodeOf(error) === 'ENOENT') continue;
      throw error;
    }
    const inode = /^socket:\[(\d+)\]$/.exec(target)?.[1];
    if (inode !== undefined) inodes.add(inode);
  }
  return inodes;
}

/** By inode, of a table in the format of proc_net_tcp: `sl local_address rem_address st ... uid timeout inode`. */
export function listeners(table: string): [string, ListeningSocket][] {
  return table
    .split('\n')
    .slice(1)
    .flatMap((line): [string, ListeningSocket][] => {
      const [, local = '', , state, , , , , , inode] = line.trim().split(/\s+/);
      const [address = '', port = ''] = local.split(':');
      if (state !== LISTEN || inode === undefined) return [];
      return [[inode, { address: addressOf(address), port: Number.parseInt(port, 16) }]];
    });
}

/** The kernel prints addresses as words of 32 bits in the machine's own order: `0100007F` is 127.0.0.1. */
function addressOf(hex: string): string {
  const bytes = [...Buffer.from(hex, 'hex')].map((_, index, all) => all[index - (index % 4) + 3 - (index % 4)] ?? 0);
  if (bytes.length === 4) return bytes.join('.');
  const words = Array.from({ length: 8 }, (_, index) =>
    (((bytes[2 * index] ?? 0) << 8) | (bytes[2 * index + 1] ?? 0)).toString(16),
  );
  // The shortest form, `::1`.
  return new URL(`http://[${words.join(':')}]`).hostname.slice(1, -1);
}

async function accepts(port: number): Promise<boolean> {
  const never = new AbortController().signal;
  return (await probeOnce({ kind: 'tcp', host: LOOPBACK, port }, CONNECT_TIMEOUT_MS, never)) === undefined;
}
