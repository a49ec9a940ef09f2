import { spawn } from 'node:child_process';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { listeners, listeningSockets, whyUnreachable } from './listening.ts';
import { signalGroup } from './process-table.ts';

const linux = test.runIf(process.platform === 'linux');

/** Runs a script in a process group of its own. It is there when it has printed a line, which are ports. */
async function run(script: string): Promise<{ group: number; ports: number[] }> {
  const child = spawn(process.execPath, ['-e', script], { detached: true, stdio: ['ignore', 'pipe', 'inherit'] });
  const group = child.pid ?? 0;
  onTestFinished(() => void signalGroup(group, 'SIGKILL'));
  const line = await new Promise<string>((resolve) =>
    child.stdout.setEncoding('utf8').once('data', (text: string) => resolve(text)),
  );
  return { group, ports: line.trim().split(' ').map(Number) };
}

const LISTEN = (host: string) =>
  `const server = require("node:net").createServer().listen(0, "${host}", () => console.log(server.address().port));`;

async function openServer(): Promise<Server> {
  const server = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return server;
}

const portOf = (server: Server) => (server.address() as AddressInfo).port;

/** A port of no server, since it was one until now. */
async function closedPort(): Promise<number> {
  const server = await openServer();
  const port = portOf(server);
  await new Promise((resolve) => server.close(resolve));
  return port;
}

test('an application that listens where it should', async () => {
  const { group, ports } = await run(LISTEN('127.0.0.1'));
  const wanted = { containerPort: 9080, appPort: ports[0] ?? 0, variable: 'PORT' };
  expect(await whyUnreachable(group, wanted)).toBe(undefined);
});

linux('an application that listens on its container port, in a process that its first one started', async () => {
  const { group, ports } = await run(
    `require("node:child_process").spawn(process.execPath, ["-e", ${JSON.stringify(LISTEN('0.0.0.0'))}], { stdio: "inherit" });`,
  );
  const [containerPort = 0] = ports;
  const appPort = await closedPort();
  expect(await whyUnreachable(group, { containerPort, appPort, variable: 'PORT' })).toBe(
    `it listens on ${containerPort}, but must listen on $PORT (${appPort})`,
  );
  // Whatever it is: ports are often written into the program.
  expect(await whyUnreachable(group, { containerPort: 9080, appPort, variable: 'PORT_9080' })).toBe(
    `it listens on ${containerPort}, but must listen on $PORT_9080 (${appPort})`,
  );
});

linux('another program on the container port has nothing to do with it', async () => {
  const { group } = await run('console.log(1); setInterval(() => {}, 1000);');
  const containerPort = portOf(await openServer());
  const appPort = await closedPort();
  expect(listeningSockets(group)).toEqual([]);
  expect(await whyUnreachable(group, { containerPort, appPort, variable: 'PORT' })).toBe(
    `it does not listen on any port, but must listen on $PORT (${appPort})`,
  );
});

linux('an application that listens on another address', async () => {
  const { group, ports } = await run(LISTEN('127.0.0.2'));
  const [appPort = 0] = ports;
  expect(await whyUnreachable(group, { containerPort: 9080, appPort, variable: 'PORT' })).toBe(
    `it listens on ${appPort} of 127.0.0.2, but must listen on 127.0.0.1`,
  );
});

linux('a process that has ended listens nowhere', async () => {
  const { group } = await run('console.log(1); setInterval(() => {}, 1000);');
  signalGroup(group, 'SIGKILL');
  while (listeningSockets(group)?.length !== 0) await delay(5);
  expect(listeningSockets(group)).toEqual([]);
});

test('where the system does not say who listens, what is there is only mentioned', async () => {
  const platform = Object.getOwnPropertyDescriptor(process, 'platform') ?? {};
  onTestFinished(() => void Object.defineProperty(process, 'platform', platform));
  Object.defineProperty(process, 'platform', { value: 'darwin' });
  const containerPort = portOf(await openServer());
  const appPort = await closedPort();
  expect(await whyUnreachable(1, { containerPort, appPort, variable: 'PORT' })).toBe(
    `it does not accept connections on $PORT (${appPort}). Something listens on ${containerPort}: ` +
      `if that is the application, it must listen on $PORT (${appPort})`,
  );
  expect(await whyUnreachable(1, { containerPort: appPort, appPort, variable: 'PORT' })).toBe(
    `it does not accept connections on $PORT (${appPort})`,
  );
});

test('the tables of the kernel', () => {
  const table = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 101 1 0 100 0 0 10 0
   1: 0100007F:1F91 0100007F:C350 01 00000000:00000000 00:00000000 00000000     0        0 102 1 0 20 4 30 10 -1
`;
  expect(listeners(table)).toEqual([['101', { address: '127.0.0.1', port: 8080 }]]);
  const six = `  sl  local_address                         remote_address                        st
   0: 00000000000000000000000001000000:2378 00000000000000000000000000000000:0000 0A 0:0 0:0 0 0 0 103 1
   1: B80D0120000000000000000001000000:0050 00000000000000000000000000000000:0000 0A 0:0 0:0 0 0 0 104 1
`;
  expect(listeners(six)).toEqual([
    ['103', { address: '::1', port: 9080 }],
    ['104', { address: '2001:db8::1', port: 80 }],
  ]);
});
