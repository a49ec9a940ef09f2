import { createHash, randomBytes } from 'node:crypto';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { messageOf } from '@lateen/api/lateen-error.ts';
import type { Answer, ClientRequestOptions } from './client.ts';
import { CALL_ID_HEADER, type EchoOptions, type EchoReport } from './echo-application.ts';
import { LOOPBACK } from './instances.ts';

/** Just enough of RFC 6455: a text in one frame each way, the body of the call and what the application saw. */
const KEY_SUFFIX = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const FINAL_TEXT = 0x81;
const MASKED = 0x80;
const LENGTH_IN_16_BITS = 126;
const MASK_BYTES = 4;

const TIMEOUT_MS = 8_000;

export function answerWebSocket(
  request: IncomingMessage,
  socket: Socket,
  head: Buffer,
  { workload, instance, attempts }: EchoOptions,
): void {
  const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]));
  const id = headers[CALL_ID_HEADER] ?? '';
  attempts.set(id, { count: (attempts.get(id)?.count ?? 0) + 1, mirrored: new Set() });
  const accept = createHash('sha1').update(`${headers['sec-websocket-key']}${KEY_SUFFIX}`).digest('base64');
  socket.write(
    [
      'HTTP/1.1 101 Switching Protocols',
      'Upgrade: websocket',
      'Connection: Upgrade',
      `Sec-WebSocket-Accept: ${accept}`,
      '',
      '',
    ].join('\r\n'),
  );
  void readText(socket, head).then((body) => {
    const report: EchoReport = {
      workload,
      instance,
      protocol: 'WebSocket',
      method: request.method ?? '',
      path: request.url ?? '',
      host: headers.host ?? '',
      headers,
      body,
    };
    socket.end(textFrame(JSON.stringify(report)));
  });
}

/** A failed handshake is an answer too. */
export function callWebSocket({ port, target, host, headers, body = '' }: ClientRequestOptions): Promise<Answer> {
  return new Promise((resolve) => {
    const fail = (error: unknown) => resolve({ type: 'failure', reason: messageOf(error) });
    const outgoing = httpRequest({
      host: LOOPBACK,
      port,
      path: target,
      agent: false,
      headers: {
        ...headers,
        host,
        connection: 'Upgrade',
        upgrade: 'websocket',
        'sec-websocket-version': '13',
        'sec-websocket-key': randomBytes(16).toString('base64'),
      },
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    outgoing.once('upgrade', (response, socket: Socket, head) => {
      socket.on('error', fail);
      socket.write(textFrame(body, randomBytes(MASK_BYTES)));
      readText(socket, head).then((text) => {
        socket.destroy();
        resolve({ type: 'response', status: response.statusCode ?? 0, headers: response.headers, body: text });
      }, fail);
    });
    outgoing.once('response', (response) => {
      response.resume();
      resolve({ type: 'response', status: response.statusCode ?? 0, headers: response.headers, body: '' });
    });
    outgoing.once('error', fail);
    outgoing.end();
  });
}

function textFrame(text: string, mask?: Buffer): Buffer {
  const payload = Buffer.from(text);
  const flag = mask === undefined ? 0 : MASKED;
  const length = Buffer.from(
    payload.length < LENGTH_IN_16_BITS
      ? [FINAL_TEXT, flag | payload.length]
      : [FINAL_TEXT, flag | LENGTH_IN_16_BITS, payload.length >> 8, payload.length & 0xff],
  );
  return mask === undefined
    ? Buffer.concat([length, payload])
    : Buffer.concat([length, mask, payload.map((byte, i) => byte ^ (mask[i % MASK_BYTES] ?? 0))]);
}

async function readText(socket: Socket, head: Buffer): Promise<string> {
  let bytes = head;
  for (;;) {
    const text = parseText(bytes);
    if (text !== undefined) return text;
    const more = await new Promise<Buffer>((resolve, reject) => {
      socket.once('data', resolve);
      socket.once('close', () => reject(new Error('the WebSocket ended without a text')));
    });
    bytes = Buffer.concat([bytes, more]);
  }
}

/** Undefined if there is not all of it yet. */
function parseText(bytes: Buffer): string | undefined {
  if (bytes.length < 4) return undefined;
  const second = bytes[1] ?? 0;
  const short = second & ~MASKED;
  const [length, at] = short === LENGTH_IN_16_BITS ? [bytes.readUInt16BE(2), 4] : [short, 2];
  const mask = (second & MASKED) === 0 ? undefined : bytes.subarray(at, at + MASK_BYTES);
  const start = at + (mask === undefined ? 0 : MASK_BYTES);
  if (bytes.length < start + length) return undefined;
  const payload = bytes.subarray(start, start + length);
  return (mask === undefined ? payload : payload.map((byte, i) => byte ^ (mask[i % MASK_BYTES] ?? 0))).toString('utf8');
}
