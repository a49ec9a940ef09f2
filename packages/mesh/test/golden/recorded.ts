import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';

const UPDATE = 'UPDATE_GOLDEN=1 npx vitest run packages/mesh/test/golden';

/** Compares the files of a folder with what they must hold; with UPDATE_GOLDEN=1 makes them so and removes all others. */
export function compareRecorded(folder: string, files: ReadonlyMap<string, string>): void {
  const present = existsSync(folder) ? readdirSync(folder) : [];
  if (process.env.UPDATE_GOLDEN === '1') {
    for (const name of present) if (!files.has(name)) rmSync(join(folder, name), { recursive: true });
    mkdirSync(folder, { recursive: true });
    for (const [name, text] of files) writeFileSync(join(folder, name), text);
    return;
  }
  expect(present.sort(), `the files in ${folder}; to write them again: ${UPDATE}`).toEqual([...files.keys()].sort());
  for (const [name, text] of files) {
    const path = join(folder, name);
    expect(text, `${path}; if the new configuration is right: ${UPDATE}`).toBe(readFileSync(path, 'utf8'));
  }
}
