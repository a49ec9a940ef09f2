import { formatDiagnostic } from '@lateen/api/diagnostic.ts';
import { describe, expect, test } from 'vitest';
import { MAX_TEXT_LENGTH, parseDocuments } from './parse.ts';

const parse = (text: string) => parseDocuments(text, 'a.yaml', { defaultNamespace: 'default' });
const messages = (text: string) => parse(text).diagnostics.map(formatDiagnostic);
const configMap = (name: string, rest = '') => `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ${name}}\n${rest}`;
const names = (text: string) => parse(text).objects.map(({ object }) => object.metadata.name);

describe('documents', () => {
  test('several in one text, empty ones skipped', () => {
    expect(names(`---\n# nothing\n---\n${configMap('a')}\n---\n---\n${configMap('b')}...\n---\n`)).toEqual(['a', 'b']);
    expect(parse('')).toEqual({ objects: [], diagnostics: [], failed: [], syntaxErrors: false });
    expect(parse('# only a comment\n').diagnostics).toEqual([]);
  });

  test('directives and comments in front of a document', () => {
    expect(names(`# comment\n%YAML 1.2\n---\n${configMap('a')}`)).toEqual(['a']);
  });

  test('Windows line ends and a byte order mark', () => {
    const text = `\uFEFF${configMap('a')}---\n${configMap('b')}`.replaceAll('\n', '\r\n');
    expect(names(text)).toEqual(['a', 'b']);
    expect(parse(text).objects[1]?.origin.line).toBe(5);
  });

  test('a List gives its items, each with its own line', () => {
    const { objects } = parse(`apiVersion: v1
kind: List
items:
  - apiVersion: v1
    kind: ConfigMap
    metadata: {name: a}
  - apiVersion: v1
    kind: ConfigMap
    metadata: {name: b}
    data:
      key: value
`);
    expect(objects.map(({ object, origin }) => [object.metadata.name, origin.line])).toEqual([
      ['a', 4],
      ['b', 7],
    ]);
    expect(objects[1]?.origin.lineOf('data.key')).toBe(11);
  });

  test('JSON, with lines', () => {
    const text = JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' }, date: {} }, null, 2);
    expect(messages(text)).toEqual([
      "a.yaml:7: error LAT0110: ConfigMap default/a: date: unknown field 'date', did you mean 'data'?",
    ]);
  });

  test('anchors, aliases and merge keys', () => {
    const { objects } = parse(`
apiVersion: apps/v1
kind: Deployment
metadata: {name: a, labels: &labels {app: a}}
spec:
  selector: {matchLabels: *labels}
  template:
    metadata: {labels: {<<: *labels, version: v1}}
    spec: {containers: [{name: a}]}
`);
    expect(objects[0]?.object).toMatchObject({
      spec: {
        selector: { matchLabels: { app: 'a' } },
        template: { metadata: { labels: { app: 'a', version: 'v1' } } },
      },
    });
  });
});

describe('what is filled in', () => {
  test('the namespace, where it is missing, empty or null', () => {
    const texts = ['{name: a}', '{name: a, namespace: }', "{name: a, namespace: ''}", '{name: a, namespace: other}'];
    const namespaces = texts.map((metadata) => {
      const { object } = parse(`apiVersion: v1\nkind: ConfigMap\nmetadata: ${metadata}\n`).objects[0] ?? {};
      return object?.kind === 'ConfigMap' ? object.metadata.namespace : undefined;
    });
    expect(namespaces).toEqual(['default', 'default', 'default', 'other']);
    expect(parse('apiVersion: v1\nkind: Namespace\nmetadata: {name: a}').objects[0]?.object.metadata).toEqual({
      name: 'a',
    });
  });

  test('the version is always the first of the kind, and null fields are left out', () => {
    const { objects } = parse(`
apiVersion: networking.istio.io/v1alpha3
kind: DestinationRule
metadata: {name: a, labels: }
spec: {host: a, subsets: null, trafficPolicy: {loadBalancer: {simple: RANDOM, consistentHash: null}}}
`);
    expect(objects[0]?.object).toEqual({
      apiVersion: 'networking.istio.io/v1',
      kind: 'DestinationRule',
      metadata: { name: 'a', namespace: 'default' },
      spec: { host: 'a', trafficPolicy: { loadBalancer: { simple: 'RANDOM' } } },
    });
  });
});

describe('broken text', () => {
  test('one broken document does not hurt the others, and is told to be the object that it seems to be', () => {
    const result = parse(
      `${configMap('a')}---\n${configMap('b', 'data:\n  text: "not closed\n  more: a\n')}---\n${configMap('c')}`,
    );
    expect(result.objects.map(({ object }) => object.metadata.name)).toEqual(['a', 'c']);
    expect(result.diagnostics.map(formatDiagnostic)).toEqual([
      'a.yaml:9: error LAT0101: ConfigMap default/b: a quote that starts here is not closed',
    ]);
    expect(result.failed).toEqual(['ConfigMap/default/b']);
    expect(result.syntaxErrors).toBe(true);
  });

  test.each([
    ['a tab', 'data:\n\ta: b\n', 'a.yaml:5: error LAT0101: ConfigMap default/x: a tab is used to indent: use spaces'],
    [
      'two colons',
      'data:\n  a: b: c\n',
      "a.yaml:5: error LAT0101: ConfigMap default/x: a second ': ' in one line: put the value in quotes, or the inner key on a line of its own",
    ],
    [
      'a list that is not closed',
      'data: [a\n',
      'a.yaml:5: error LAT0101: ConfigMap default/x: flow sequence in block collection must be sufficiently indented and end with a ]',
    ],
    [
      'a key that appears twice',
      'data:\n  a: b\n  "a": c\n',
      "a.yaml:6: error LAT0103: ConfigMap default/x: the key 'a' appears twice in this mapping",
    ],
    [
      'a list as key',
      'data:\n  ? [a]\n  : b\n',
      'a.yaml:5: error LAT0101: ConfigMap default/x: the key of a mapping must be plain text',
    ],
    [
      'an unknown tag',
      'data: {a: !secret b}\n',
      'a.yaml:4: error LAT0101: ConfigMap default/x: unresolved tag: !secret',
    ],
    [
      'an alias without anchor',
      'data: {a: *nowhere}\n',
      'a.yaml:4: error LAT0101: there is no anchor &nowhere before the alias *nowhere',
    ],
  ])('%s', (_, rest, message) => {
    expect(messages(configMap('x', rest))).toEqual([message]);
  });

  test('what is no text in UTF-8', () => {
    const { diagnostics, syntaxErrors } = parse(Buffer.from(configMap('x'), 'utf16le').toString('utf8'));
    expect(diagnostics.map(formatDiagnostic)).toEqual([
      'a.yaml:1: error LAT0101: the file is no text in UTF-8: it has a NUL character',
    ]);
    expect(syntaxErrors).toBe(true);
  });

  test('aliases that expand to too much', () => {
    const letters = [...'bcdefghi'];
    const lines = letters.map(
      (letter, index) => `${letter}: &${letter} [${Array(9).fill(`*${'abcdefghi'[index]}`).join(', ')}]`,
    );
    expect(messages(`a: &a [x, x]\n${lines.join('\n')}\n`)).toEqual([
      'a.yaml:1: error LAT0102: the aliases of the document expand to too much',
    ]);
  });

  test('lists nested without end', () => {
    expect(messages(`a: ${'['.repeat(50_000)}`)).toEqual([
      'a.yaml:1: error LAT0101: the document is nested too deeply',
    ]);
  });

  test('many keys, and many mistakes, take no more than linear time', () => {
    const lines = Array.from({ length: 30_000 }, (_, index) => `  key${index}: ${index}\n`).join('');
    const { diagnostics } = parse(configMap('x', `data:\n${lines}`));
    expect(diagnostics.length).toBe(51);
    expect(diagnostics.map(formatDiagnostic).at(-1)).toBe(
      'a.yaml:55: error LAT0111: ConfigMap default/x: and 29950 more mistakes in this object',
    );
  });

  test('a text that is too long', () => {
    const { diagnostics, syntaxErrors } = parse('#'.repeat(MAX_TEXT_LENGTH + 1));
    expect(syntaxErrors).toBe(true);
    expect(diagnostics.map(formatDiagnostic)).toEqual([
      'a.yaml: error LAT0102: the file has 8388609 characters; at most 8388608 are read',
    ]);
  });

  test.each(['apiVersion: v1\nkind: ConfigMapp\nmetadata: {name: a}', 'hello', 'apiVersion: v1\nkind: ConfigMap'])(
    'a document that is no object (%j) may hide one that was there before',
    (text) => {
      expect(parse(text).syntaxErrors).toBe(true);
    },
  );

  test('a kind that is not supported hides none', () => {
    expect(parse('apiVersion: v1\nkind: Secret\nmetadata: {name: a}').syntaxErrors).toBe(false);
  });
});

describe('lines', () => {
  const text = `# first
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata:
  name: reviews
  labels:
    app.kubernetes.io/name: reviews
spec:
  hosts:
    - reviews
  http:
    - route:
        - destination:
            host: reviews
            subset: v1
        - destination: {host: reviews, subset: v2}
          weight: 1
`;

  test.each([
    ['', 3],
    ['metadata.labels["app.kubernetes.io/name"]', 8],
    ['spec', 9],
    ['spec.hosts[0]', 11],
    ['spec.http[0]', 13],
    ['spec.http[0].route[0].destination.subset', 16],
    ['spec.http[0].route[1].destination.subset', 17],
    ['spec.http[0].route[1].weight', 18],
    // What is not there has the line of what is around it.
    ['spec.http[0].route[1].headers.request', 17],
    ['spec.http[5].route', 12],
  ])('%s is on line %i', (path, line) => {
    const [parsed] = parse(text).objects;
    expect(parsed?.origin.lineOf(path)).toBe(line);
  });

  test('an object starts where its first key is', () => {
    expect(parse(text).objects[0]?.origin.line).toBe(3);
  });
});
