import { once } from 'node:events';
import { createServer, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { GrpcCall } from './grpc-call.ts';

/** A gRPC server that gives each message to `onMessage`. */
async function serve(onMessage: (message: Buffer, stream: ServerHttp2Stream) => void): Promise<number> {
  const server = createServer();
  server.on('stream', (each, headers) => {
    const stream = each as ServerHttp2Stream;
    expect(headers[':path']).toBe('/a.B/C');
    expect(headers['content-type']).toBe('application/grpc');
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' });
    let received: Buffer = Buffer.alloc(0);
    stream.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      while (received.length >= 5 && received.length >= 5 + received.readUInt32BE(1)) {
        const end = 5 + received.readUInt32BE(1);
        onMessage(received.subarray(5, end), stream);
        received = received.subarray(end);
      }
    });
    stream.on('error', () => {});
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}

function framed(message: Buffer): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

test('messages go both ways whole, also those larger than any window', async () => {
  const port = await serve((message, stream) => stream.write(framed(Buffer.concat([Buffer.from('got '), message]))));
  const messages: Buffer[] = [];
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const sent = [0, 1, 5_000_000, 20].map((length) => Buffer.alloc(length, 'x'));
  const call = new GrpcCall({
    to: { host: '127.0.0.1', port },
    path: '/a.B/C',
    onMessage: (message) => {
      messages.push(Buffer.from(message));
      if (messages.length === sent.length) resolve();
    },
    onEnd: (why) => reject(new Error(why)),
  });
  onTestFinished(() => call.close());
  for (const message of sent) call.send(message);
  await promise;
  expect(
    messages.map((message) =>
      message.equals(Buffer.concat([Buffer.from('got '), sent[messages.indexOf(message)] ?? Buffer.alloc(0)])),
    ),
  ).toEqual([true, true, true, true]);
  expect(call.receivedBytes).toBeGreaterThan(5_000_000);
});

test('more than a window comes as long as it is read, and waits while it is not', async () => {
  const port = await serve((_, stream) => {
    for (let count = 0; count < 30; count++) stream.write(framed(Buffer.alloc(1_000_000)));
  });
  let count = 0;
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const call = new GrpcCall({
    to: { host: '127.0.0.1', port },
    path: '/a.B/C',
    onMessage: () => {
      count++;
      if (count === 1) {
        call.pause();
        setImmediate(() => call.resume());
      }
      if (count === 30) resolve();
    },
    onEnd: (why) => reject(new Error(why)),
  });
  onTestFinished(() => call.close());
  call.send(Buffer.from('go'));
  await promise;
});

test('the end of a stream is told once, and not when it was our own', async () => {
  const port = await serve((_, stream) => stream.end());
  const { promise, resolve } = Promise.withResolvers<string>();
  const call = new GrpcCall({ to: { host: '127.0.0.1', port }, path: '/a.B/C', onMessage: () => {}, onEnd: resolve });
  call.send(Buffer.from('go'));
  expect(await promise).toBe('the server ended the stream');
});
