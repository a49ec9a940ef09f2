/**
 * Generates `packages/envoy-api/gen` from an Envoy binary.
 *
 *     node main.ts --envoy PATH --version VERSION --fingerprint HEX [--out DIR]
 *
 * Everything is written to a folder beside `gen` which then takes its place, so an interrupted or a concurrent run
 * never leaves half a result.
 */
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { asCoreView, closure, coreModule, descriptorModule } from './core-module.ts';
import { CORE_ROOTS } from './core-roots.ts';
import { extractDescriptors } from './extract.ts';
import { istioCaFile } from './istio-ca-proto.ts';
import { type GeneratedFile, generateCode } from './plugin.ts';
import { selectFiles } from './select.ts';

/** All files of the generated package, by their path in `gen`. */
export function generate(envoyBinary: Buffer, pluginPath: string): GeneratedFile[] {
  const { files, generate: names } = selectFiles(extractDescriptors(envoyBinary));
  const ca = istioCaFile();
  files.push(ca);
  names.push(ca.name);

  const core = closure(files, CORE_ROOTS);
  const protoOf = new Map(names.map((name) => [name.replace(/\.proto$/, '_pb.js'), name]));
  const code = generateCode(pluginPath, files, names).map((file) => {
    const protoName = protoOf.get(file.name);
    return protoName !== undefined && core.has(protoName) ? asCoreView(file, protoName) : file;
  });
  const isOurs = (file: { name: string }): boolean => !file.name.startsWith('google/protobuf/');
  const coreFiles = files.filter((file) => isOurs(file) && core.has(file.name));
  const otherFiles = files.filter((file) => isOurs(file) && !core.has(file.name));
  return [
    ...code,
    ...coreModule(),
    ...descriptorModule('core-descriptors', coreFiles),
    ...descriptorModule('other-descriptors', otherFiles),
  ];
}

/** Writes the files to a new folder beside `out` and swaps it in. */
export async function writeGenerated(out: string, files: readonly GeneratedFile[]): Promise<void> {
  await mkdir(dirname(out), { recursive: true });
  const work = await mkdtemp(`${out}.new-`);
  try {
    for (const folder of new Set(files.map((file) => dirname(join(work, file.name))))) {
      await mkdir(folder, { recursive: true });
    }
    for (const file of files) await writeFile(join(work, file.name), file.content);
    await replaceFolder(work, out);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** A folder cannot be renamed onto a filled one: move the old one away first, and retry when another run was quicker. */
async function replaceFolder(work: string, out: string): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const old = await mkdtemp(`${out}.old-`);
    try {
      await rename(out, join(old, 'gen')).catch(ignoreMissing);
      await rename(work, out);
      return;
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      if (attempt === 5 || (code !== 'ENOTEMPTY' && code !== 'EEXIST')) throw error;
    } finally {
      await rm(old, { recursive: true, force: true });
    }
  }
}

function ignoreMissing(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error;
}

/** The installed protoc-gen-es. */
export function pluginPath(): string {
  const require = createRequire(import.meta.url);
  return join(dirname(require.resolve('@bufbuild/protoc-gen-es/package.json')), 'bin', 'protoc-gen-es');
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      envoy: { type: 'string' },
      version: { type: 'string' },
      fingerprint: { type: 'string' },
      out: { type: 'string', default: resolve(import.meta.dirname, '../../gen') },
    },
  });
  const { envoy, version, fingerprint, out } = values;
  if (envoy === undefined || version === undefined || fingerprint === undefined) {
    throw new Error('usage: node main.ts --envoy PATH --version VERSION --fingerprint HEX [--out DIR]');
  }
  const files = generate(await readFile(envoy), pluginPath());
  const stamp = { envoyVersion: version, fingerprint };
  await writeGenerated(out, [...files, { name: 'stamp.json', content: `${JSON.stringify(stamp)}\n` }]);
}
