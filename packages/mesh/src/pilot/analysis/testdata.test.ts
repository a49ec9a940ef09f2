import { readdirSync, readFileSync } from 'node:fs';
import { diagnosticCodes } from '@lateen/api/diagnostic-codes.ts';
import { keyOf, keyOfRef } from '@lateen/api/object-key.ts';
import { expect, test } from 'vitest';
import { parseDocuments } from '../config/parse.ts';
import { DEFAULT_SETTINGS } from '../model/settings.ts';
import { expectedIn } from '../testing/expected-comments.ts';
import { analyze } from './analyze.ts';

const FOLDER = new URL('testdata/', import.meta.url);
const cases = readdirSync(FOLDER).map((file) => [file, readFileSync(new URL(file, FOLDER), 'utf8')] as const);

function found(file: string, text: string): string[] {
  const { objects, diagnostics } = parseDocuments(text, file, { defaultNamespace: 'default' });
  expect(diagnostics.filter(({ severity }) => severity === 'error')).toEqual([]);
  const places = new Map(objects.map(({ object, origin }) => [keyOf(object), origin]));
  return analyze({
    ...DEFAULT_SETTINGS,
    objects: objects.map(({ object }) => object),
    placeOf: (ref) => places.get(keyOfRef(ref)),
  })
    .sort((a, b) => (a.line ?? 0) - (b.line ?? 0))
    .map(({ line, code, path, message }) => `${line}: ${code} ${path ?? '-'}: ${message}`);
}

test.each(cases)('%s', (file, text) => {
  expect(found(file, text)).toEqual(expectedIn(text));
});

test('each check has a case that shows it', () => {
  const shown = new Set(cases.flatMap(([, text]) => text.match(/LAT0(?:6\d|70)\d/g) ?? []));
  const codes = Object.keys(diagnosticCodes).filter((code) => /^LAT0(?:6|70)/.test(code));
  expect(codes.filter((code) => !shown.has(code))).toEqual([]);
});
