import { Agent, request as httpRequest } from 'node:http';
import { type ClientHttp2Session, connect } from 'node:http2';
import { text } from 'node:stream/consumers';
import { messageOf } from '@lateen/api/lateen-error.ts';
import type { Answer } from '../client.ts';
import { LOOPBACK } from '../instances.ts';
import type { RandomRequest } from './random-rules.ts';

/** Thousands of requests on a few connections. */
export class KeepAliveClient {
  readonly #agent: Agent;
  readonly #sessions = new Map<number, ClientHttp2Session>();

  constructor(maxSockets: number) {
    this.#agent = new Agent({ keepAlive: true, maxSockets });
  }

  /** `isProxy`: the server is a proxy that wants the whole URL, which only HTTP/1 can say. */
  send(port: number, host: string, isProxy: boolean, request: RandomRequest): Promise<Answer> {
    if (request.protocol === 'http2') return this.#http2(port, host, request);
    return this.#http1(port, host, isProxy ? `http://${host}${request.path}` : request.path, request);
  }

  close(): void {
    this.#agent.destroy();
    for (const session of this.#sessions.values()) session.destroy();
  }

  #http1(port: number, host: string, path: string, { method, headers }: RandomRequest): Promise<Answer> {
    return new Promise((resolve) => {
      const failed = (error: unknown) => resolve({ type: 'failure', reason: messageOf(error) });
      const outgoing = httpRequest({
        host: LOOPBACK,
        port,
        agent: this.#agent,
        method,
        path,
        headers: { ...headers, host },
      });
      outgoing.once('response', (response) => {
        text(response).then(
          (body) => resolve({ type: 'response', status: response.statusCode ?? 0, headers: response.headers, body }),
          failed,
        );
      });
      outgoing.once('error', failed);
      outgoing.end();
    });
  }

  #http2(port: number, host: string, { method, headers, path }: RandomRequest): Promise<Answer> {
    return new Promise((resolve) => {
      const failed = (error: unknown) => resolve({ type: 'failure', reason: messageOf(error) });
      const stream = this.#session(port).request({
        ...headers,
        ':method': method,
        ':path': path,
        ':authority': host,
        ':scheme': 'http',
      });
      stream.once('error', failed);
      stream.once('response', ({ ':status': status = 0, ...received }) => {
        const given = received as Record<string, string>;
        text(stream).then((body) => resolve({ type: 'response', status, headers: given, body }), failed);
      });
      stream.end();
    });
  }

  #session(port: number): ClientHttp2Session {
    const known = this.#sessions.get(port);
    if (known !== undefined && !known.closed && !known.destroyed) return known;
    const session = connect(`http://${LOOPBACK}:${port}`);
    // Each request hears of it as well.
    session.on('error', () => {});
    this.#sessions.set(port, session);
    return session;
  }
}
