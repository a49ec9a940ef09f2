import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { readGuide } from './guide-file.ts';
import { Reader, ROOT } from './reader.ts';

const GUIDES = readdirSync(join(ROOT, 'docs/guides')).filter((name) => name.endsWith('.md'));
/** The README's commands are for a mesh that runs already. */
const PAGES = [
  { page: 'README.md', first: 'npx lateen up samples/bookinfo --detach' },
  ...GUIDES.map((name) => ({ page: `docs/guides/${name}`, first: undefined })),
];

describe.each(PAGES)('$page', ({ page, first }) => {
  let reader: Reader;

  beforeAll(async () => {
    reader = new Reader();
    if (first !== undefined) await reader.follow({ line: 0, commands: first });
  });

  afterAll(() => reader.close());

  // In the order of the guide: each step stands on those before it.
  let failed = false;
  it.each(readGuide(join(ROOT, page)))('line $line', async (step) => {
    if (failed) throw new Error('a step before this one failed');
    failed = true;
    await reader.follow(step);
    failed = false;
  });
});
