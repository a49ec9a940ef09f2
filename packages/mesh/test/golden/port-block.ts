import { createServer, type Server } from 'node:net';
import { LOOPBACK } from './instances.ts';

/**
 * Ports below those that `lateen up` and the operating system hand out. Meshes of several test processes must not meet:
 * each claims whole blocks, by listening on their first port for as long as it uses the others.
 */
const FIRST_PORT = 10_240;
const BLOCK_SIZE = 64;
const BLOCKS = 150;

export interface PortBlock {
  /** A port of 127.0.0.1 that nobody else uses. */
  next(): number;
  release(): Promise<void>;
}

export async function claimPortBlock(): Promise<PortBlock> {
  const start = Math.floor(Math.random() * BLOCKS);
  for (let tried = 0; tried < BLOCKS; tried++) {
    const first = FIRST_PORT + ((start + tried) % BLOCKS) * BLOCK_SIZE;
    const claim = await tryListen(first);
    if (claim === undefined) continue;
    const free: number[] = [];
    for (let port = first + 1; port < first + BLOCK_SIZE; port++) {
      const probe = await tryListen(port);
      if (probe === undefined) continue;
      free.push(port);
      await close(probe);
    }
    // Somebody who claims nothing uses some of it, perhaps just now.
    if (free.length < BLOCK_SIZE - 1) {
      await close(claim);
      continue;
    }
    return {
      next() {
        const port = free.shift();
        if (port === undefined) throw new Error(`a case can use at most ${BLOCK_SIZE} ports: give it fewer workloads`);
        return port;
      },
      release: () => close(claim),
    };
  }
  throw new Error(`no free block of ports between ${FIRST_PORT} and ${FIRST_PORT + BLOCKS * BLOCK_SIZE}`);
}

function tryListen(port: number): Promise<Server | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(undefined));
    server.listen({ port, host: LOOPBACK, exclusive: true }, () => resolve(server));
  });
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()));
}
