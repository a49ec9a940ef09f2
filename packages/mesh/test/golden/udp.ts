import { createSocket } from 'node:dgram';
import type { Answer } from './client.ts';
import type { EchoOptions, EchoReport } from './echo-application.ts';
import { LOOPBACK } from './instances.ts';

/** Nobody tells the client that a datagram was dropped, so that long is waited for an answer. */
const ANSWER_TIMEOUT_MS = 1_000;

/** Sends one datagram, and takes one for the answer. */
export function callUdp(port: number, text: string): Promise<Answer> {
  const { promise, resolve } = Promise.withResolvers<Answer>();
  const socket = createSocket('udp4');
  const fail = (reason: string) => resolve({ type: 'failure', reason });
  const timer = setTimeout(() => fail('no datagram came back'), ANSWER_TIMEOUT_MS);
  socket
    .once('message', (body) => resolve({ type: 'response', headers: {}, body: body.toString() }))
    .once('error', ({ message }) => fail(message));
  socket.send(text, port, LOOPBACK);
  return promise.finally(() => {
    clearTimeout(timer);
    socket.close();
  });
}

/** An application that answers each datagram with what it saw. */
export async function startDatagramEcho({
  workload,
  instance,
  at,
  containerPort,
}: Pick<EchoOptions, 'workload' | 'instance' | 'containerPort'> & { readonly at: number }): Promise<{
  close(): Promise<void>;
}> {
  const socket = createSocket('udp4');
  socket.on('message', (body, { port, address }) => {
    const own = containerPort === undefined ? {} : { port: containerPort };
    const report: EchoReport = { workload, instance, ...own, protocol: 'UDP', body: body.toString() };
    socket.send(JSON.stringify(report), port, address);
  });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  socket.once('error', reject).bind(at, LOOPBACK, resolve);
  await promise;
  return { close: () => new Promise((done) => socket.close(() => done())) };
}
