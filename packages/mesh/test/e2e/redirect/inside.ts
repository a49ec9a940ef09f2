/** The application of a machine in a test's network: listens and calls as the lines on its standard input say. */
import { createServer as createHttpServer, request as httpRequest } from 'node:http';
import { connect, createServer, type Socket } from 'node:net';
import { createInterface } from 'node:readline';

export type Request =
  | {
      readonly type: 'listen';
      readonly port: number;
      readonly name: string;
      readonly address?: string;
      readonly greets?: boolean;
    }
  | ({ readonly type: 'call' } & Call);

export interface Call {
  readonly from: string;
  readonly to: string;
  readonly port: number;
  /** Absent: the text is sent as it is over TCP. */
  readonly http?: {
    readonly host: string;
    readonly path?: string;
    readonly headers?: Readonly<Record<string, string>>;
  };
  readonly text?: string;
  /** The server speaks first. */
  readonly awaitsGreeting?: boolean;
}

/** What came back, or why nothing did. */
export interface CallResult {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string | string[] | undefined>>;
  readonly body?: string;
  readonly error?: string;
}

const CALL_TIMEOUT_MS = 15_000;

function listen({ port, name, address = '0.0.0.0', greets = false }: Extract<Request, { type: 'listen' }>) {
  const http = createHttpServer((request, response) => {
    const { method, url, headers } = request;
    response.end(JSON.stringify({ name, method, url, headers, from: request.socket.remoteAddress }));
  });
  const server = createServer((socket) => {
    socket.on('error', () => {});
    if (greets) socket.write(`${name} greets\n`);
    socket.once('readable', () => {
      const start: Buffer | null = socket.read();
      if (start === null) return;
      if (/^[A-Z]+ \S+ HTTP\/1/.test(start.toString('latin1'))) {
        socket.unshift(start);
        http.emit('connection', socket);
      } else socket.end(`${name} got ${start}`);
    });
  });
  return new Promise<CallResult>((resolve) => {
    server.once('error', (error) => resolve({ error: error.message })).listen(port, address, () => resolve({}));
  });
}

function callHttp({ from, to, port, http }: Call): Promise<CallResult> {
  const { host = '', path = '/', headers = {} } = http ?? {};
  return new Promise((resolve) => {
    const options = { host: to, port, path, localAddress: from, headers: { ...headers, host }, agent: false };
    const request = httpRequest({ ...options, timeout: CALL_TIMEOUT_MS }, (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (text: string) => {
        body += text;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }));
      response.on('error', (error) => resolve({ error: error.message }));
    });
    request.on('timeout', () => request.destroy(new Error('timeout')));
    request.on('error', (error) => resolve({ error: error.message }));
    request.end();
  });
}

function callTcp({ from, to, port, text = '', awaitsGreeting = false }: Call): Promise<CallResult> {
  return new Promise((resolve) => {
    let body = '';
    const socket: Socket = connect({ host: to, port, localAddress: from }, () => {
      if (!awaitsGreeting) socket.write(text);
    });
    socket.setTimeout(CALL_TIMEOUT_MS, () => socket.destroy(new Error('timeout')));
    socket.setEncoding('utf8').on('data', (chunk: string) => {
      if (awaitsGreeting && body === '') socket.write(text);
      body += chunk;
    });
    socket.on('error', (error) => resolve({ error: error.message }));
    socket.on('close', () => resolve(body === '' ? { error: 'closed' } : { body }));
  });
}

createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, request } = JSON.parse(line) as { id: number; request: Request };
  const result = request.type === 'listen' ? listen(request) : request.http ? callHttp(request) : callTcp(request);
  void result.then((answer) => process.stdout.write(`${JSON.stringify({ id, result: answer })}\n`));
});
