import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { LearntFile } from './learnt-file.ts';
import type { LearntEntries } from './learnt-registry.ts';

const ENTRIES: LearntEntries = new Map([
  [
    'default/client',
    [
      { table: '80', host: 'a', askedAtMs: 1 },
      { table: '80', host: 'b', askedAtMs: 2, onTrialSinceMs: 3 },
    ],
  ],
]);

let dir: string;
let notices: string[];

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'lateen-learnt-'));
  notices = [];
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

function fileAt(path: string) {
  return new LearntFile(
    path,
    () => ENTRIES,
    (text) => notices.push(text),
  );
}

it('gives back what it was given, and is for its owner only', () => {
  const path = join(dir, 'state', 'learnt.json');
  const file = fileAt(path);
  file.noteChange();
  file.close();
  expect(fileAt(path).read()).toEqual(ENTRIES);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(notices).toEqual([]);
});

it('is empty at the first start, and not written without need', () => {
  const file = fileAt(join(dir, 'learnt.json'));
  expect(file.read()).toEqual(new Map());
  file.close();
  expect(() => statSync(join(dir, 'learnt.json'))).toThrow('ENOENT');
  expect(notices).toEqual([]);
});

it.each(['', '{', '[]', '{"version": 2, "workloads": {}}', '{"version": 1, "workloads": {"a": [{"host": 1}]}}'])(
  'that holds %j is told of, and what it held is found out again',
  (text) => {
    const path = join(dir, 'learnt.json');
    writeFileSync(path, text);
    expect(fileAt(path).read()).toEqual(new Map());
    expect(notices).toEqual([expect.stringContaining(`cannot be read from ${path}`)]);
    expect(readFileSync(path, 'utf8')).toBe(text);
  },
);

it('tells once that it cannot be written', () => {
  writeFileSync(join(dir, 'taken'), '');
  const file = fileAt(join(dir, 'taken', 'learnt.json'));
  for (let times = 0; times < 2; times++) {
    file.noteChange();
    file.close();
  }
  expect(notices).toEqual([expect.stringContaining('cannot be kept')]);
});
