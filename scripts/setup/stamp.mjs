// What the last set-up found and made, kept in node_modules so that it goes away with it.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const STAMP = join('node_modules', '.lateen-setup.json');
const GENERATOR = join('packages', 'envoy-api', 'src', 'generate');
const GENERATED = join('packages', 'envoy-api', 'gen', 'stamp.json');

export function readStamp(root) {
  return readJson(join(root, STAMP)) ?? {};
}

export function writeStamp(root, stamp) {
  const path = join(root, STAMP);
  const temporary = `${path}.${process.pid}`;
  writeFileSync(temporary, `${JSON.stringify(stamp, null, 2)}\n`);
  renameSync(temporary, path);
}

/** The variables that decide which Envoy is used: another value may mean another Envoy. */
export function environmentOf(env = process.env) {
  return ['LATEEN_ENVOY', 'LATEEN_CACHE', 'XDG_CACHE_HOME', 'HOME'].map((name) => env[name] ?? '').join('\n');
}

export function hasEnvoy({ envoy }) {
  if (envoy === undefined || envoy.environment !== environmentOf()) return false;
  try {
    const { size, mtimeMs } = statSync(envoy.path);
    return size === envoy.sizeBytes && mtimeMs === envoy.mtimeMs;
  } catch {
    return false;
  }
}

/** True when the types were generated from this Envoy's version, by the generator as it is now. */
export function hasTypes(root, { envoy, fingerprint }) {
  const generated = readJson(join(root, GENERATED));
  return (
    generated !== undefined &&
    generated.envoyVersion === envoy?.version &&
    generated.fingerprint === fingerprint &&
    fingerprint === fingerprintOf(root)
  );
}

/** A hash of all that decides what the generator writes, apart from Envoy: its source and the plugin's version. */
export function fingerprintOf(root) {
  const hash = createHash('sha256');
  const sources = readdirSync(join(root, GENERATOR)).filter((name) => /(?<!\.test)\.ts$/.test(name));
  for (const name of sources.sort()) hash.update(name).update(readFileSync(join(root, GENERATOR, name)));
  hash.update(readFileSync(join(root, 'node_modules', '@bufbuild', 'protoc-gen-es', 'package.json')));
  return hash.digest('hex');
}

export function readJson(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
}
