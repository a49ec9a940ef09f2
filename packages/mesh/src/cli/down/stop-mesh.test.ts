import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { lockMesh } from '#local/mesh-lock.ts';
import { captureContext } from '../fixtures/capture.ts';
import { stateHome } from '../fixtures/state-home.ts';
import { stopMesh } from './stop-mesh.ts';

async function down(mesh: string | undefined, purge: boolean): Promise<string> {
  const captured = captureContext();
  expect(await stopMesh({ mesh, purge }, captured.context)).toBe(0);
  return captured.stdout();
}

test('a stopped mesh is purged when it is named', async () => {
  const home = stateHome();
  const [one, two] = [home.stopped('one'), home.stopped('two')];
  expect(await down('one', false)).toBe('The mesh one is not running.\n');
  expect(readdirSync(one)).toEqual(['logs']);
  expect(await down('one', true)).toBe(`The mesh one is not running.\nRemoved ${one}.\n`);
  expect([one, two].map((path) => existsSync(path))).toEqual([false, true]);
});

test('what is to be removed is never guessed', async () => {
  const home = stateHome();
  expect(await down(undefined, true)).toBe('No mesh is running.\n');
  const one = home.stopped('one');
  await expect(down(undefined, true)).rejects.toMatchObject({
    code: 'LAT0304',
    message: 'No mesh is running, so nothing was removed.',
    remedy: 'The mesh one is stopped. To remove what it keeps: lateen down --mesh one --purge',
  });
  const two = home.stopped('two');
  await expect(down(undefined, true)).rejects.toMatchObject({
    code: 'LAT0305',
    message: 'No mesh is running, so nothing was removed. Stopped are: one, two.',
    remedy: 'Say which one with lateen down --mesh NAME --purge.',
  });
  expect(await down(undefined, false)).toBe('No mesh is running.\n');
  expect([one, two].every((path) => existsSync(path))).toBe(true);
});

test('what a killed supervisor left is removed with it', async () => {
  const home = stateHome();
  const one = home.killed('one', '/app');
  expect(await down(undefined, true)).toBe(
    `The supervisor of the mesh one had been killed before.\nThe mesh one is stopped.\nRemoved ${one}.\n`,
  );
});

test('a name that is none', async () => {
  const home = stateHome();
  home.stopped('bookinfo');
  expect(await down('bokinfo', true)).toBe("There is no mesh named bokinfo, did you mean 'bookinfo'?\n");
  expect(await down('shop', false)).toBe('There is no mesh named shop.\n');
});

test('a mesh that is just about to start keeps its state', async () => {
  const one = stateHome().stopped('one');
  const lock = lockMesh('one', one);
  await expect(down('one', true)).rejects.toMatchObject({ code: 'LAT0301' });
  lock.release();
  expect(readdirSync(join(one, 'logs'))).toEqual(['app-v1-0.log']);
});
