import { connect, type Socket } from 'node:net';
import { type Answer, ResponseReader } from './response-reader.ts';

export interface Target {
  /** On 127.0.0.1. */
  readonly port: number;
  /** What stands in the request line: a path, or for an HTTP proxy a URL. */
  readonly path: string;
  /** The Host header. */
  readonly host: string;
}

const CALL_TIMEOUT_MS = 10_000;

/**
 * A kept-alive HTTP/1.1 connection over the loopback interface, one request at a time. It costs a fraction of
 * `node:http`'s CPU time, which matters where the client shares the machine with what it measures.
 */
export class Connection {
  readonly #socket: Socket;
  readonly #request: Buffer;
  readonly #reader = new ResponseReader();
  #waiting: ((answer: Answer | Error) => void) | undefined;
  #failure: Error | undefined;

  private constructor(socket: Socket, request: Buffer) {
    this.#socket = socket;
    this.#request = request;
    socket.setNoDelay(true);
    socket.setTimeout(CALL_TIMEOUT_MS, () => {
      if (this.#waiting !== undefined) socket.destroy(new Error(`no answer within ${CALL_TIMEOUT_MS} ms`));
    });
    socket.on('data', (chunk: Buffer) => this.#receive(chunk));
    socket.on('error', (error) => this.#fail(error));
    socket.on('close', () => this.#fail(new Error('the connection was closed')));
  }

  static open({ port, path, host }: Target): Promise<Connection> {
    const request = Buffer.from(`GET ${path} HTTP/1.1\r\nhost: ${host}\r\n\r\n`, 'latin1');
    return new Promise((resolve, reject) => {
      const socket = connect({ host: '127.0.0.1', port });
      socket.once('error', reject);
      socket.once('connect', () => {
        socket.off('error', reject);
        resolve(new Connection(socket, request));
      });
    });
  }

  /** Sends the request again. `done` is called once, with the answer or with what went wrong. */
  send(done: (answer: Answer | Error) => void): void {
    if (this.#waiting !== undefined) throw new Error('one request at a time');
    if (this.#failure !== undefined) {
      done(this.#failure);
      return;
    }
    this.#waiting = done;
    this.#socket.write(this.#request);
  }

  call(): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.send((answer) => (answer instanceof Error ? reject(answer) : resolve(answer)));
    });
  }

  close(): void {
    this.#waiting = undefined;
    this.#socket.destroy();
  }

  #receive(chunk: Buffer): void {
    try {
      for (const answer of this.#reader.push(chunk)) {
        const waiting = this.#waiting;
        this.#waiting = undefined;
        waiting?.(answer);
      }
    } catch (error) {
      this.#socket.destroy(error as Error);
    }
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.(this.#failure);
  }
}
