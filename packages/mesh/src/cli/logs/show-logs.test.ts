import { mkdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { meshPaths } from '#local/state-paths.ts';
import { captureContext } from '../fixtures/capture.ts';
import { stateHome } from '../fixtures/state-home.ts';
import { showLogs } from './show-logs.ts';

async function logs(mesh?: string, follow = false): Promise<string> {
  const captured = captureContext();
  const options = { follow, tail: undefined, container: undefined, envoy: false, previous: false, mesh };
  expect(await showLogs('app-v1', options, captured.context)).toBe(0);
  return captured.stdout().replaceAll('app-v1-0 | ', '');
}

test('the logs of a mesh that was stopped', async () => {
  const home = stateHome();
  await expect(logs()).rejects.toMatchObject({
    code: 'LAT0304',
    message: 'No mesh is running, and none has left logs.',
    remedy: 'Start one with lateen up DIR.',
  });
  home.stopped('one');
  expect(await logs()).toBe('log of one\n');
  // One that was never ready has a directory, but nothing in it.
  mkdirSync(meshPaths('empty').stateDir);
  expect(await logs()).toBe('log of one\n');
  home.killed('two', '/app');
  await expect(logs()).rejects.toMatchObject({
    code: 'LAT0305',
    message: 'No mesh is running, and several have left logs: one, two.',
    remedy: 'Say which one with --mesh NAME.',
  });
  expect(await logs('one')).toBe('log of one\n');
  home.running('three', '/app');
  expect(await logs()).toBe('log of three\n');
  expect(await logs('two')).toBe('log of two\n');
});

test('the logs of a mesh whose supervisor was killed', async () => {
  stateHome().killed('one', '/app');
  expect(await logs()).toBe('log of one\n');
});

test('there is nothing to follow where nothing runs, and all of it is shown', async () => {
  const long = 'a line of many\n'.repeat(20_000);
  stateHome().stopped('one', long);
  expect(await logs(undefined, true)).toBe(long);
});

test('a name that is none', async () => {
  const home = stateHome();
  home.stopped('bookinfo');
  await expect(logs('bokinfo')).rejects.toMatchObject({
    code: 'LAT0304',
    message: "There is no mesh named bokinfo, did you mean 'bookinfo'?",
    remedy: 'There are: bookinfo.',
  });
});
