import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { diagnosticCodes } from '@lateen/api/diagnostic-codes.ts';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '..', '..', '..');
const registry = 'packages/api/src/diagnostic-codes.ts';
const isForTests = (file: string): boolean => /\.test\.ts$|\/testing\//.test(file);

/** The code of Lateen: what users run, and what sets up a checkout. */
const files = globSync(['packages/*/src/**/*.ts', 'packages/mesh/bin/*.mjs', 'scripts/**/*.{ts,mjs}'], { cwd: root })
  .filter((file) => file !== registry && !isForTests(file))
  .sort();

interface Mention {
  readonly code: string;
  readonly place: string;
  readonly isComment: boolean;
}

function mentionsIn(file: string): Mention[] {
  const lines = readFileSync(join(root, file), 'utf8').split('\n');
  return lines.flatMap((line, index) =>
    [...line.matchAll(/\bLAT\d{4}\b/g)].map(([code]) => ({
      code,
      place: `${file}:${index + 1}`,
      isComment: /^\s*(\/?\*|\/\/)/.test(line),
    })),
  );
}

const mentions = files.flatMap(mentionsIn);

test('every code that the source mentions has an entry', () => {
  expect(mentions.length).toBeGreaterThan(100);
  const unknown = mentions.filter(({ code }) => !(code in diagnosticCodes));
  expect(unknown.map(({ code, place }) => `${code} in ${place}`)).toEqual([]);
});

test('every entry is of a code that is in use', () => {
  const used = new Set(mentions.filter(({ isComment }) => !isComment).map(({ code }) => code));
  expect(Object.keys(diagnosticCodes).filter((code) => !used.has(code))).toEqual([]);
});

test('the entries are in order', () => {
  const codes = Object.keys(diagnosticCodes);
  expect(codes).toEqual([...codes].sort());
});
