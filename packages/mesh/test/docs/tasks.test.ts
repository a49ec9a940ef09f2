import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type GuideStep, readGuide } from './guide-file.ts';
import { Reader, ROOT, repeat } from './reader.ts';

/**
 * Task pages stand each for itself: they start a mesh "if it does not run yet", and leave it as they found it. So one mesh
 * does for all pages that want the same one.
 */
const PAGES = readdirSync(join(ROOT, 'docs/tasks'))
  .filter((name) => name.endsWith('.md'))
  .sort();

const UP = /^.*\blateen up (\S+).*\n?/m;
const DOWN = /\blateen down\b/;

let reader: Reader;
/** The folder of the mesh that runs. */
let running: string | undefined;
/** What was in force when it was new. */
let before = '';

beforeAll(() => {
  reader = new Reader();
});

afterAll(() => reader.close());

/** The names of what is in force, and of the files in the checkout that pages may change. */
async function state(): Promise<string> {
  const { output } = await reader.run('npx lateen get all -A -o name; ls; find samples -type f | sort');
  return output;
}

/** As a reader who starts a mesh only if it does not run yet. */
async function follow(step: GuideStep): Promise<void> {
  const [up, folder] = UP.exec(step.commands) ?? [];
  const others = step.commands.replace(UP, '');
  if (up !== undefined && folder !== running) {
    if (running !== undefined) await reader.run('npx lateen down --purge');
    await reader.follow(others === '' ? step : { line: step.line, commands: up });
    running = folder;
    before = await state();
  }
  if (others !== '') await reader.follow({ ...step, commands: others });
  if (DOWN.test(others)) running = undefined;
}

describe.each(PAGES)('docs/tasks/%s', (page) => {
  let failed = false;
  it.each(readGuide(join(ROOT, 'docs/tasks', page)))('line $line', async (step: GuideStep) => {
    if (failed) throw new Error('a step before this one failed');
    failed = true;
    await follow(step);
    failed = false;
  });

  it('leaves nothing behind', async () => {
    if (running !== undefined) await repeat(async () => expect(await state()).toBe(before));
  });
});
