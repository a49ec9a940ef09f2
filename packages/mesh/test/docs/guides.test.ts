import { cpSync, mkdirSync, readdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, Sandbox } from '../e2e/mesh.ts';
import { type GuideStep, matches, onlyLooks, readGuide, showsFailure } from './guide-file.ts';
import { Shell } from './shell.ts';

const ROOT = join(import.meta.dirname, '../../../..');
const GUIDES = readdirSync(join(ROOT, 'docs/guides')).filter((name) => name.endsWith('.md'));
/** The README's commands are for a mesh that runs already. */
const PAGES = [
  { page: 'README.md', first: 'npx lateen up samples/bookinfo --detach' },
  ...GUIDES.map((name) => ({ page: `docs/guides/${name}`, first: undefined })),
];
/** What the guides say where the gateway and the admin server are, which is so while these ports are free. */
const USUAL_ADDRESSES = { gateway: 'localhost:8080', admin: 'localhost:19000' };

describe.each(PAGES)('$page', ({ page, first }) => {
  // Not the sample beside it: a guide edits files of the checkout, and this is a checkout of its own.
  const sandbox = new Sandbox(null);
  const checkout = join(sandbox.home, 'checkout');
  let shell: Shell;
  let addresses = USUAL_ADDRESSES;

  beforeAll(async () => {
    mkdirSync(checkout);
    for (const entry of readdirSync(ROOT).filter((each) => each !== '.git' && each !== 'samples')) {
      symlinkSync(join(ROOT, entry), join(checkout, entry));
    }
    cpSync(join(ROOT, 'samples'), join(checkout, 'samples'), { recursive: true });
    shell = new Shell(checkout, { ...sandbox.env, npm_config_update_notifier: 'false' });
    if (first !== undefined) await check({ line: 0, commands: first });
  });

  afterAll(async () => {
    shell.close();
    await sandbox.close();
  });

  const here = (text: string) =>
    text.replaceAll(USUAL_ADDRESSES.gateway, addresses.gateway).replaceAll(USUAL_ADDRESSES.admin, addresses.admin);

  async function check({ commands, expected }: GuideStep): Promise<void> {
    const { output, code } = await shell.run(here(commands));
    if (/\blateen up\b/.test(commands) && code === 0) {
      const { gateways, control } = await sandbox.status();
      addresses = { gateway: new URL(gateways[0]?.url ?? '').host, admin: new URL(control.admin).host };
    }
    if (expected !== undefined && !matches(here(expected), output)) expect(output).toBe(here(expected));
    if (!showsFailure(expected)) expect(code, output).toBe(0);
  }

  // In the order of the guide: each step stands on those before it.
  let failed = false;
  it.each(readGuide(join(ROOT, page)))('line $line', async (step) => {
    if (failed) throw new Error('a step before this one failed');
    failed = true;
    if (onlyLooks(step.commands)) await eventually(`line ${step.line}`, () => check(step).then(() => true));
    else await check(step);
    failed = false;
  });
});
