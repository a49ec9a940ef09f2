import { type ClientRequest, request as httpRequest, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import { connect as connectHttp2 } from 'node:http2';
import { connect, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { connect as connectTls, type SecureVersion } from 'node:tls';
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
  readonly tls?: TlsOptions;
}

export interface TlsOptions {
  /** Empty: none is sent. */
  readonly serverName: string;
  /** What is offered to be spoken within. */
  readonly alpn: readonly string[];
  readonly identity?: ClientIdentity;
  readonly versions?: readonly [lowest: SecureVersion, highest: SecureVersion];
}

/** PEM. */
export interface ClientIdentity {
  readonly chain: string;
  readonly privateKey: string;
}

const TIMEOUT_MS = 8_000;

/** HTTP/1.1 on a connection of its own. */
export async function callHttp1(options: ClientRequestOptions): Promise<Answer> {
  let socket: Socket | undefined;
  let peer: string | undefined;
  try {
    if (options.tls !== undefined) ({ socket, peer } = await tlsSocket(options.tls, { port: options.port }));
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

/** A tunnel through an HTTP proxy, and HTTP/1.1 in it, perhaps in TLS. */
export async function callThroughTunnel(options: ClientRequestOptions, authority: string): Promise<Answer> {
  try {
    const tunnel = await openTunnel(options.port, authority);
    try {
      if (options.tls === undefined) return await exchange(options, tunnel);
      const { socket, peer } = await tlsSocket(options.tls, { socket: tunnel });
      return { ...(await exchange(options, socket)), peer };
    } finally {
      tunnel.destroy();
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

/** HTTP/2, in TLS or with prior knowledge. */
export async function callHttp2(options: ClientRequestOptions): Promise<Answer> {
  if (options.tls === undefined) return exchangeHttp2(options);
  try {
    const { socket, peer } = await tlsSocket(options.tls, { port: options.port });
    const answer = await exchangeHttp2(options, socket);
    return answer.type === 'response' ? { ...answer, peer } : answer;
  } catch (error) {
    return failure(error);
  }
}

function exchangeHttp2(
  { port, method, target, host, headers, body }: ClientRequestOptions,
  socket?: Socket,
): Promise<Answer> {
  const scheme = socket === undefined ? 'http' : 'https';
  return new Promise<Answer>((resolve) => {
    const session = connectHttp2(
      `${scheme}://${LOOPBACK}:${port}`,
      socket === undefined ? {} : { createConnection: () => socket },
    );
    const fail = (error: unknown) => {
      session.destroy();
      resolve(failure(error));
    };
    session.once('error', fail);
    const stream = session.request(
      { ...headers, ':method': method, ':path': target, ':authority': host, ':scheme': scheme },
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
export async function callTcp(port: number, line: string, greeting = '', tls?: TlsOptions): Promise<Answer> {
  let socket: Socket | undefined;
  let peer: string | undefined;
  let received = '';
  let sent = false;
  try {
    if (tls === undefined) socket = connect({ port, host: LOOPBACK });
    else ({ socket, peer } = await tlsSocket(tls, { port }));
    socket.setTimeout(TIMEOUT_MS, () => socket?.destroy(new Error('timeout')));
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
      ? { type: 'response', headers: {}, body, ...(peer === undefined ? {} : { peer }) }
      : { type: 'failure', reason: `the connection ended without an answer: ${JSON.stringify(received)}` };
  } catch (error) {
    return failure(error);
  } finally {
    socket?.destroy();
  }
}

/** Resolves when the server let the client in, as far as TLS tells, with the first name in its certificate. */
function tlsSocket(
  { serverName, alpn, identity, versions = ['TLSv1.2', 'TLSv1.3'] }: TlsOptions,
  to: { readonly port: number } | { readonly socket: Socket },
): Promise<{ socket: Socket; peer: string }> {
  return new Promise((resolve, reject) => {
    const [minVersion, maxVersion] = versions;
    const socket = connectTls({
      ...to,
      host: LOOPBACK,
      ...(serverName === '' ? {} : { servername: serverName }),
      ...(identity === undefined ? {} : { cert: identity.chain, key: identity.privateKey }),
      ALPNProtocols: [...alpn],
      minVersion,
      maxVersion,
      // OpenSSL has old versions only at its lowest level of security.
      ...(minVersion === 'TLSv1' || minVersion === 'TLSv1.1' ? { ciphers: 'DEFAULT:@SECLEVEL=0' } : {}),
      // Who the server is, is for the case to say.
      rejectUnauthorized: false,
    });
    socket.setTimeout(TIMEOUT_MS, () => socket.destroy(new Error('timeout')));
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('the connection was closed')));
    socket.once('secureConnect', () => {
      const [first = ''] = (socket.getPeerCertificate().subjectaltname ?? '').split(', ');
      resolve({ socket, peer: first.replace(/^URI:/, '') });
    });
  });
}

function failure(error: unknown): Answer {
  return { type: 'failure', reason: messageOf(error) };
}
