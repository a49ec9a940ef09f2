import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { type PlainYaml, readPlainYaml } from './plain-yaml.ts';
import { dataOf, lineOfPath, problemsOf, readPart, splitDocuments } from './yaml-document.ts';

const ROOT = join(import.meta.dirname, '../../../../..');

function documentsOf(text: string): string[] {
  return splitDocuments(text).map((part) => part.text);
}

/** Real manifests, and recorded outputs, one document each. */
const written = ['samples', 'testdata'].flatMap((folder) =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.yaml') && !file.includes('node_modules'))
    .sort()
    .flatMap((file) => documentsOf(readFileSync(join(ROOT, folder, file), 'utf8'))),
);

/** What the library reads in the text; fails where it sees something wrong, or several documents. */
function byLibrary(text: string): Partial<PlainYaml> {
  const documents = readPart(text, 0);
  const [document] = documents;
  if (document === undefined) return {};
  expect(documents).toHaveLength(1);
  expect(problemsOf(document)).toEqual([]);
  const { value, problem } = dataOf(document);
  expect(problem).toBeUndefined();
  return { value, line: lineOfPath(document, []) };
}

/** Whether it was read at all. */
function expectSame(text: string): boolean {
  const plain = readPlainYaml(text);
  if (plain === undefined) return false;
  const { value, line } = plain;
  expect(value === undefined ? {} : { value, line }).toStrictEqual(byLibrary(text));
  return true;
}

describe('plain YAML', () => {
  test('is what most manifests are', () => {
    const read = written.filter((text) => expectSame(text));
    expect(written.length).toBeGreaterThan(1_000);
    expect(read.length / written.length).toBeGreaterThan(0.95);
  });

  test.each([
    ['a: 1\nb: -2\nc: 1.50\nd: 1e3\ne: +7\nf: .5\ng: 007\nh: 1.2.3.4\ni: 10s'],
    ['a: true\nb: False\nc: ~\nd: null\ne:\nf: yes\ng: "true"\nh: nullx'],
    ['a: [x, "y", 1, -1, [], {}, {b: c, "d":e}, ]\nb: {}\nc: []'],
    ["a: 'it''s'\nb: \"a\\n\\\"b\\\\\"\nc: http://x:80/y#z  # comment"],
    ['a:\n- b: 1\n  c: 2\n-\n  d: 3\n- - e\n  - f\n- # nothing\n- "g": h'],
    ['# first\n\n--- # comment\n\n# second\na:\n  # third\n  b: c'],
    ['a: |\n  one\n\n    two\n  three\n\n\nb: |-\n  four\nc: 5'],
    ['a: |\n one'],
  ])('reads %j', (text) => {
    expect(expectSame(text)).toBe(true);
  });

  test.each([
    ['a: b\n c'],
    ['a: b: c'],
    ['a: 1\na: 2'],
    ['a: {b: 1, b: 2}'],
    ['a: &b c'],
    ['a: *b'],
    ['a: !!str 1'],
    ['<<: {a: b}'],
    ['__proto__: {a: b}'],
    ['? a\n: b'],
    ['a: >\n  b'],
    ['a: |2\n   b'],
    ['a: "\\u0041"'],
    ['a: "b\n  c"'],
    ['a: [b,\n  c]'],
    ['a:\tb'],
    ['a: b\r\n'],
    ['a: b\n...\nc: d'],
    ['a: b\n---\nc: d'],
    ['%YAML 1.2\n---\na: b'],
    ['\uFEFFa: b'],
    ['a\n'],
    ['[a]'],
    ['a:\n    b: c\n  d: e'],
    ['a: [b'],
    ['a: "b'],
    ['a: ,b'],
    ['a: @b'],
    ['a: 0x1F'],
    ['a: 12345678901234567890'],
    ['a: [- b]'],
  ])('leaves %j to the library', (text) => {
    expect(readPlainYaml(text)).toBeUndefined();
  });

  test('means the same to the library after any edit of a manifest', () => {
    const short = written.filter((text) => text.length < 2_000);
    const characters = [
      ...'  \n\n-:#,[]{}&*!|>\'"%@`?\\~<ab01.\t\r',
      '\n  ',
      ': ',
      '- ',
      ' #',
      '---',
      '...',
      '|-\n',
      '|\n',
    ];
    const edit = fc.record({
      at: fc.double({ min: 0, max: 1, noNaN: true }),
      remove: fc.nat(8),
      insert: fc.array(fc.constantFrom(...characters), { maxLength: 4 }).map((each) => each.join('')),
    });
    let read = 0;
    fc.assert(
      fc.property(fc.constantFrom(...short), fc.array(edit, { minLength: 1, maxLength: 3 }), (text, edits) => {
        let edited = text;
        for (const { at, remove, insert } of edits) {
          const start = Math.floor(at * edited.length);
          edited = edited.slice(0, start) + insert + edited.slice(start + remove);
        }
        if (expectSame(edited)) read++;
      }),
      { numRuns: 2_000 },
    );
    expect(read).toBeGreaterThan(250);
  });

  test('means the same to the library whatever small text it is', () => {
    const pieces = [
      'a',
      'b',
      '1',
      ' ',
      '  ',
      '\n',
      '\n',
      '\n  ',
      ': ',
      ':',
      '- ',
      '-',
      '"',
      "'",
      '[',
      ']',
      '{',
      '}',
      ', ',
      '#',
      ' #',
      '|',
      '|-',
      '.',
      '~',
    ];
    let read = 0;
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...pieces), { maxLength: 16 }), (each) => {
        if (expectSame(each.join(''))) read++;
      }),
      { numRuns: 5_000 },
    );
    expect(read).toBeGreaterThan(250);
  });

  test('reads back what is printed', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (value) => {
        expectSame(stringify(value, { lineWidth: 0 }));
      }),
      { numRuns: 1_000 },
    );
  });
});
