import { createServer as createHttpServer, type ServerResponse } from 'node:http';
import { createServer, type Socket } from 'node:net';
import { LOOPBACK } from '../golden/instances.ts';

/** Something that listens without a sidecar in front of it, and lets a test see its connections. */
export interface RawServer {
  /** Open now. */
  readonly sockets: ReadonlySet<Socket>;
  /** Since the start. */
  connections: number;
  close(): Promise<void>;
}

/** HTTP/1.1; each request is left to the test. */
export async function startRawHttp(port: number, onRequest: (response: ServerResponse) => void): Promise<RawServer> {
  const http = createHttpServer((_, response) => onRequest(response));
  // Only the other side may end connections.
  http.keepAliveTimeout = 0;
  return listen(port, (socket) => http.emit('connection', socket));
}

/** Whatever comes, for the test to read. */
export function startRawTcp(port: number, onConnection: (socket: Socket) => void): Promise<RawServer> {
  return listen(port, onConnection);
}

async function listen(port: number, onConnection: (socket: Socket) => void): Promise<RawServer> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    raw.connections++;
    sockets.add(socket);
    socket.on('error', () => {}).on('close', () => sockets.delete(socket));
    onConnection(socket);
  });
  const raw = {
    sockets,
    connections: 0,
    close() {
      for (const socket of sockets) socket.destroy();
      return new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen({ port, host: LOOPBACK, exclusive: true }, resolve);
  });
  return raw;
}
