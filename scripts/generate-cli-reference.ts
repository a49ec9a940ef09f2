/** Writes docs/reference/cli.md from the commands' data; with --check, only says whether it is up to date. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { commands } from '../packages/mesh/src/cli/commands.ts';
import { commandReference } from '../packages/mesh/src/cli/reference.ts';

const path = fileURLToPath(new URL('../docs/reference/cli.md', import.meta.url));
const wanted = commandReference(commands);

if (process.argv.includes('--check')) {
  if (read() !== wanted) {
    console.error('docs/reference/cli.md is out of date. Run: node scripts/generate-cli-reference.ts');
    process.exitCode = 1;
  }
} else {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, wanted);
}

function read(): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
