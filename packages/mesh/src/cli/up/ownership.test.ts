import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { writeMeshFile } from '#local/mesh-file.ts';
import { processStartTime } from '#local/process-identity.ts';
import { meshPaths, prepareMeshDirectories } from '#local/state-paths.ts';
import { checkOwnership, claimOwnership } from './ownership.ts';

let home: string;
const before = process.env.LATEEN_HOME;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'lateen-own-'));
  process.env.LATEEN_HOME = join(home, 'state');
  mkdirSync(join(home, 'a'));
  mkdirSync(join(home, 'b'));
});
afterEach(() => {
  if (before === undefined) delete process.env.LATEEN_HOME;
  else process.env.LATEEN_HOME = before;
  rmSync(home, { recursive: true });
});

test('a name belongs to the folder that it was used for, as long as that exists', () => {
  checkOwnership('shop', join(home, 'a'));
  prepareMeshDirectories(meshPaths('shop'));
  claimOwnership('shop', join(home, 'a'));
  checkOwnership('shop', join(home, 'a'));
  expect(() => checkOwnership('shop', join(home, 'b'))).toThrow(
    expect.objectContaining({ code: 'LAT0508', message: `The name shop belongs to the mesh of ${home}/a.` }),
  );
  checkOwnership('other', join(home, 'b'));
  rmSync(join(home, 'a'), { recursive: true });
  checkOwnership('shop', join(home, 'b'));
});

test('a running mesh is named with its process and folder', () => {
  const { stateDir, runDir } = meshPaths('shop');
  prepareMeshDirectories({ stateDir, runDir });
  writeMeshFile(stateDir, {
    mesh: 'shop',
    dir: '/srv/shop',
    pid: process.pid,
    startTime: processStartTime(process.pid) ?? '',
    admin: 'http://localhost:19000',
    token: 't',
    runDir,
    version: '0',
    startedAt: '',
  });
  expect(() => checkOwnership('shop', '/srv/shop')).toThrow(
    expect.objectContaining({
      code: 'LAT0301',
      message: `The mesh shop is running already: process ${process.pid}, with /srv/shop.`,
    }),
  );
});

test('a name that cannot be one', () => {
  expect(() => checkOwnership('../x', home)).toThrow(expect.objectContaining({ code: 'LAT0306' }));
});
