import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { JsonObject } from '@bufbuild/protobuf';
import { findEnvoy } from '#agent/envoy/find.ts';

const TIMEOUT_MS = 20_000;

/** Lets the real Envoy load a bootstrap without serving it. Throws with its words if it refuses. */
export async function checkWithEnvoy(bootstrap: JsonObject, dir: string): Promise<void> {
  const { path } = await findEnvoy();
  const file = join(dir, 'checked.json');
  writeFileSync(file, JSON.stringify(bootstrap));
  try {
    await promisify(execFile)(path, ['--mode', 'validate', '-c', file, '-l', 'warning'], { timeout: TIMEOUT_MS });
  } catch (error) {
    const { stdout, stderr } = error as { stdout?: string; stderr?: string };
    throw new Error(`Envoy refuses the configuration:\n${stdout}${stderr}`, { cause: error });
  }
}
