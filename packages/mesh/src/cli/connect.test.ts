import { expect, test } from 'vitest';
import { findRunningMesh } from './connect.ts';
import { stateHome } from './fixtures/state-home.ts';

function remedyFor(mesh?: string): string {
  try {
    findRunningMesh(mesh);
  } catch (error) {
    return `${(error as { code: string }).code} ${(error as { remedy: string }).remedy}`;
  }
  return 'it runs';
}

test('no mesh, and one that runs', () => {
  const home = stateHome();
  expect(remedyFor()).toBe('LAT0304 Start one with lateen up DIR.');
  home.stopped('old');
  expect(remedyFor('old')).toBe('LAT0304 Start one with lateen up DIR.');
  home.running('shop', home.folder('shop'));
  expect(findRunningMesh('shop').mesh).toBe('shop');
  expect(findRunningMesh(undefined).mesh).toBe('shop');
});

test('a mesh whose supervisor was killed: what would start this one again, and no other', () => {
  const home = stateHome();
  const shop = home.folder('shop');
  home.killed('shop', shop);
  expect(remedyFor('shop')).toBe(
    `LAT0304 Start the mesh again with lateen up ${shop}, or end what is left with lateen down --mesh shop.`,
  );
  expect(remedyFor()).toBe(remedyFor('shop'));
  home.killed('shop2', shop);
  expect(remedyFor('shop2')).toBe(
    `LAT0304 Start the mesh again with lateen up ${shop} --mesh shop2, or end what is left with lateen down --mesh shop2.`,
  );
  home.killed('gone', `${shop}/gone`);
  expect(remedyFor('gone')).toBe('LAT0304 End what is left with lateen down --mesh gone.');
});
