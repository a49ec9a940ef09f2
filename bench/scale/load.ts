import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { LoadMethods, LoadOptions, LoadReply, LoadRequest } from './load-process.ts';

type Remote<Methods> = {
  readonly [Name in keyof Methods]: Methods[Name] extends (...parameters: infer Parameters) => infer Result
    ? (...parameters: Parameters) => Promise<Awaited<Result>>
    : never;
};

interface Waiting {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
}

export type Load = Remote<LoadMethods> & { close(): Promise<void> };

/** Simulated proxies in a process of their own. They connect when they are told to. */
export function startLoad(options: LoadOptions): Load {
  const child = fork(join(import.meta.dirname, 'load-process.ts'), [JSON.stringify(options)], {
    serialization: 'advanced',
  });
  const waiting = new Map<number, Waiting>();
  child.on('message', (reply: LoadReply) => {
    const { resolve, reject } = waiting.get(reply.id) as Waiting;
    waiting.delete(reply.id);
    if ('error' in reply) reject(new Error(`the load process: ${reply.error}`));
    else resolve(reply.result);
  });
  child.on('exit', (code, signal) => {
    const error = new Error(`the load process ended with ${signal ?? `code ${code}`}`);
    for (const { reject } of waiting.values()) reject(error);
    waiting.clear();
  });
  let calls = 0;
  const call =
    (method: LoadRequest['method']) =>
    (...parameters: readonly unknown[]): Promise<unknown> => {
      const { promise, resolve, reject } = Promise.withResolvers<unknown>();
      if (child.exitCode !== null || child.signalCode !== null) throw new Error('the load process has ended');
      waiting.set(++calls, { resolve, reject });
      child.send({ id: calls, method, parameters } satisfies LoadRequest);
      return promise;
    };
  const methods: readonly LoadRequest['method'][] = [
    'connect',
    'disconnect',
    'reconnect',
    'announce',
    'latencies',
    'quiet',
    'traffic',
    'disturb',
    'calm',
    'digests',
    'versions',
    'cpuMs',
  ];
  const remote = Object.fromEntries(methods.map((method) => [method, call(method)]));
  return { ...(remote as Remote<LoadMethods>), close: () => end(child) };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}
