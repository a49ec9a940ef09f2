import { createServer } from 'node:net';
import { LateenError } from '@lateen/api/lateen-error.ts';

/**
 * Ports of the loopback interface for sidecars and applications.
 *
 * They are taken from below the range that operating systems use for outgoing connections (Linux: 32768 and up, macOS:
 * 49152 and up), so that no outgoing connection can sit on one between the test here and the bind of its owner.
 */
const FIRST_PORT = 20_000;
const LAST_PORT = 32_767;
/** How far `claim` looks for a free neighbour of the wanted port. */
const CLAIM_ATTEMPTS = 100;

export interface PortsOptions {
  readonly first?: number;
  readonly last?: number;
  /** Where the walk through the range starts; random if not given, so that two meshes seldom meet. */
  readonly start?: number;
  readonly isFree?: (port: number) => Promise<boolean>;
}

/** Hands out ports. One that was given back is used again only after all others had their turn. */
export class Ports {
  readonly #first: number;
  readonly #last: number;
  readonly #isFree: (port: number) => Promise<boolean>;
  readonly #inUse = new Set<number>();
  #cursor: number;

  constructor(options: PortsOptions = {}) {
    this.#first = options.first ?? FIRST_PORT;
    this.#last = options.last ?? LAST_PORT;
    this.#isFree = options.isFree ?? ((port) => canBind(port, '127.0.0.1'));
    this.#cursor = options.start ?? this.#first + Math.floor(Math.random() * (this.#last - this.#first + 1));
  }

  /** `count` ports on which nothing listens at 127.0.0.1. Throws LAT0331 when the range is used up. */
  async allocate(count: number): Promise<number[]> {
    const ports: number[] = [];
    for (let tried = 0; ports.length < count; tried += 1) {
      if (tried > this.#last - this.#first) {
        this.release(ports);
        throw new LateenError(
          'LAT0331',
          `No free port is left between ${this.#first} and ${this.#last} on 127.0.0.1.`,
          'End programs that listen there, or run fewer replicas.',
        );
      }
      const port = this.#cursor;
      this.#cursor = port >= this.#last ? this.#first : port + 1;
      if (this.#inUse.has(port)) continue;
      // Marked before the test, which is asynchronous: others allocate at the same time.
      this.#inUse.add(port);
      if (await this.#isFree(port)) ports.push(port);
      else this.#inUse.delete(port);
    }
    return ports;
  }

  /**
   * The wanted port, or the next one after it on which nothing listens, whatever the address; one that `isOfAnother` is left
   * out there. Throws LAT0331.
   */
  async claim(preferred: number, isOfAnother: (port: number) => boolean = () => false): Promise<number> {
    for (let port = preferred; port < preferred + CLAIM_ATTEMPTS && port <= 65_535; port += 1) {
      if (this.#inUse.has(port) || (port !== preferred && isOfAnother(port))) continue;
      this.#inUse.add(port);
      if (await isPortFree(port)) return port;
      this.#inUse.delete(port);
    }
    throw new LateenError(
      'LAT0331',
      `Port ${preferred} and the ${CLAIM_ATTEMPTS - 1} after it are taken, or need privileges.`,
      'Choose another port, or end what listens there. This shows it: lsof -iTCP -sTCP:LISTEN',
    );
  }

  release(ports: Iterable<number>): void {
    for (const port of ports) this.#inUse.delete(port);
  }
}

/**
 * Whether nothing listens on the port at all. A listener on one address only is found as well: `localhost` can mean
 * 127.0.0.1 or ::1, and a browser would reach whichever answers first.
 */
export async function isPortFree(port: number): Promise<boolean> {
  for (const host of ['127.0.0.1', '::1', '0.0.0.0', '::']) {
    if (!(await canBind(port, host))) return false;
  }
  return true;
}

function canBind(port: number, host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => {
      // A machine without IPv6 has no such address, hence nobody listens there.
      resolve(error.code === 'EADDRNOTAVAIL' || error.code === 'EAFNOSUPPORT');
    });
    server.listen({ port, host, exclusive: true, ipv6Only: host.includes(':') }, () => {
      server.close(() => resolve(true));
    });
  });
}
