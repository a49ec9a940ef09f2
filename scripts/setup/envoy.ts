/**
 * The part of the set-up that needs the dependencies: finds or fetches Envoy, and generates the types from it.
 * Reports `{ envoy: { path, version, sizeBytes, mtimeMs } }` to the process that started it.
 */
import { open, readFile, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { formatError, LateenError } from '@lateen/api/lateen-error.ts';
import { generate, pluginPath, writeGenerated } from '../../packages/envoy-api/src/generate/main.ts';
import { type FoundEnvoy, findEnvoy } from '../../packages/mesh/src/agent/envoy/find.ts';

const OUT = resolve(import.meta.dirname, '../../packages/envoy-api/gen');
const say = (line: string): void => {
  process.stderr.write(`setup: ${line}\n`);
};
const onProgress = ({ step, message }: { step: string; message: string }): void => {
  if (step === 'skip' || step === 'download' || step === 'ready') say(message);
};

async function main(fingerprint: string): Promise<void> {
  const envoy = await findEnvoy({ onProgress });
  if (!(await areTypesCurrent(envoy.version, fingerprint))) {
    const started = performance.now();
    say("generating the types of Envoy's API");
    await generateTypes(envoy, fingerprint);
    say(`types generated in ${((performance.now() - started) / 1000).toFixed(1)} s`);
  }
  const { size: sizeBytes, mtimeMs } = await stat(envoy.path);
  process.send?.({ envoy: { path: envoy.path, version: envoy.version, sizeBytes, mtimeMs } });
}

async function areTypesCurrent(envoyVersion: string, fingerprint: string): Promise<boolean> {
  const stamp = await readFile(resolve(OUT, 'stamp.json'), 'utf8').then(JSON.parse, () => undefined);
  return stamp?.envoyVersion === envoyVersion && stamp?.fingerprint === fingerprint;
}

async function generateTypes(envoy: FoundEnvoy, fingerprint: string): Promise<void> {
  // A wrapper script starts Envoy but does not contain its descriptors.
  const source = (await isScript(envoy.path)) ? await findEnvoy({ onProgress, useInstalled: false }) : envoy;
  try {
    const files = generate(await readFile(source.path), pluginPath());
    const stamp = JSON.stringify({ envoyVersion: envoy.version, fingerprint });
    await writeGenerated(OUT, [...files, { name: 'stamp.json', content: `${stamp}\n` }]);
  } catch (error) {
    throw new LateenError(
      'LAT0943',
      `The types of Envoy's API could not be generated from ${source.path}: ${(error as Error).message}`,
      'Unset LATEEN_ENVOY and take other Envoys off the PATH, so that the set-up fetches the right one, and try again.',
      { cause: error },
    );
  }
}

async function isScript(path: string): Promise<boolean> {
  const file = await open(path, 'r');
  try {
    const { buffer } = await file.read(Buffer.alloc(2), 0, 2, 0);
    return buffer.toString('latin1') === '#!';
  } finally {
    await file.close();
  }
}

try {
  await main(process.argv[2] ?? '');
} catch (error) {
  process.stderr.write(`setup: ${formatError(error)}\n`);
  process.exitCode = 1;
} finally {
  process.disconnect?.();
}
