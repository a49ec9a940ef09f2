// What the four services share on the serving side: listening, routing, bounded bodies, errors and a graceful stop.

import { createServer, type IncomingMessage, type OutgoingHttpHeaders, type ServerResponse } from 'node:http';

export interface Reply {
  readonly status: number;
  readonly headers: OutgoingHttpHeaders;
  readonly body: string;
}

export interface Call {
  readonly req: IncomingMessage;
  readonly path: string;
  /** The segments that the route's `:name` parts matched, as they stand in the path (not decoded). */
  readonly params: Readonly<Record<string, string>>;
  /** The whole request body, at most `maxBodyBytes`. */
  readonly body: () => Promise<string>;
}

export interface Route {
  readonly method: 'GET' | 'POST';
  /** A path whose segments are literal or `:name`. */
  readonly path: string;
  readonly handle: (call: Call) => Reply | Promise<Reply>;
}

export interface Service {
  readonly name: string;
  readonly version: string;
  readonly routes: readonly Route[];
  /** Renders an error for a client that asked for HTML; JSON is the default. */
  readonly errorPage?: (status: number, message: string) => Reply;
}

/** An answer of 4xx or 5xx whose message is meant for the client. */
export class HttpError extends Error {
  readonly status: number;
  readonly headers: OutgoingHttpHeaders;

  constructor(status: number, message: string, headers: OutgoingHttpHeaders = {}) {
    super(message);
    this.status = status;
    this.headers = headers;
  }
}

const maxBodyBytes = 16 * 1024;
// What is read and thrown away of a larger body, so that its sender gets to see the 413 and not a reset connection.
const maxDrainBytes = 1024 * 1024;
const headersTimeoutMs = 10_000;
const requestTimeoutMs = 15_000;
// Longer than the hour after which Envoy drops an idle connection: the side that sends requests must be the one that
// closes, or a request meets a connection that is just being closed and fails with 503.
const keepAliveTimeoutMs = 65 * 60_000;
// Shorter than terminationGracePeriodSeconds in bookinfo.yaml, so that it is we who cut what still runs, and say so.
const drainLimitMs = 4_000;

/** Listens on HOST:PORT and serves until SIGTERM or SIGINT. Exits with 1 and a message when it cannot listen. */
export function startService(service: Service): void {
  const port = numberFromEnv('PORT', 9080, 0, 65_535);
  const routes = compileRoutes([healthRoute(service.name), ...service.routes]);
  let stopping = false;

  const server = createServer(
    { headersTimeout: headersTimeoutMs, requestTimeout: requestTimeoutMs, keepAliveTimeout: keepAliveTimeoutMs },
    async (req, res) => {
      const reply = await answer(service, routes, req);
      send(res, reply, stopping || !req.complete);
    },
  );
  server.on('error', (error: NodeJS.ErrnoException) => {
    const remedy = error.code === 'EADDRINUSE' ? ' Set PORT to a free port.' : ' Check HOST and PORT.';
    fatal(`${service.name} cannot listen on port ${port}: ${error.message}.${remedy}`);
  });
  server.listen({ port, ...listenHost() }, () => {
    const address = server.address();
    if (address === null || typeof address === 'string') return;
    const host = address.family === 'IPv6' ? `[${address.address}]` : address.address;
    console.log(`${service.name} ${service.version} listening on http://${host}:${address.port}`);
  });

  const stop = () => {
    if (stopping) return;
    stopping = true;
    // close() also ends the idle keep-alive connections; busy ones end with their response (connection: close).
    server.close(() => process.exit(0));
    setTimeout(() => {
      console.error(`${service.name} cut the requests that were not done ${drainLimitMs} ms after the signal to stop`);
      server.closeAllConnections();
    }, drainLimitMs).unref();
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
}

export function json(status: number, value: unknown, headers: OutgoingHttpHeaders = {}): Reply {
  return { status, headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(value) };
}

/** The `:id` of a path: a whole number that JSON can carry exactly. */
export function productId(call: Call): number {
  const text = call.params.id ?? '';
  const id = Number(text);
  if (!/^\d{1,16}$/.test(text) || !Number.isSafeInteger(id)) {
    throw new HttpError(400, `The product id in ${call.path} must be a whole number, for example 0.`);
  }
  return id;
}

export function numberFromEnv(name: string, fallback: number, min: number, max: number): number {
  const text = process.env[name];
  if (text === undefined || text === '') return fallback;
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < min || value > max) {
    fatal(`${name} is ${JSON.stringify(text)}, but it must be a whole number from ${min} to ${max}.`);
  }
  return value;
}

/** Reports a start-up error and ends the process with 1. */
export function fatal(message: string): never {
  console.error(message);
  process.exit(1);
}

/** On a laptop nothing listens beyond the machine itself; in a pod the kubelet and other pods must get in. */
function listenHost(): { host?: string } {
  const host = process.env.HOST;
  if (host !== undefined && host !== '') return { host };
  return process.env.KUBERNETES_SERVICE_HOST === undefined ? { host: '127.0.0.1' } : {};
}

function healthRoute(name: string): Route {
  const status = `${name.charAt(0).toUpperCase()}${name.slice(1)} is healthy`;
  return { method: 'GET', path: '/health', handle: () => json(200, { status }) };
}

interface CompiledRoute {
  readonly route: Route;
  readonly segments: readonly string[];
}

function compileRoutes(routes: readonly Route[]): CompiledRoute[] {
  return routes.map((route) => ({ route, segments: route.path.split('/') }));
}

function matchPath(segments: readonly string[], actual: readonly string[]): Record<string, string> | undefined {
  if (segments.length !== actual.length) return undefined;
  const params: Record<string, string> = {};
  for (const [index, segment] of segments.entries()) {
    const value = actual[index] ?? '';
    if (segment.startsWith(':') && value !== '') params[segment.slice(1)] = value;
    else if (segment !== value) return undefined;
  }
  return params;
}

async function answer(service: Service, routes: readonly CompiledRoute[], req: IncomingMessage): Promise<Reply> {
  const path = (req.url ?? '/').split('?', 1)[0] ?? '/';
  try {
    return await dispatch(service.name, routes, req, path);
  } catch (error) {
    const known = error instanceof HttpError;
    if (!known) console.error(`${service.name} failed on ${req.method} ${path}:`, error);
    const status = known ? error.status : 500;
    const message = known ? error.message : 'The service met an internal error; its log says more.';
    const wantsHtml = req.headers.accept?.includes('text/html') ?? false;
    const reply =
      wantsHtml && service.errorPage ? service.errorPage(status, message) : json(status, { error: message });
    return known ? { ...reply, headers: { ...reply.headers, ...error.headers } } : reply;
  }
}

async function dispatch(
  name: string,
  routes: readonly CompiledRoute[],
  req: IncomingMessage,
  path: string,
): Promise<Reply> {
  const method = req.method === 'HEAD' ? 'GET' : req.method;
  const actual = path.split('/', 16);
  const allowed: string[] = [];
  for (const { route, segments } of routes) {
    const params = matchPath(segments, actual);
    if (params === undefined) continue;
    if (route.method === method) return await route.handle({ req, path, params, body: () => readBody(req) });
    allowed.push(...(route.method === 'GET' ? ['GET', 'HEAD'] : [route.method]));
  }
  if (allowed.length === 0) throw new HttpError(404, `${name} has nothing at ${path.slice(0, 200)}.`);
  const allow = allowed.join(', ');
  throw new HttpError(405, `${path} does not take ${req.method}; it takes ${allow}.`, { allow });
}

async function readBody(req: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of req.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size <= maxBodyBytes) chunks.push(chunk);
      if (size > maxDrainBytes) break;
    }
  } catch {
    throw new HttpError(400, 'The request body broke off before its end.');
  }
  if (size > maxBodyBytes) throw new HttpError(413, `The request body is larger than ${maxBodyBytes} bytes.`);
  return Buffer.concat(chunks).toString('utf8');
}

function send(res: ServerResponse, reply: Reply, close: boolean): void {
  const headers: OutgoingHttpHeaders = { ...reply.headers, 'content-length': Buffer.byteLength(reply.body) };
  if (close) headers.connection = 'close';
  res.writeHead(reply.status, headers);
  res.end(reply.body);
}
