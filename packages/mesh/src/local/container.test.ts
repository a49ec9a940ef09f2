import fs, { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { type AddressInfo, connect, createServer } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { Container, type ContainerOptions, type ContainerPlan, type ContainerProblem } from './container.ts';
import { Ports } from './ports.ts';
import type { Probe } from './probe-loop.ts';
import { processStartTime } from './process-identity.ts';
import { ProcessTable, signalGroup } from './process-table.ts';
import { killNow } from './testing/kill-now.ts';
import { temporaryDirectory } from './testing/temporary-directory.ts';
import { waitUntil } from './testing/wait-until.ts';

// Whoever looks for a free port at this moment may sit on this one.
const SERVE = `
  const server = require("node:http").createServer((q, r) => r.end("ok"));
  const listen = () => server.listen(process.env.PORT, "127.0.0.1");
  server.on("error", () => setTimeout(listen, 10));
  listen();`;

function tcp(port: number): Probe {
  return {
    action: { kind: 'tcp', host: '127.0.0.1', port },
    initialDelayMs: 0,
    periodMs: 20,
    timeoutMs: 1000,
    successThreshold: 1,
    failureThreshold: 2,
  };
}

function script(text: string, more: Partial<ContainerPlan> = {}): ContainerPlan {
  return { file: process.execPath, args: ['-e', text], cwd: process.cwd(), env: { PATH: '/usr/bin:/bin' }, ...more };
}

function make(plan: () => ContainerPlan | ContainerProblem, more: Partial<ContainerOptions> = {}) {
  const dir = temporaryDirectory();
  mkdirSync(join(dir, 'run'));
  const table = new ProcessTable(join(dir, 'run'), (problem) => {
    throw problem;
  });
  const states: string[] = [];
  const container: Container = new Container({
    title: 'app-0',
    logPath: join(dir, 'app-0.log'),
    table,
    graceMs: 2000,
    plan,
    onChange: () => {
      const { kind } = container.state;
      if (states.at(-1) !== kind) states.push(kind);
    },
    ...more,
  });
  onTestFinished(() => container.stop(0));
  const reach = (kind: string) => waitUntil(`the container is ${kind}`, () => container.state.kind === kind);
  return { container, table, states, reach, log: () => readFileSync(join(dir, 'app-0.log'), 'utf8') };
}

async function freePort(): Promise<number> {
  const [port = 0] = await new Ports().allocate(1);
  return port;
}

/** A port at which somebody answers until the test ends. */
async function acceptingPort(): Promise<number> {
  const server = createServer((socket) => socket.on('error', () => {}).destroy());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}

/** A port at which nobody can listen until the test ends: an outgoing connection sits on it. */
async function refusingPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const client = connect({ host: '127.0.0.1', port: (server.address() as AddressInfo).port });
  await new Promise<void>((resolve) => client.once('connect', () => resolve()));
  onTestFinished(() => {
    client.destroy();
    server.close();
  });
  return client.localPort ?? 0;
}

test('starts, gets ready, and stops with everything that it started', async () => {
  const port = await freePort();
  const parent = `
    console.log("child", require("node:child_process").spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"]).pid);
    ${SERVE}`;
  const plan = script(parent, { env: { PORT: String(port) }, readiness: tcp(port) });
  const { container, table, states, reach, log } = make(() => plan);
  container.start();
  await reach('ready');
  const { pid } = container;
  expect(table.records()).toMatchObject([{ pid, kind: 'container', name: 'app-0' }]);
  const child = Number(/child (\d+)/.exec(log())?.[1]);
  expect(processStartTime(child)).not.toBe(null);
  await container.stop();
  expect(states).toEqual(['starting', 'ready', 'stopping', 'stopped']);
  expect(processStartTime(pid ?? 0)).toBe(null);
  await waitUntil('the child is gone', () => processStartTime(child) === null);
  expect(table.records()).toEqual([]);
  expect(container.restarts).toBe(0);
  expect(log()).toMatch(/^--- lateen: .*app-0 starts: /);
});

test('a process that ignores SIGTERM is killed after the grace period', async () => {
  const { container, reach, log } = make(
    () => script('process.on("SIGTERM", () => console.log("no")); setInterval(() => {}, 1000); console.log("up")'),
    { graceMs: 60_000 },
  );
  container.start();
  await reach('ready');
  // A whole line: the first one of the log repeats the script.
  await waitUntil('it handles signals', () => /^up$/m.test(log()));
  const pid = container.pid ?? 0;
  onTestFinished(() => void signalGroup(pid, 'SIGKILL'));
  void container.stop(50);
  await reach('stopped');
  expect(processStartTime(pid)).toBe(null);
  expect(log()).toMatch(/^no$/m);
});

test('the children of a process are asked to end as well, and are waited for', async () => {
  const child = `
    process.on("SIGTERM", () => { console.log("child tidies up"); process.exit(); });
    setInterval(() => {}, 1000);
    console.log("child is up");`;
  const parent = `
    process.on("SIGTERM", () => {});
    const { spawn } = require("node:child_process");
    spawn(process.execPath, ["-e", ${JSON.stringify(child)}], { stdio: "inherit" }).on("exit", () => process.exit());`;
  const { container, reach, log } = make(() => script(parent));
  container.start();
  await reach('ready');
  await waitUntil('the child handles signals', () => /^child is up$/m.test(log()));
  await container.stop();
  expect(log()).toMatch(/^child tidies up$/m);
});

test('what a crashed process leaves behind goes with it', async () => {
  const crash = `
    const { spawn } = require("node:child_process");
    console.log("child", spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"]).pid);
    process.exit(1);`;
  const plans = [script(crash)];
  const { container, log } = make(() => plans.shift() ?? script('setInterval(() => {}, 1000)'));
  container.start();
  const pid = container.pid ?? 0;
  onTestFinished(() => void signalGroup(pid, 'SIGKILL'));
  await waitUntil('it was started again', () => container.restarts === 1);
  const child = Number(/^child (\d+)$/m.exec(log())?.[1]);
  expect(child).toBeGreaterThan(1);
  await waitUntil('the child is gone', () => processStartTime(child) === null);
});

test('a process that ends is started again, and says why it ended', async () => {
  let runs = 0;
  const { container, states, reach } = make(() => {
    runs += 1;
    return runs < 3
      ? script('console.error("cannot find it"); process.exit(7)')
      : script('setInterval(() => {}, 1000)');
  });
  container.start();
  const problem = await waitUntil('it failed', () => container.problem);
  expect(problem.code).toBe('LAT0321');
  expect(problem.message).toMatch(
    /^app-0 exited with code 7 after \d+\.\d s\. Its last lines:\ncannot find it\n \(log: /,
  );
  expect(container.state).toMatchObject({ kind: 'back-off', delayMs: 100 });
  await waitUntil('it runs for the third time', () => runs === 3);
  await reach('ready');
  expect(states.slice(0, 2)).toEqual(['starting', 'ready']);
  expect(container.restarts).toBe(2);
  expect(container.problem).toBe(undefined);
});

test('after a long run the breaks begin with the first again', async () => {
  const now = performance.now.bind(performance);
  let laterMs = 0;
  vi.spyOn(performance, 'now').mockImplementation(() => now() + laterMs);
  onTestFinished(() => void vi.restoreAllMocks());
  const breaks: number[] = [];
  const { container } = make(() => script('setInterval(() => {}, 1000)'), {
    onChange: () => {
      if (container.state.kind === 'back-off') breaks.push(container.state.delayMs);
    },
  });
  container.start();
  for (const ranMs of [0, 0, 31_000]) {
    const runs = breaks.length;
    await waitUntil('it runs', () => container.state.kind === 'ready');
    laterMs += ranMs;
    killNow(container.pid);
    await waitUntil('it ended', () => breaks.length > runs);
  }
  expect(breaks).toEqual([100, 200, 100]);
});

test('a killed process is noticed at once', async () => {
  const { container, reach } = make(() => script('setInterval(() => {}, 1000)'));
  container.start();
  await reach('ready');
  const first = container.pid;
  killNow(first);
  await reach('back-off');
  expect(container.problem?.message).toContain('was ended by SIGKILL');
  await reach('ready');
  expect(container.pid).not.toBe(first);
});

test('what cannot be started is tried again, and is no restart', async () => {
  let plan: ContainerPlan | ContainerProblem = { code: 'LAT0311', message: 'app-0: the command x was not found' };
  const { container, states, reach } = make(() => plan);
  container.start();
  expect(container.state).toMatchObject({ kind: 'back-off', reason: 'app-0: the command x was not found' });
  expect(container.problem?.code).toBe('LAT0311');
  plan = script('setInterval(() => {}, 1000)');
  await reach('ready');
  expect(states).toEqual(['back-off', 'starting', 'ready']);
  expect(container.restarts).toBe(0);
});

test.each(['LAT0310', 'LAT0314', 'LAT0315'] as const)('%s is not tried again: only an edit helps', async (code) => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  let plans = 0;
  const { container, states } = make(() => {
    plans += 1;
    return { code, message: 'app-0: container app has no command.' };
  });
  container.start();
  expect(container.state).toEqual({ kind: 'failed', reason: 'app-0: container app has no command.' });
  expect(container.problem?.code).toBe(code);
  vi.advanceTimersByTime(3_600_000);
  container.start();
  expect(plans).toBe(1);
  await container.stop();
  expect(states).toEqual(['failed', 'stopped']);
  expect(container.problem).toBe(undefined);
});

test('a script whose interpreter is missing', async () => {
  const file = join(temporaryDirectory(), 'run.sh');
  writeFileSync(file, '#!/no/such/interpreter\n', { mode: 0o755 });
  const { container, reach } = make(() => script('', { file }));
  container.start();
  await reach('back-off');
  expect(container.problem).toEqual({
    code: 'LAT0312',
    message: `app-0: ${file} cannot be started: the interpreter that its first line names was not found.`,
  });
});

test('a log that cannot be written', async () => {
  const { container } = make(() => script(''), { logPath: '/etc/hosts/such.log' });
  container.start();
  expect(container.problem).toMatchObject({ code: 'LAT0302', message: expect.stringContaining('/etc/hosts') });
});

test('a log for which the disk has no room', async () => {
  const open = fs.openSync;
  const full = Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' });
  vi.spyOn(fs, 'openSync').mockImplementation((path, ...rest) => {
    if (String(path).endsWith('full.log')) throw full;
    return open(path, ...rest);
  });
  syncBuiltinESMExports();
  onTestFinished(() => {
    vi.restoreAllMocks();
    syncBuiltinESMExports();
  });
  const path = join(temporaryDirectory(), 'full.log');
  const { container } = make(() => script(''), { logPath: path });
  container.start();
  expect(container.problem).toEqual({
    code: 'LAT0303',
    message: `app-0 has no log. Cannot write ${path}: the disk is full.`,
  });
  // Some may be freed at any time.
  expect(container.state).toMatchObject({ kind: 'back-off', delayMs: 100 });
});

test('stopping while it waits for the next start', async () => {
  const { container, reach } = make(() => script('process.exit(1)'));
  container.start();
  await reach('back-off');
  await container.stop();
  expect(container.state.kind).toBe('stopped');
  expect(container.problem).toBe(undefined);
});

test('an application that is slow: what was tried, and where its log is', async () => {
  const port = await refusingPort();
  const { container } = make(() => script('setInterval(() => {}, 1000)', { readiness: tcp(port) }), {
    slowAfterMs: 200,
    hint: async () => undefined,
  });
  container.start();
  const problem = await waitUntil('it is reported', () => container.problem);
  expect(problem.code).toBe('LAT0320');
  expect(problem.message).toMatch(
    new RegExp(
      `^app-0 runs but is not ready: TCP connection to 127.0.0.1:${port}: connection refused\\. Its log: .*\\.log$`,
    ),
  );
  expect(container.state.kind).toBe('starting');
});

test('an application that nobody can reach: the hint comes early, changes, and goes', async () => {
  const port = await refusingPort();
  let hint: string | undefined;
  const asked: (number | null)[] = [];
  const { container } = make(() => script('setInterval(() => {}, 1000)', { readiness: tcp(port) }), {
    hintAfterMs: 10,
    hint: async (pid) => {
      asked.push(pid);
      return hint;
    },
  });
  container.start();
  await waitUntil('it was asked', () => asked.length > 1);
  expect(container.problem).toBe(undefined);
  hint = 'it listens on 9080, but must listen on $PORT (21234)';
  const first = await waitUntil('it is reported', () => container.problem);
  expect(first.code).toBe('LAT0320');
  expect(first.message).toMatch(
    /^app-0 runs but is not ready: it listens on 9080, but .* \(21234\)\. Its log: .*\.log$/,
  );
  hint = 'it listens on 9090';
  await waitUntil('it is another', () => container.problem?.message.includes('it listens on 9090. '));
  hint = undefined;
  await waitUntil('it is gone', () => container.problem === undefined);
  expect(new Set(asked)).toEqual(new Set([container.pid]));
});

test('the hint goes when the application is ready', async () => {
  const isOpen = join(temporaryDirectory(), 'open');
  const readiness: Probe = {
    ...tcp(0),
    action: { kind: 'exec', file: '/usr/bin/test', args: ['-e', isOpen], cwd: '/', env: {} },
  };
  const { container, reach } = make(() => script('setInterval(() => {}, 1000)', { readiness }), {
    hintAfterMs: 10,
    hint: async () => 'it does not listen',
  });
  container.start();
  await waitUntil('it is reported', () => container.problem?.code === 'LAT0320');
  writeFileSync(isOpen, '');
  await reach('ready');
  expect(container.problem).toBe(undefined);
});

test('not ready, and ready again', async () => {
  const server = createServer((socket) => socket.destroy());
  const listen = (port: number) => new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const port = await freePort();
  await listen(port);
  const { container, reach } = make(() => script('setInterval(() => {}, 1000)', { readiness: tcp(port) }));
  container.start();
  await reach('ready');
  await new Promise((resolve) => server.close(resolve));
  await reach('unready');
  expect(container.state).toMatchObject({ reason: `TCP connection to 127.0.0.1:${port}: connection refused` });
  await listen(port);
  onTestFinished(() => void server.close());
  await reach('ready');
  expect(container.restarts).toBe(0);
});

test('a failed liveness probe restarts the process', async () => {
  // Both ports are held until the test ends, so that nobody else can answer for the process, or take its port away.
  const open = await acceptingPort();
  const closed = await refusingPort();
  const problems: (ContainerProblem | undefined)[] = [];
  const { container, states, reach } = make(() => {
    problems.push(container.problem);
    const liveness = problems.length === 1 ? tcp(closed) : { ...tcp(open), initialDelayMs: 60_000 };
    return script('setInterval(() => {}, 1000)', { readiness: tcp(open), liveness });
  });
  container.start();
  await waitUntil('it runs again', () => problems.length === 2);
  expect(problems[1]).toMatchObject({
    code: 'LAT0322',
    message: expect.stringContaining(`127.0.0.1:${closed}: connection refused`),
  });
  await reach('ready');
  expect(states.slice(-4)).toEqual(['stopping', 'back-off', 'starting', 'ready']);
  expect(container.restarts).toBe(1);
  expect(container.problem).toBe(undefined);
});

test('after a rewind it can be started again', async () => {
  const { container, reach } = make(() => script('setInterval(() => {}, 1000)'));
  container.start();
  await reach('ready');
  await container.rewind();
  expect(container.state.kind).toBe('waiting');
  container.start();
  await reach('ready');
});
