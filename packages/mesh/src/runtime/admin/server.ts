import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import type { ErrorResponse } from '@lateen/api/admin.ts';
import { LateenError } from '@lateen/api/lateen-error.ts';
import { claimSocket } from '#sockets/unix-socket.ts';
import { createAdminApp } from './app.ts';
import type { AdminHandlers } from './handlers.ts';
import { jsonHeaders } from './routes.ts';

export interface AdminServerOptions {
  /** The port to try first; 0 for any. */
  readonly port: number;
  /** What a request that changes something must bring. */
  readonly token: string;
  readonly handlers: AdminHandlers;
  /** Told of errors that are not the caller's fault. */
  readonly onFault?: (error: unknown) => void;
}

export interface AdminServer {
  /** `http://localhost:19000` */
  readonly url: string;
  readonly port: number;
  /** Ends open connections and frees the port. */
  close(): Promise<void>;
}

/** How long requests that are being answered may take when the server closes. */
const closeGraceMs = 1_000;
/** How many ports after a taken one are tried. */
const portAttempts = 100;

/**
 * Serves the status page and the admin API on both loopback addresses, since `localhost` may mean either. A taken port
 * is passed over for the next one; the answer says which it became. Throws LAT0549 when none is free.
 */
export async function startAdminServer(options: AdminServerOptions): Promise<AdminServer> {
  const { token, handlers, onFault = () => {} } = options;
  const app = createAdminApp({ token, handlers, onFault });
  const listener = getRequestListener(app.fetch, { overrideGlobalObjects: false, errorHandler: answerUnreadable });
  const newServer = () => boundedServer(listener, onFault);
  for (let attempt = 0; attempt < portAttempts; attempt++) {
    const wanted = options.port === 0 ? 0 : options.port + attempt;
    if (wanted > 65535) break;
    const servers = await listenOnLoopback(newServer, wanted);
    if (servers === undefined) continue;
    const { port } = servers[0].address() as AddressInfo;
    return {
      url: `http://localhost:${port}`,
      port,
      close: async () => {
        await Promise.all(servers.map(closeServer));
      },
    };
  }
  throw new LateenError(
    'LAT0549',
    `No port is free for the admin server: ${options.port} and those after it are taken.`,
    'Choose another with --admin-port.',
  );
}

export interface ReadOnlyAdminOptions {
  /** `HOST:PORT` with a loopback HOST, port 0 for a free one; or `unix:/path`, which only this user can connect to. */
  readonly address: string;
  readonly handlers: AdminHandlers;
  readonly onFault: (error: unknown) => void;
}

export interface ReadOnlyAdmin {
  /** As `address`, with the real port. */
  readonly address: string;
  close(): Promise<void>;
}

/**
 * Serves what can be looked at, at exactly this address.
 * @throws LateenError LAT0761 when it cannot be listened on; LAT0431, LAT0461 for a Unix socket
 */
export async function startReadOnlyAdmin({ address, handlers, onFault }: ReadOnlyAdminOptions): Promise<ReadOnlyAdmin> {
  const app = createAdminApp({ token: undefined, handlers, onFault });
  const server = boundedServer(
    getRequestListener(app.fetch, { overrideGlobalObjects: false, errorHandler: answerUnreadable }),
    onFault,
  );
  if (address.startsWith('unix:')) {
    const socket = await claimSocket(address.slice('unix:'.length), (path) => listenAt(server, { path }));
    return {
      address,
      async close() {
        await socket.remove();
        await closeServer(server);
      },
    };
  }
  const [, host = '', port = ''] = LOOPBACK_ADDRESS.exec(address) ?? [];
  if (host === '') {
    throw new LateenError(
      'LAT0761',
      `${address} is no address of this machine alone, so nothing is shown there.`,
      'Choose 127.0.0.1:PORT or unix:/PATH for --admin-address.',
    );
  }
  await listenAt(server, { host: host.replace(/^\[|\]$/g, ''), port: Number(port) }).catch((cause: Error) => {
    throw new LateenError(
      'LAT0761',
      `The admin API cannot be served on ${address}: ${cause.message}.`,
      'Stop what uses this address, or choose another one for --admin-address.',
      { cause },
    );
  });
  return { address: `${host}:${(server.address() as AddressInfo).port}`, close: () => closeServer(server) };
}

const LOOPBACK_ADDRESS = /^(localhost|127\.0\.0\.1|\[::1\]):(\d{1,5})$/;

function listenAt(server: Server, where: { readonly path: string } | { readonly host: string; readonly port: number }) {
  return new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ ...where, exclusive: true }, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

/** The limits keep a client that is slow, or that sends without end, from holding what others need. */
function boundedServer(listener: RequestListener, onFault: (error: unknown) => void): Server {
  const server = createServer(
    {
      maxHeaderSize: 16 * 1024,
      headersTimeout: 10_000,
      requestTimeout: 30_000,
      keepAliveTimeout: 5_000,
      connectionsCheckingInterval: 5_000,
    },
    listener,
  );
  server.maxConnections = 256;
  server.on('clientError', answerMalformed);
  server.on('listening', () => server.on('error', onFault));
  return server;
}

/** A request whose URL or Host header makes no sense, so that it never becomes a `Request`. */
function answerUnreadable(): Response {
  const body: ErrorResponse = { code: 'LAT0551', message: 'Bad Request' };
  return new Response(JSON.stringify(body), { status: 400, headers: { ...jsonHeaders(), Connection: 'close' } });
}

function answerMalformed(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const status =
    error.code === 'HPE_HEADER_OVERFLOW'
      ? '431 Request Header Fields Too Large'
      : error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
        ? '408 Request Timeout'
        : '400 Bad Request';
  const body = JSON.stringify({ code: 'LAT0551', message: status.slice(4) } satisfies ErrorResponse);
  socket.end(
    `HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Type: application/json; charset=utf-8\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}

/** Undefined if the port is taken on one of the two: another program would answer half of the browsers. */
async function listenOnLoopback(
  newServer: () => Server,
  wanted: number,
): Promise<readonly [Server, ...Server[]] | undefined> {
  const v4 = newServer();
  if ((await listen(v4, '127.0.0.1', wanted)) !== 'listening') return undefined;
  const v6 = newServer();
  const outcome = await listen(v6, '::1', (v4.address() as AddressInfo).port);
  if (outcome === 'listening') return [v4, v6];
  if (outcome === 'no-address') return [v4];
  await closeServer(v4);
  return undefined;
}

function listen(server: Server, host: string, port: number): Promise<'listening' | 'taken' | 'no-address'> {
  return new Promise((resolve, reject) => {
    const onError = (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE' || error.code === 'EACCES') resolve('taken');
      else if (error.code === 'EADDRNOTAVAIL' || error.code === 'EAFNOSUPPORT') resolve('no-address');
      else reject(error);
    };
    server.once('error', onError);
    server.listen({ host, port, exclusive: true }, () => {
      server.off('error', onError);
      resolve('listening');
    });
  });
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const cut = setTimeout(() => server.closeAllConnections(), closeGraceMs);
    server.close(() => {
      clearTimeout(cut);
      resolve();
    });
    server.closeIdleConnections();
  });
}
