import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { commands } from './commands.ts';
import { commandReference } from './reference.ts';

test('docs/reference/cli.md is up to date (node scripts/generate-cli-reference.ts)', () => {
  const written = readFileSync(new URL('../../../../docs/reference/cli.md', import.meta.url), 'utf8');
  expect(written).toBe(commandReference(commands));
});

test('shows every command, and nothing hidden', () => {
  const text = commandReference(commands);
  for (const command of commands) expect(text).toContain(`## lateen ${command.name}\n`);
  expect(text).toContain('| `-o, --output <FORMAT>` | Print for machines. One of `json`, `yaml`. |');
  expect(text).not.toContain('detached-supervisor');
});
