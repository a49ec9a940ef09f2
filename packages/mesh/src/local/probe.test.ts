import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { describeAction, type ProbeAction, probeOnce } from './probe-action.ts';
import { judge, type Probe, runProbeLoop, type Verdict } from './probe-loop.ts';
import { processStartTime } from './process-identity.ts';
import { signalGroup } from './process-table.ts';
import { temporaryDirectory } from './testing/temporary-directory.ts';
import { waitUntil } from './testing/wait-until.ts';

async function serve(handler: (request: IncomingMessage, response: ServerResponse) => void): Promise<number> {
  const server = createServer(handler);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

const never = new AbortController().signal;
const http = (port: number, path = '/', headers = {}): ProbeAction => ({
  kind: 'http',
  host: '127.0.0.1',
  port,
  path,
  headers,
});
const exec = (script: string, cwd = process.cwd(), env = {}): ProbeAction => ({
  kind: 'exec',
  file: process.execPath,
  args: ['-e', script],
  cwd,
  env,
});

test.each([
  [200, undefined],
  [302, undefined],
  [399, undefined],
  [400, 'status 400'],
  [503, 'status 503'],
])('an HTTP status of %i gives %s', async (status, failure) => {
  const port = await serve((_, response) => response.writeHead(status, { location: '/elsewhere' }).end());
  expect(await probeOnce(http(port), 1000, never)).toBe(failure);
});

test.each<[string, ProbeAction, RegExp]>([
  ['a path that no request can have', http(1, '/a b'), /unescaped characters/],
  ['a header that no request can have', http(1, '/', { 'X-Probe': 'a\nb' }), /Invalid character in header/],
  ['a folder that is none', exec('', import.meta.filename), /ENOTDIR/],
  ['an argument with a NUL', exec('\0'), /null bytes/],
])('%s is a failure, and not the end of everything', async (_, action, failure) => {
  expect(await probeOnce(action, 1000, never)).toMatch(failure);
});

test('sends path and headers of the probe', async () => {
  const seen: unknown[] = [];
  const port = await serve((request, response) => {
    seen.push(request.url, request.headers['x-probe'], request.headers.host);
    response.end();
  });
  expect(await probeOnce(http(port, '/health?full=1', { 'X-Probe': 'yes', Host: 'app.test' }), 1000, never)).toBe(
    undefined,
  );
  expect(seen).toEqual(['/health?full=1', 'yes', 'app.test']);
});

test('an answer that does not come in time, and nobody listening', async () => {
  const port = await serve(() => {});
  expect(await probeOnce(http(port), 30, never)).toBe('no answer within 0.03 s');
  expect(await probeOnce({ kind: 'tcp', host: '127.0.0.1', port }, 1000, never)).toBe(undefined);
  expect(await probeOnce({ kind: 'tcp', host: '127.0.0.1', port: 1 }, 1000, never)).toBe('connection refused');
  expect(await probeOnce(http(1), 1000, never)).toBe('connection refused');
});

test('commands', async () => {
  expect(await probeOnce(exec(''), 5000, never)).toBe(undefined);
  expect(await probeOnce(exec('console.error("not yet"); process.exit(3)'), 5000, never)).toBe('exit code 3: not yet');
  expect(await probeOnce(exec('setInterval(() => {}, 1000)'), 50, never)).toBe('not finished within 0.05 s');
  expect(describeAction(exec('1'))).toBe(`exec ${process.execPath} -e 1`);
});

test('commands run in the folder and with the environment of the container, and with nothing else', async () => {
  const cwd = realpathSync(temporaryDirectory());
  const say = 'console.error(process.cwd(), process.env.COLOR, process.env.LATEEN_TEST); process.exit(1)';
  vi.stubEnv('LATEEN_TEST', 'not for applications');
  onTestFinished(() => void vi.unstubAllEnvs());
  expect(await probeOnce(exec(say, cwd, { COLOR: 'red' }), 5000, never)).toBe(`exit code 1: ${cwd} red undefined`);
});

test('a command that takes too long is killed, with the processes that it started', async () => {
  const file = join(temporaryDirectory(), 'pids');
  const script = `
    const child = require("node:child_process").spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"]);
    require("node:fs").writeFileSync(${JSON.stringify(file)}, process.pid + " " + child.pid + "\\n");
    setInterval(() => {}, 1000);`;
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  const result = probeOnce(exec(script), 60_000, never);
  const written = () => (existsSync(file) ? readFileSync(file, 'utf8') : '');
  await waitUntil('it runs', () => written().endsWith('\n'));
  const pids = written().trim().split(' ').map(Number);
  onTestFinished(() => void signalGroup(pids[0] ?? 0, 'SIGKILL'));
  vi.advanceTimersByTime(60_000);
  expect(await result).toBe('not finished within 60 s');
  await waitUntil('both are gone', () => pids.every((pid) => processStartTime(pid) === null));
});

test('an abort ends a probe at once', async () => {
  const port = await serve(() => {});
  const abort = new AbortController();
  const results = [http(port), exec('setInterval(() => {}, 1000)')].map((action) =>
    probeOnce(action, 60_000, abort.signal),
  );
  abort.abort();
  for (const result of await Promise.all(results)) expect(result).toMatch(/abort/);
});

test('a verdict changes after as many results in a row as the thresholds say', () => {
  const thresholds = { successThreshold: 2, failureThreshold: 3 };
  let verdict: Verdict = { passing: false, streak: 0 };
  const verdicts = [...'+-++--+---+-++'].map((result) => {
    verdict = judge(verdict, result === '+', thresholds);
    return verdict.passing ? '+' : '-';
  });
  expect(verdicts.join('')).toBe('---+' + '+++++---' + '-+');
});

test('nothing is asked before initialDelaySeconds', async () => {
  const askedAt: number[] = [];
  const port = await serve((_, response) => {
    askedAt.push(performance.now());
    response.end();
  });
  const abort = new AbortController();
  const loop = (initialDelayMs: number) =>
    runProbeLoop(
      {
        action: http(port),
        initialDelayMs,
        periodMs: 60_000,
        timeoutMs: 1000,
        successThreshold: 1,
        failureThreshold: 3,
      },
      { initially: false, eager: true, signal: abort.signal, onChange: () => {} },
    );
  const startedAt = performance.now();
  const loops = [loop(100), loop(60_000)];
  await waitUntil('it was asked', () => askedAt.length > 0);
  // Timers count in whole milliseconds.
  expect(askedAt[0]).toBeGreaterThan(startedAt + 98);
  abort.abort();
  await Promise.all(loops);
  expect(askedAt).toHaveLength(1);
});

test('before the first success it is tried much more often than periodSeconds says, then no more', async () => {
  let requests = 0;
  const port = await serve((_, response) => {
    requests += 1;
    response.writeHead(requests < 4 ? 503 : 200).end();
  });
  const abort = new AbortController();
  const changes: boolean[] = [];
  const failures: string[] = [];
  const probe: Probe = {
    action: http(port, '/ready'),
    initialDelayMs: 0,
    periodMs: 60_000,
    timeoutMs: 1000,
    successThreshold: 1,
    failureThreshold: 3,
  };
  const loop = runProbeLoop(probe, {
    initially: false,
    eager: true,
    signal: abort.signal,
    onChange: (passing) => changes.push(passing),
    onFailure: (failure) => failures.push(failure),
  });
  await waitUntil('the probe passed', () => changes.length > 0);
  expect(changes).toEqual([true]);
  expect(failures).toEqual(Array(3).fill(`GET http://127.0.0.1:${port}/ready: status 503`));
  abort.abort();
  await loop;
  expect(requests).toBe(4);
});

test('after the first success single failures are forgiven, and the period counts', async () => {
  const answers = [200, 500, 200, 500, 500, 200];
  const port = await serve((_, response) => response.writeHead(answers.shift() ?? 200).end());
  const abort = new AbortController();
  const changes: boolean[] = [];
  const probe: Probe = {
    action: http(port),
    initialDelayMs: 0,
    periodMs: 2,
    timeoutMs: 1000,
    successThreshold: 1,
    failureThreshold: 2,
  };
  void runProbeLoop(probe, {
    initially: false,
    eager: true,
    signal: abort.signal,
    onChange: (passing) => changes.push(passing),
  });
  await waitUntil('all changes were seen', () => changes.length === 3);
  abort.abort();
  expect(changes).toEqual([true, false, true]);
});
