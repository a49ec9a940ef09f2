import { appendFileSync, closeSync, readFileSync, renameSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { followLog } from './log-follow.ts';
import { findLogs, LogRotation, lastLines, lastLinesOfRun, listLogs, logPath, openLog, writeMarker } from './logs.ts';
import { temporaryDirectory } from './testing/temporary-directory.ts';
import { waitUntil } from './testing/wait-until.ts';

function makeLogs(): string {
  const stateDir = temporaryDirectory();
  const names = [
    { namespace: 'default', replica: 'reviews-v1-0' },
    { namespace: 'default', replica: 'reviews-v1-0', envoy: true },
    { namespace: 'default', replica: 'reviews-v1-1' },
    { namespace: 'default', replica: 'reviews-v10-0' },
    { namespace: 'other', replica: 'reviews-v1-0' },
    { namespace: 'default', replica: 'two-0', container: 'app' },
    { namespace: 'default', replica: 'two-0', container: 'helper' },
    { namespace: 'istio-system', replica: 'istio-ingressgateway', envoy: true },
  ];
  for (const name of names) closeSync(openLog(logPath(stateDir, name)));
  closeSync(openLog(join(stateDir, 'logs', 'control-plane.log')));
  return stateDir;
}

test.each([
  ['reviews-v1-0', {}, ['default/reviews-v1-0']],
  ['reviews-v1', {}, ['default/reviews-v1-0', 'default/reviews-v1-1']],
  ['reviews-v1', { envoy: true }, ['default/reviews-v1-0.envoy']],
  ['other/reviews-v1', {}, ['other/reviews-v1-0']],
  ['two', {}, ['default/two-0.app', 'default/two-0.helper']],
  ['two.app', {}, ['default/two-0.app']],
  ['two-0.helper', {}, ['default/two-0.helper']],
  ['control-plane', {}, ['default/control-plane']],
  ['istio-ingressgateway', {}, ['istio-system/istio-ingressgateway.envoy']],
  ['istio-system/istio-ingressgateway', { envoy: true }, ['istio-system/istio-ingressgateway.envoy']],
  ['reviews', {}, []],
  ['nowhere/reviews-v1', {}, []],
])('%s %o means %j', (name, options, expected) => {
  expect(findLogs(makeLogs(), name, options).map((log) => `${log.namespace}/${log.name}`)).toEqual(expected);
});

test('logs are private, and listed with their names', () => {
  const stateDir = makeLogs();
  for (const { path } of listLogs(stateDir)) expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(listLogs(stateDir)).toHaveLength(9);
  expect(listLogs(temporaryDirectory())).toEqual([]);
});

test('the last lines of a file, and of the present run', () => {
  const path = join(temporaryDirectory(), 'a.log');
  expect(lastLines(path, 3)).toEqual([]);
  const fd = openLog(path);
  writeMarker(fd, 'a starts');
  appendFileSync(path, 'one\ntwo\n');
  expect(lastLinesOfRun(path, 5)).toEqual(['one', 'two']);
  expect(lastLinesOfRun(path, 1)).toEqual(['two']);
  writeMarker(fd, 'a starts');
  expect(lastLinesOfRun(path, 5)).toEqual([]);
  appendFileSync(path, 'three');
  expect(lastLinesOfRun(path, 5)).toEqual(['three']);
  expect(lastLines(path, 2)[0]).toMatch(/^--- lateen: .*a starts$/);
  closeSync(fd);
  const long = join(temporaryDirectory(), 'long.log');
  writeFileSync(long, Array.from({ length: 50_000 }, (_, index) => `line ${index}\n`).join(''));
  expect(lastLines(long, 2)).toEqual(['line 49998', 'line 49999']);
});

test('a log that grew too large is set aside, and its writer goes on at the start', () => {
  const path = join(temporaryDirectory(), 'a.log');
  const fd = openLog(path);
  const rotation = new LogRotation({ maxBytes: 100, checkEveryMs: 60_000 });
  rotation.watch(path);
  rotation.watch(join(temporaryDirectory(), 'missing.log'));
  writeFileSync(fd, 'x'.repeat(100));
  rotation.check();
  expect(statSync(path).size).toBe(100);
  writeFileSync(fd, 'y');
  rotation.check();
  writeFileSync(fd, 'after');
  expect(readFileSync(path, 'utf8')).toBe('after');
  expect(readFileSync(`${path}.1`, 'utf8')).toBe(`${'x'.repeat(100)}y`);
  rotation.close();
  closeSync(fd);
});

test('reads what is there, from the beginning or the last lines', async () => {
  const path = join(temporaryDirectory(), 'a.log');
  writeFileSync(path, 'one\ntwo\nthree\n');
  const read = async (options: { tailLines?: number }) => {
    let text = '';
    await followLog(path, { follow: false, ...options }, (chunk) => {
      text += chunk.toString();
    });
    return text;
  };
  expect(await read({})).toBe('one\ntwo\nthree\n');
  expect(await read({ tailLines: 2 })).toBe('two\nthree\n');
  expect(await read({ tailLines: 0 })).toBe('');
  expect(await read({ tailLines: 10 })).toBe('one\ntwo\nthree\n');
  await expect(followLog(`${path}.missing`, { follow: false }, () => {})).rejects.toMatchObject({ code: 'LAT0302' });
});

test('follows a log that appears late, is rotated and is replaced', async () => {
  const path = join(temporaryDirectory(), 'a.log');
  const abort = new AbortController();
  let text = '';
  const following = followLog(path, { follow: true }, (chunk) => (text += chunk.toString()), abort.signal);
  const seen = (expected: string) => waitUntil(`it has read ${expected}`, () => text === expected);
  writeFileSync(path, 'one\n');
  await seen('one\n');
  appendFileSync(path, 'two\n');
  await seen('one\ntwo\n');
  truncateSync(path);
  appendFileSync(path, '3\n');
  await seen('one\ntwo\n3\n');
  writeFileSync(`${path}.new`, 'four\n');
  renameSync(`${path}.new`, path);
  await seen('one\ntwo\n3\nfour\n');
  abort.abort();
  await following;
});
