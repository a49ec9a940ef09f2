import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import { connect } from 'node:http2';
import { buffer } from 'node:stream/consumers';
import { messageOf } from '@lateen/api/lateen-error.ts';
import { type Answer, type ClientRequestOptions, callHttp1 } from './client.ts';
import type { EchoReport } from './echo-application.ts';
import { LOOPBACK } from './instances.ts';

/**
 * Just enough of gRPC to see what proxies make of it: a call has one message, its body, and the answer has one, what the
 * application saw (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md).
 */
const PREFIX_BYTES = 5;
const GRPC = 'application/grpc';
/** gRPC-Web in base64. */
const GRPC_WEB = 'application/grpc-web-text';
/** Of a frame of gRPC-Web: it holds the trailers. */
const TRAILERS = 0x80;

const TIMEOUT_MS = 8_000;

export function isGrpc(contentType: string | undefined): boolean {
  return contentType === GRPC || contentType?.startsWith(`${GRPC}+`) === true;
}

/** Answers as a gRPC application does. */
export function answerGrpc(response: ServerResponse, report: EchoReport): void {
  response.writeHead(200, { 'content-type': GRPC });
  response.addTrailers({ 'grpc-status': '0' });
  response.end(frame(JSON.stringify({ ...report, body: report.body.slice(PREFIX_BYTES) })));
}

/** Over HTTP/2; with the trailers among the headers. */
export async function callGrpc({ port, target, host, headers, body = '' }: ClientRequestOptions): Promise<Answer> {
  const session = connect(`http://${LOOPBACK}:${port}`);
  try {
    const stream = session.request(
      {
        ...headers,
        'content-type': GRPC,
        te: 'trailers',
        ':method': 'POST',
        ':path': target,
        ':authority': host,
        ':scheme': 'http',
      },
      { signal: AbortSignal.timeout(TIMEOUT_MS) },
    );
    const received: IncomingHttpHeaders = {};
    for (const event of ['response', 'trailers']) stream.once(event, (more) => Object.assign(received, more));
    stream.end(frame(body));
    const failed = new Promise<never>((_, reject) => session.once('error', reject));
    const bytes = await Promise.race([buffer(stream), failed]);
    const [message = ''] = parseFrames(bytes).messages;
    return {
      type: 'response',
      status: Number(received[':status' as keyof IncomingHttpHeaders]),
      headers: received,
      body: message,
    };
  } catch (error) {
    return { type: 'failure', reason: messageOf(error) };
  } finally {
    session.destroy();
  }
}

/** As a browser: over HTTP/1.1, in base64. An answer that is not gRPC-Web is given as it is. */
export async function callGrpcWeb({ body = '', ...options }: ClientRequestOptions): Promise<Answer> {
  const answer = await callHttp1({
    ...options,
    method: 'POST',
    headers: { ...options.headers, 'content-type': GRPC_WEB, accept: GRPC_WEB, 'x-grpc-web': '1' },
    body: frame(body).toString('base64'),
  });
  if (answer.type !== 'response' || !answer.headers['content-type']?.startsWith(GRPC_WEB)) return answer;
  // Each piece of the answer is encoded by itself, so padding may stand in the middle.
  const pieces = answer.body.match(/[A-Za-z0-9+/]+={0,2}/g) ?? [];
  const { messages, trailers } = parseFrames(Buffer.concat(pieces.map((piece) => Buffer.from(piece, 'base64'))));
  return { ...answer, headers: { ...answer.headers, ...trailers }, body: messages[0] ?? '' };
}

function frame(message: string): Buffer {
  const prefix = Buffer.alloc(PREFIX_BYTES);
  prefix.writeUInt32BE(Buffer.byteLength(message), 1);
  return Buffer.concat([prefix, Buffer.from(message)]);
}

function parseFrames(bytes: Buffer): { messages: string[]; trailers: Record<string, string> } {
  const messages: string[] = [];
  const trailers: Record<string, string> = {};
  for (let at = 0; at + PREFIX_BYTES <= bytes.length; ) {
    const end = at + PREFIX_BYTES + bytes.readUInt32BE(at + 1);
    const text = bytes.toString('utf8', at + PREFIX_BYTES, end);
    if (bytes[at] === TRAILERS) {
      for (const [, name = '', value = ''] of text.matchAll(/^([^:\r\n]+): ?(.*?)\r?$/gm)) trailers[name] = value;
    } else messages.push(text);
    at = end;
  }
  return { messages, trailers };
}
