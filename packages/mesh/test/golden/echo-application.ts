import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http';
import {
  createServer as createHttp2Server,
  createSecureServer,
  type Http2ServerRequest,
  type Http2ServerResponse,
} from 'node:http2';
import { createServer, type Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { UpstreamStep } from './call-file.ts';
import { answerGrpc, isGrpc } from './grpc.ts';
import { LOOPBACK } from './instances.ts';
import { answerWebSocket } from './websocket.ts';

/** What the echo application saw of a request; for TCP only who it is and the text. */
export interface EchoReport {
  readonly workload: string;
  readonly instance: string;
  /** The container port that it stands for. */
  readonly port?: number;
  /** `HTTP/1.1`, `HTTP/2.0` or `TCP`. */
  readonly protocol: string;
  readonly method?: string;
  readonly path?: string;
  readonly host?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** As they were spelt. */
  readonly headerNames?: readonly string[];
  /** First name in the certificate of the client, such as `DNS:client.test`. */
  readonly clientCertificate?: string;
  readonly body: string;
}

/** Request headers by which a call is told apart, and which say what applications do with its attempts. */
export const CALL_ID_HEADER = 'x-echo-call';
export const UPSTREAM_HEADER = 'x-echo-upstream';

/** How often applications saw each call, and which workloads saw a copy of it. */
export type Attempts = Map<string, { readonly count: number; readonly mirrored: ReadonlySet<string> }>;

export interface EchoOptions {
  readonly workload: string;
  readonly instance: string;
  /** A port of the loopback address, or the path of a Unix socket. */
  readonly at: number | string;
  readonly containerPort?: number;
  readonly attempts: Attempts;
  /** Instances that answer every request with 503. */
  readonly failing: ReadonlySet<string>;
  /** Speaks first, and only TCP. */
  readonly greets?: boolean;
  /** Speaks TLS, with this certificate. */
  readonly tls?: { readonly certificate: string; readonly privateKey: string };
}

export const GREETING = 'hello\n';

/** An application that answers with what it saw, in whichever of HTTP/1, HTTP/2 and lines of text it is spoken to. */
export async function startEcho(options: EchoOptions): Promise<{ close(): Promise<void> }> {
  const sockets = new Set<Socket>();
  const onRequest = (request: IncomingMessage | Http2ServerRequest, response: ServerResponse | Http2ServerResponse) => {
    // As if the process had been killed: nothing is said first.
    const kill = () => {
      for (const socket of sockets) if (socket.remotePort === request.socket.remotePort) socket.destroy();
    };
    void answer(request, response as ServerResponse, options, kill);
  };
  const onUpgrade = (request: IncomingMessage, socket: Socket, head: Buffer) =>
    answerWebSocket(request, socket, head, options);
  const http1 = createHttpServer(onRequest).on('upgrade', onUpgrade);
  const http2 = createHttp2Server(onRequest);
  const secure =
    options.tls === undefined
      ? undefined
      : createSecureServer(
          {
            cert: options.tls.certificate,
            key: options.tls.privateKey,
            allowHTTP1: true,
            // Whoever has a certificate may show it.
            requestCert: true,
            rejectUnauthorized: false,
          },
          onRequest,
        ).on('upgrade', onUpgrade);
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {}).on('close', () => sockets.delete(socket));
    if (secure !== undefined) {
      secure.emit('connection', socket);
      return;
    }
    if (options.greets) {
      socket.write(GREETING);
      return echoLine(socket, options);
    }
    socket.once('readable', () => {
      const start: Buffer | null = socket.read();
      if (start === null) return;
      socket.unshift(start);
      const line = start.toString('latin1').split('\r\n', 1)[0] ?? '';
      if (line.startsWith('PRI * HTTP/2.0')) http2.emit('connection', socket);
      else if (line.endsWith(' HTTP/1.1')) http1.emit('connection', socket);
      else echoLine(socket, options);
    });
  });
  await new Promise<void>((resolve, reject) => {
    const at = typeof options.at === 'string' ? { path: options.at } : { port: options.at, host: LOOPBACK };
    server.once('error', reject).listen({ ...at, exclusive: true }, resolve);
  });
  return {
    close() {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

function echoLine(socket: Socket, { workload, instance, containerPort }: EchoOptions): void {
  let body = '';
  socket.setEncoding('utf8').on('data', (text: string) => {
    body += text;
    if (!isComplete(body)) return;
    const report: EchoReport = { workload, instance, ...portOf(containerPort), protocol: 'TCP', body: body.trimEnd() };
    socket.end(JSON.stringify(report));
  });
}

/** Answering the PROXY header alone would close the connection on what is still to come, and the answer could be lost. */
function isComplete(body: string): boolean {
  const lines = body.startsWith('PROXY ') ? 2 : 1;
  return body.endsWith('\n') && body.split('\n').length > lines;
}

async function answer(
  request: IncomingMessage | Http2ServerRequest,
  response: ServerResponse,
  { workload, instance, containerPort, attempts, failing }: EchoOptions,
  kill: () => void,
): Promise<void> {
  const planned = stepFor(request, attempts, workload);
  const step = failing.has(instance) ? 503 : planned;
  if (step === 'die') return kill();
  let body = '';
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) body += chunk.toString();
  } catch {
    // The proxy went away, or gave this attempt up.
    return;
  }
  if (step === 'slow') return;
  const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]));
  const report: EchoReport = {
    workload,
    instance,
    ...portOf(containerPort),
    protocol: `HTTP/${request.httpVersion}`,
    method: request.method ?? '',
    path: request.url ?? '',
    host: headers[':authority'] ?? headers.host ?? '',
    headers,
    headerNames: request.rawHeaders.filter((_, i) => i % 2 === 0),
    ...clientCertificateOf(request),
    body,
  };
  if (isGrpc(headers['content-type'])) return answerGrpc(response, report);
  response.writeHead(step, { 'content-type': 'application/json', server: 'echo', [SPELT_HEADER]: 'kept' });
  response.end(JSON.stringify(report));
}

/** Spelt so in answers over HTTP/1. */
const SPELT_HEADER = 'X-Echo-Spelling';

/** Proxies of callers add this to the host of copies. */
const SHADOW = /-shadow(:\d+)?$/;

function clientCertificateOf({ socket }: IncomingMessage | Http2ServerRequest): { clientCertificate?: string } {
  const names = socket instanceof TLSSocket ? socket.getPeerCertificate().subjectaltname : undefined;
  return names === undefined ? {} : { clientCertificate: names.split(', ')[0] ?? '' };
}

function stepFor(
  { headers }: IncomingMessage | Http2ServerRequest,
  attempts: Attempts,
  workload: string,
): UpstreamStep {
  const id = String(headers[CALL_ID_HEADER] ?? '');
  const { count, mirrored } = attempts.get(id) ?? { count: 0, mirrored: new Set<string>() };
  if (SHADOW.test(String(headers[':authority'] ?? headers.host ?? ''))) {
    attempts.set(id, { count, mirrored: new Set([...mirrored, workload]) });
    return 200;
  }
  attempts.set(id, { count: count + 1, mirrored });
  const steps = JSON.parse(String(headers[UPSTREAM_HEADER] ?? '[]')) as UpstreamStep[];
  return steps[count] ?? 200;
}

function portOf(port: number | undefined): Pick<EchoReport, 'port'> {
  return port === undefined ? {} : { port };
}
