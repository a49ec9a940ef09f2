import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { LastGood, type LastGoodEntry } from './last-good.ts';

const entry: LastGoodEntry = {
  key: 'ConfigMap/default/a',
  object: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a', namespace: 'default' }, data: { key: 'good' } },
  file: 'a.yaml',
};

let path: string;
let problems: string[];

function open(): LastGood {
  return new LastGood(path, (problem) => problems.push(problem));
}

beforeEach(() => {
  const dir = mkdtempSync(join(tmpdir(), 'lateen-last-good-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  path = join(dir, 'applied', 'last-good.json');
  problems = [];
});

test('what is remembered is there after a restart, and closed to others', () => {
  open().save([entry]);
  expect(open().load()).toEqual([entry]);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(statSync(dirname(path)).mode & 0o777).toBe(0o700);
  expect(readdirSync(dirname(path))).toEqual(['last-good.json']);
  expect(problems).toEqual([]);
});

test('a mesh in which nothing was ever wrong stores nothing', () => {
  const lastGood = open();
  expect(lastGood.load()).toEqual([]);
  lastGood.save([]);
  expect(existsSync(path)).toBe(false);
  expect(problems).toEqual([]);
});

// A link to /dev/full makes a full disk out of the file that is written first.
test.runIf(existsSync('/dev/full'))('what cannot be stored is reported, and stored with the next change', () => {
  const lastGood = open();
  lastGood.save([entry]);
  symlinkSync('/dev/full', `${path}.new`);
  lastGood.save([]);
  expect(problems).toEqual([expect.stringMatching(/cannot be stored in .*last-good\.json: ENOSPC/)]);
  expect(open().load()).toEqual([entry]);
  lastGood.save([]);
  expect(open().load()).toEqual([]);
  expect(problems).toHaveLength(1);
});
