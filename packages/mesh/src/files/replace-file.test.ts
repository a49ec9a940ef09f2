import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { replaceFile } from './replace-file.ts';

let dir: string;
let path: string;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'lateen-replace-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  path = join(dir, 'state.json');
});

test.each([{ flush: false }, { flush: true }])(
  'a file is closed to others, and nothing stands beside it: %o',
  (options) => {
    for (const text of ['one', 'two']) {
      replaceFile(path, text, options);
      expect(readFileSync(path, 'utf8')).toBe(text);
    }
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readdirSync(dir)).toEqual(['state.json']);
  },
);

test('who reads the old file keeps it: the new one takes its place and does not change it', () => {
  replaceFile(path, 'one');
  const { ino } = statSync(path);
  replaceFile(path, 'two');
  expect(statSync(path).ino).not.toBe(ino);
});

// A link to /dev/full makes a full disk out of the file that is written first.
test.runIf(existsSync('/dev/full'))('on a full disk the old file stays, and nothing half written beside it', () => {
  replaceFile(path, 'one');
  symlinkSync('/dev/full', `${path}.new`);
  expect(() => replaceFile(path, 'two')).toThrow(expect.objectContaining({ code: 'ENOSPC' }));
  expect(readdirSync(dir)).toEqual(['state.json']);
  expect(readFileSync(path, 'utf8')).toBe('one');
});

test('what cannot take its place is not left beside it', () => {
  mkdirSync(path);
  expect(() => replaceFile(path, 'text')).toThrow(expect.objectContaining({ code: 'EISDIR' }));
  expect(readdirSync(dir)).toEqual(['state.json']);
});
