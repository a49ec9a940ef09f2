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

const UP = /\blateen up (\S+)/;

let reader: Reader;
/** The folder of the mesh that runs. */
let running: string | undefined;
/** What was in force before the page. */
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

describe.each(PAGES)('docs/tasks/%s', (page) => {
  let failed = false;
  it.each(readGuide(join(ROOT, 'docs/tasks', page)))('line $line', async (step: GuideStep) => {
    if (failed) throw new Error('a step before this one failed');
    failed = true;
    const folder = UP.exec(step.commands)?.[1];
    if (folder === undefined) await reader.follow(step);
    else {
      if (folder !== running) {
        if (running !== undefined) await reader.run('npx lateen down');
        await reader.follow(step);
        running = folder;
      }
      before = await state();
    }
    failed = false;
  });

  it('leaves nothing behind', async () => {
    await repeat(async () => expect(await state()).toBe(before));
  });
});
