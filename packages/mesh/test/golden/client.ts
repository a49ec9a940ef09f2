import { type ClientRequest, request as httpRequest, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import { connect as connectHttp2 } from 'node:http2';
import { connect, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { connect as connectTls } from 'node:tls';
import { messageOf } from '@lateen/api/lateen-error.ts';
import { LOOPBACK } from './instances.ts';

/** What became of one request. */
export type Answer =
  | {
      readonly type: 'response';
      readonly status?: number;
      /** With the trailers. */
      readonly headers: IncomingHttpHeaders;
      /** Names as they were spelt; HTTP/1 only. */
      readonly rawHeaders?: readonly string[];
      readonly body: string;
      /** SPIFFE ID of the server, where the client spoke TLS itself. */
      readonly peer?: string;
    }
  | { readonly type: 'failure'; readonly reason: string };

export interface ClientRequestOptions {
  readonly port: number;
  readonly method: string;
  /** What stands in the request line: a path, or the whole URL for a proxy. */
  readonly target: string;
  readonly host: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly identity?: ClientIdentity;
}

/** PEM. */
export interface ClientIdentity {
  readonly chain: string;
  readonly privateKey: string;
}

const TIMEOUT_MS = 8_000;

/** HTTP/1.1 on a connection of its own; with an identity, inside of TLS as sidecars speak it. */
export async function callHttp1(options: ClientRequestOptions): Promise<Answer> {
  let socket: Socket | undefined;
  let peer: string | undefined;
  try {
    if (options.identity !== undefined) ({ socket, peer } = await meshTlsSocket(options.port, options.identity));
    return { ...(await exchange(options, socket)), ...(peer === undefined ? {} : { peer }) };
  } catch (error) {
    return failure(error);
  } finally {
    socket?.destroy();
  }
}

function exchange(options: ClientRequestOptions, socket?: Socket): Promise<Extract<Answer, { type: 'response' }>> {
  const { port, method, target, host, headers, body } = options;
  return new Promise((resolve, reject) => {
    const outgoing: ClientRequest = httpRequest({
      ...(socket === undefined ? { host: LOOPBACK, port, agent: false } : { createConnection: () => socket }),
      method,
      path: target,
      headers: {
        ...headers,
        host,
        ...(body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }),
      },
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    outgoing.once('response', (response: IncomingMessage) => {
      text(response).then(
        (received) =>
          resolve({
            type: 'response',
            status: response.statusCode ?? 0,
            headers: response.headers,
            rawHeaders: response.rawHeaders.filter((_, i) => i % 2 === 0),
            body: received,
          }),
        reject,
      );
    });
    outgoing.once('error', reject);
    outgoing.end(body);
  });
}

/** A tunnel through an HTTP proxy, and HTTP/1.1 in it. */
export async function callThroughTunnel(options: ClientRequestOptions, authority: string): Promise<Answer> {
  try {
    const socket = await openTunnel(options.port, authority);
    try {
      return await exchange(options, socket);
    } finally {
      socket.destroy();
    }
  } catch (error) {
    return error instanceof RefusedTunnel
      ? { type: 'response', status: error.status, headers: {}, body: '' }
      : failure(error);
  }
}

class RefusedTunnel extends Error {
  readonly status: number;

  constructor(status: number) {
    super(`the proxy answered CONNECT with ${status}`);
    this.status = status;
  }
}

function openTunnel(port: number, authority: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const outgoing = httpRequest({
      host: LOOPBACK,
      port,
      method: 'CONNECT',
      path: authority,
      headers: { host: authority },
      agent: false,
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    outgoing.once('connect', (response, socket) => {
      if (response.statusCode === 200) return resolve(socket);
      socket.destroy();
      reject(new RefusedTunnel(response.statusCode ?? 0));
    });
    outgoing.once('error', reject);
    outgoing.end();
  });
}

/** HTTP/2 with prior knowledge. */
export function callHttp2({ port, method, target, host, headers, body }: ClientRequestOptions): Promise<Answer> {
  return new Promise<Answer>((resolve) => {
    const session = connectHttp2(`http://${LOOPBACK}:${port}`);
    const fail = (error: unknown) => {
      session.destroy();
      resolve(failure(error));
    };
    session.once('error', fail);
    const stream = session.request(
      { ...headers, ':method': method, ':path': target, ':authority': host, ':scheme': 'http' },
      { signal: AbortSignal.timeout(TIMEOUT_MS) },
    );
    stream.once('error', fail);
    let trailers: IncomingHttpHeaders = {};
    stream.once('trailers', (received) => {
      trailers = received as IncomingHttpHeaders;
    });
    stream.once('response', ({ ':status': status, ...received }) => {
      text(stream).then((content) => {
        session.destroy();
        const headers = { ...(received as IncomingHttpHeaders), ...trailers };
        resolve({ type: 'response', status: status ?? 0, headers, body: content });
      }, fail);
    });
    stream.end(body);
  });
}

/** Sends a line, after the server's greeting if there is one, and takes everything until the end. */
export async function callTcp(port: number, line: string, greeting = ''): Promise<Answer> {
  const socket = connect({ port, host: LOOPBACK });
  socket.setTimeout(TIMEOUT_MS, () => socket.destroy(new Error('timeout')));
  let received = '';
  let sent = false;
  try {
    if (greeting === '') socket.write(`${line}\n`);
    for await (const chunk of socket.setEncoding('utf8') as AsyncIterable<string>) {
      received += chunk;
      if (greeting === '' || sent || !received.startsWith(greeting)) continue;
      sent = true;
      socket.write(`${line}\n`);
    }
    const body = received.slice(greeting.length);
    // A server that wants TLS says so with an alert, which is no answer.
    return body.startsWith('{')
      ? { type: 'response', headers: {}, body }
      : { type: 'failure', reason: `the connection ended without an answer: ${JSON.stringify(received)}` };
  } catch (error) {
    return failure(error);
  } finally {
    socket.destroy();
  }
}

function meshTlsSocket(port: number, { chain, privateKey }: ClientIdentity): Promise<{ socket: Socket; peer: string }> {
  return new Promise((resolve, reject) => {
    const socket = connectTls({
      port,
      host: LOOPBACK,
      cert: chain,
      key: privateKey,
      ALPNProtocols: ['istio'],
      minVersion: 'TLSv1.3',
      // Who the server is, is for the case to say.
      rejectUnauthorized: false,
    });
    socket.setTimeout(TIMEOUT_MS, () => socket.destroy(new Error('timeout')));
    socket.once('error', reject);
    socket.once('secureConnect', () => {
      const peer = (socket.getPeerCertificate().subjectaltname ?? '').replace(/^URI:/, '');
      resolve({ socket, peer });
    });
  });
}

function failure(error: unknown): Answer {
  return { type: 'failure', reason: messageOf(error) };
}
