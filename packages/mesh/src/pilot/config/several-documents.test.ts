import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FileLayer } from './file-layer.ts';
import { type ParseResult, parseDocuments } from './parse.ts';

const parse = (text: string, before?: ParseResult) =>
  parseDocuments(text, 'a.yaml', { defaultNamespace: 'default' }, before);
const configMap = (name: string, value = 'a') =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ${name}}\ndata:\n  key: ${value}\n`;
const fileOf = (...documents: string[]) => documents.map((each) => `---\n${each}`).join('');

/** So many that it is worth to remember what each gave. */
const MANY = Array.from({ length: 16 }, (_, index) => configMap(`more-${index}`));

/** With lines instead of functions that find them. */
function plainly({ objects, diagnostics, failed, syntaxErrors }: ParseResult) {
  return {
    objects: objects.map(({ object, origin }) => ({ object, line: origin.line, key: origin.lineOf('data.key') })),
    diagnostics,
    failed,
    syntaxErrors,
  };
}

describe('a file of many documents', () => {
  test('gives the very same objects again for those that did not change, with their new lines', () => {
    const before = parse(fileOf(configMap('a'), configMap('b'), configMap('c'), ...MANY));
    const after = parse(fileOf(configMap('a'), `# new\n${configMap('b', 'z')}`, configMap('c'), ...MANY), before);
    const same = after.objects.map(({ object }, index) => object === before.objects[index]?.object);
    expect(same).toEqual([true, false, true, ...MANY.map(() => true)]);
    expect(
      plainly(after)
        .objects.slice(0, 3)
        .map(({ line, key }) => [line, key]),
    ).toEqual([
      [2, 6],
      [9, 13],
      [15, 19],
    ]);
  });

  test('says for later which objects may be others', () => {
    const layer = new FileLayer();
    const first = parse(fileOf(configMap('a'), configMap('b'), configMap('c'), ...MANY));
    expect([...layer.set('a.yaml', first)]).toHaveLength(3 + MANY.length);
    const second = parse(fileOf(configMap('new'), configMap('a'), configMap('b', 'z'), ...MANY), first);
    expect([...layer.set('a.yaml', second)].sort()).toEqual(
      ['b', 'c', 'new'].map((name) => `ConfigMap/default/${name}`),
    );
    expect([
      ...layer.set('a.yaml', parse(fileOf(configMap('new'), configMap('a'), configMap('b', 'z'), ...MANY), second)),
    ]).toEqual([]);
  });

  test('says the same as without what is known of it', () => {
    const wrong = ['a: [', 'kind: ConfigMap', configMap('x').replace('data', 'dta'), '# nothing\n', '"', '...\n'];
    const document = fc.oneof(
      fc
        .tuple(fc.constantFrom('a', 'b', 'c'), fc.constantFrom('v', 'w'))
        .map(([name, value]) => configMap(name, value)),
      fc.constantFrom(...wrong),
    );
    const file = fc.array(document, { maxLength: 6 }).map((documents) => fileOf(...documents, ...MANY));
    fc.assert(
      fc.property(fc.array(file, { minLength: 2, maxLength: 5 }), (versions) => {
        let before: ParseResult | undefined;
        for (const text of versions) {
          before = parse(text, before);
          expect(plainly(before)).toEqual(plainly(parse(text)));
        }
      }),
    );
  });
});
