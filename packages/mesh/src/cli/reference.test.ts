import { expect, test } from 'vitest';
import { commands } from './commands.ts';
import { commandReference } from './reference.ts';

test('shows every command, and nothing hidden', () => {
  const text = commandReference(commands);
  for (const command of commands) expect(text).toContain(`## lateen ${command.name}\n`);
  expect(text).toContain('| `-o, --output <FORMAT>` | Print for machines. One of `json`, `yaml`. |');
  expect(text).not.toContain('detached-supervisor');
});
