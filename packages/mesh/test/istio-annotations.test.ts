import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { OBEYED } from '#pilot/analysis/checks/annotations.ts';

const root = join(import.meta.dirname, '..', '..', '..');

test('what is read of annotations and labels of Istio is known to the check that tells of the others', () => {
  const files = globSync('packages/*/src/**/*.ts', { cwd: root }).filter(
    (file) => !/\.test\.ts$|\/testing\/|pilot\/analysis\//.test(file),
  );
  const read = files.flatMap((file) => {
    const text = readFileSync(join(root, file), 'utf8');
    // Groups of kinds and names of controllers look the same, but for what is behind the slash.
    return [...text.matchAll(/'((?:[a-z]+\.)+istio\.io\/[a-zA-Z-]+)'/g)]
      .flatMap(([, name]) => name ?? [])
      .filter((name) => !/\/v\d/.test(name));
  });
  expect(read.length).toBeGreaterThan(2);
  expect(read.filter((name) => !OBEYED.has(name))).toEqual([]);
});
