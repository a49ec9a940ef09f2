import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { matches, onlyLooks, readGuide, showsFailure } from './guide-file.ts';

const dir = mkdtempSync(join(tmpdir(), 'lateen-guide-'));
afterAll(() => rmSync(dir, { recursive: true }));

function guide(...lines: string[]): string {
  const path = join(dir, 'guide.md');
  writeFileSync(path, lines.join('\n'));
  return path;
}

it('reads commands with the output that follows them', () => {
  const path = guide(
    '# Title',
    '```sh',
    'a',
    'b',
    '```',
    'prose',
    '```text',
    'out',
    '```',
    '```yaml',
    'c: 1',
    '```',
    '```sh',
    'd',
    '```',
  );
  expect(readGuide(path)).toEqual([
    { line: 3, commands: 'a\nb', expected: 'out' },
    { line: 14, commands: 'd' },
  ]);
});

it('refuses output without commands, and a block without an end', () => {
  expect(() => readGuide(guide('```text', 'out', '```'))).toThrow('guide.md:2');
  expect(() => readGuide(guide('```sh', 'a', '```', '```text', '1', '```', '```text', '2', '```'))).toThrow(
    'guide.md:8',
  );
  expect(() => readGuide(guide('```sh', 'a'))).toThrow('not closed');
});

it('takes dots for any text, and for any lines', () => {
  expect(matches('a ... c', 'a b c\n')).toBe(true);
  expect(matches('a ... c', 'a b d')).toBe(false);
  expect(matches('...\nlast', 'last')).toBe(true);
  expect(matches('...\nlast', 'one\ntwo\nlast\n')).toBe(true);
  expect(matches('first\n...\nlast', 'first\nlast')).toBe(true);
  expect(matches('first\nlast', 'first\nother\nlast')).toBe(false);
  expect(matches('a.c (1)', 'abc (1)')).toBe(false);
  expect(matches('one', 'one\ntwo')).toBe(false);
});

it('repeats only what changes nothing', () => {
  expect(onlyLooks('npx lateen status')).toBe(true);
  expect(onlyLooks('for i in 1 2; do curl -s http://localhost:8080/; done | sort | uniq -c')).toBe(true);
  expect(onlyLooks("openssl s_client 2>&1 | grep -o '<title>'")).toBe(true);
  for (const command of [
    'npx lateen apply -f x',
    'kill -9 1',
    "sed -i.bak 's/a/b/' x",
    'cat > x',
    'cat <<E',
    "cat <<'E'",
  ]) {
    expect(onlyLooks(command), command).toBe(false);
  }
});

it('lets a command fail only where its error is shown', () => {
  expect(showsFailure('error LAT0202 a.yaml: no')).toBe(true);
  expect(showsFailure('...\ncurl: (52) Empty reply from server')).toBe(true);
  expect(showsFailure('all is well')).toBe(false);
  expect(showsFailure(undefined)).toBe(false);
});
