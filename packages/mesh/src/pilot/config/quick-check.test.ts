import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ConfigObject, type Kind, kindNames, kinds } from '@lateen/api/kinds.ts';
import { quickCheckOf } from '@lateen/api/schema/quick-check.ts';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseDocuments } from './parse.ts';

const TESTDATA = join(import.meta.dirname, '../../../../../testdata');

function objectsIn(file: string): ConfigObject[] {
  const text = readFileSync(file, 'utf8');
  return parseDocuments(text, file, { defaultNamespace: 'default' }).objects.map(({ object }) => object);
}

/** Valid objects of nearly every kind, in which nearly every field is set somewhere. */
const objects = [
  ...objectsIn(join(import.meta.dirname, 'testdata/valid.yaml')),
  ...readdirSync(TESTDATA, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('input.yaml'))
    .sort()
    .flatMap((file) => objectsIn(join(TESTDATA, file))),
];

/** The value with something changed somewhere in it. */
function edited(value: unknown, choose: (count: number) => number, foreign: unknown): unknown {
  if (typeof value !== 'object' || value === null || choose(5) === 0) return foreign;
  if (Array.isArray(value)) {
    const at = choose(value.length + 1);
    if (at === value.length) return choose(2) === 0 ? [...value, foreign] : [...value, ...value];
    return value.map((each, index) => (index === at ? edited(each, choose, foreign) : each));
  }
  const names = Object.keys(value);
  const name = names[choose(names.length + 1)];
  if (name === undefined) return { ...value, [String(foreign).slice(0, 10)]: foreign };
  const { [name]: field, ...others } = value as Record<string, unknown>;
  return choose(4) === 0 ? others : { ...value, [name]: edited(field, choose, foreign) };
}

test('what is certainly valid is valid to zod', () => {
  for (const object of objects) {
    const { schema }: Kind = kinds[object.kind];
    expect(quickCheckOf(schema)(object)).toBe(true);
  }
  const seen = new Set(objects.map(({ kind }) => kind));
  expect(kindNames.filter((name) => seen.has(name)).length).toBeGreaterThan(30);
});

test('both say the same of any edit of a valid object', () => {
  let valid = 0;
  const foreign = fc.oneof(
    fc.constantFrom(null, '', 'a', '*', '/', 0, 1, -1, 1.5, Number.NaN, true, [], {}, '5s'),
    fc.jsonValue(),
  );
  fc.assert(
    fc.property(fc.constantFrom(...objects), foreign, fc.infiniteStream(fc.nat()), (object, value, numbers) => {
      const choose = (count: number) => (numbers.next().value ?? 0) % count;
      const other = edited(object, choose, value);
      const { schema }: Kind = kinds[object.kind];
      const isValid = schema.safeParse(other).success;
      expect(quickCheckOf(schema)(other)).toBe(isValid);
      if (isValid) valid++;
    }),
    { numRuns: 5_000 },
  );
  expect(valid).toBeGreaterThan(20);
});
