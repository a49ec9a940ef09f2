import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readManifests } from './manifest-input.ts';
import { objectsIn } from './manifest-objects.ts';
import { meshNameFor } from './up/mesh-name.ts';
import { resolveSource } from './up/source.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'lateen-input-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

function write(path: string, text = 'x'): void {
  mkdirSync(join(dir, path, '..'), { recursive: true });
  writeFileSync(join(dir, path), text);
}

const read = (paths: string[], stdin = '') => readManifests(paths, { cwd: dir, stdin: Readable.from([stdin]) });

test('files, folders and the standard input, in order', async () => {
  write('b/2.yaml');
  write('b/1.yml');
  write('b/c/3.JSON');
  write('b/readme.md');
  write('b/.hidden/4.yaml');
  write('b/node_modules/5.yaml');
  write('a', 'named');
  expect((await read(['a', '-', 'b'], 'given')).map(({ file, manifest }) => [file, manifest])).toEqual([
    ['a', 'named'],
    ['stdin', 'given'],
    ['b/1.yml', 'x'],
    ['b/2.yaml', 'x'],
    ['b/c/3.JSON', 'x'],
  ]);
});

test('what cannot be read', async () => {
  mkdirSync(join(dir, 'empty'));
  await expect(read(['nothing.yaml'])).rejects.toMatchObject({
    code: 'LAT0506',
    message: 'nothing.yaml does not exist.',
  });
  await expect(read(['empty'])).rejects.toMatchObject({ code: 'LAT0507' });
  await expect(read(['-', '-'])).rejects.toThrow('The standard input can be read only once.');
  write('huge.yaml', ' '.repeat(8 * 1024 * 1024 + 1));
  await expect(read(['huge.yaml'])).rejects.toMatchObject({ code: 'LAT0519' });
  await expect(read(['-'], ' '.repeat(8 * 1024 * 1024 + 1))).rejects.toMatchObject({ code: 'LAT0519' });
});

test('names of the objects in a manifest', () => {
  const manifest = `
kind: VirtualService
metadata: {name: a}
spec: {nonsense: true}
---
---
kind: Namespace
metadata: {name: n, namespace: ignored}
---
kind: List
items: [{kind: Service, metadata: {name: s, namespace: other}}]
`;
  expect(objectsIn({ file: 'f', manifest }, 'mine')).toEqual([
    { kind: 'VirtualService', namespace: 'mine', name: 'a' },
    { kind: 'Namespace', namespace: '', name: 'n' },
    { kind: 'Service', namespace: 'other', name: 's' },
  ]);
});

test('a manifest without names is refused with file and line', () => {
  const diagnosticsOf = (manifest: string) => {
    try {
      objectsIn({ file: 'f.yaml', manifest });
    } catch (error) {
      return (error as { diagnostics: { code: string; line: number }[] }).diagnostics.map(({ code, line }) => [
        code,
        line,
      ]);
    }
    return undefined;
  };
  expect(diagnosticsOf('kind: A\nmetadata: {name: x}\n---\nmetadata: {name: x}\n')).toEqual([['LAT0104', 4]]);
  expect(diagnosticsOf('kind: A\n---\njust text\n')).toEqual([
    ['LAT0104', 1],
    ['LAT0104', 3],
  ]);
  expect(diagnosticsOf('a: [1\nb: 2\n')?.[0]?.[0]).toBe('LAT0101');
});

test('the source of a mesh', () => {
  write('Book Info_1/app.yaml');
  write('extra.yaml');
  mkdirSync(join(dir, 'empty'));
  const source = resolveSource('Book Info_1/', ['extra.yaml'], dir);
  expect(source.defaultName).toBe('book-info-1');
  expect(source.dir.endsWith('/Book Info_1')).toBe(true);
  expect(source.files.map((file) => file.endsWith('/extra.yaml'))).toEqual([true]);
  expect(resolveSource('extra.yaml', [], dir).defaultName).toBe('extra');
  expect(() => resolveSource('nowhere', [], dir)).toThrow('nowhere does not exist.');
  expect(() => resolveSource('empty', [], dir)).toThrow('There is no manifest in empty: no file of it ends in');
  expect(() => resolveSource('Book Info_1', ['gone.yaml'], dir)).toThrow('gone.yaml does not exist.');
  mkdirSync(join(dir, '--'));
  expect(meshNameFor(join(dir, '--'))).toBe('mesh');
});

/** What `up` says of a folder; undefined if it takes it. */
function refusal(folder: string, files: string[] = []): { code: string; message: string; remedy: string } | undefined {
  try {
    resolveSource(folder, files, dir);
    return undefined;
  } catch (error) {
    const { code, message, remedy } = error as { code: string; message: string; remedy: string };
    return { code, message, remedy };
  }
}

test('up reads YAML only, so a folder without any is refused, whatever else is in it', async () => {
  write('app/service.json');
  write('app/.hidden.yaml');
  write('app/node_modules/x.yaml');
  expect(refusal('app')).toEqual({
    code: 'LAT0507',
    message: 'There is no manifest in app: no file of it ends in .yaml or .yml.',
    remedy: 'Name a folder with .yaml or .yml files, or a single file, whatever it is called.',
  });
  expect(refusal('app/service.json')).toBe(undefined);
  // One that is named is read, so something runs.
  expect(refusal('app', ['app/service.json'])).toBe(undefined);
  write('extra.yaml');
  expect(refusal('app', ['extra.yaml'])?.code).toBe('LAT0507');
  expect((await read(['app'])).map(({ file }) => file)).toEqual(['app/service.json']);
  write('app/service.yml');
  expect(refusal('app')).toBe(undefined);
});

test('folders of examples do not count for up, unless they are named', () => {
  mkdirSync(join(dir, 'app/optional'), { recursive: true });
  write('app/routes/a.yaml');
  write('app/deep/examples/b.yaml');
  expect(refusal('app')).toEqual({
    code: 'LAT0507',
    message:
      'All manifests in app are in folders of examples, which are read only when they are named: ' +
      'app/deep/examples, app/routes.',
    remedy: 'Name what to read: lateen up app -f app/deep/examples',
  });
  expect(refusal('app', ['app/routes'])).toBe(undefined);
  expect(refusal('app', ['app/optional'])?.code).toBe('LAT0507');
  expect(refusal('app/routes')).toBe(undefined);
});
