import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { commands } from './commands.ts';
import { captureContext } from './fixtures/capture.ts';
import { runProgram } from './program.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'lat-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

async function version(env: NodeJS.ProcessEnv, ...args: string[]): Promise<string> {
  const captured = captureContext();
  const context = { ...captured.context, env: { LATEEN_CACHE: dir, ...env } };
  expect(await runProgram(commands, ['version', ...args], context)).toBe(0);
  return captured.stdout();
}

test('says which Envoy is used, and where it is', async () => {
  const envoy = join(dir, 'my-envoy');
  writeFileSync(envoy, '#!/bin/sh\necho "envoy  version: 0123/1.40.7/Clean/RELEASE/BoringSSL"\n');
  chmodSync(envoy, 0o755);
  const env = { LATEEN_ENVOY: envoy };
  expect(await version(env)).toMatch(/^lateen 1\.2\.3 \(.*\)\nenvoy 1\.40\.7 \(.*my-envoy\)\n$/);
  expect(JSON.parse(await version(env, '-o', 'json'))).toMatchObject({ envoy: { version: '1.40.7', path: envoy } });
});

test('says so where there is none', async () => {
  expect(await version({})).toMatch(/\nEnvoy 1\.40\.\d+ is not on this machine\.\n$/);
  expect(JSON.parse(await version({}, '-o', 'json'))).toMatchObject({ lateen: '1.2.3', envoy: null });
});
