// Completes package-lock.json after `npm install` against an index that lacks some optional platform packages.
//
// npm leaves such packages out of the lock file, and then `npm ci` refuses the file everywhere, and other platforms would
// not get theirs. The parent names their exact versions, and their names say the platform; only the hash stays unknown.
import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';

const PLATFORM =
  /[-/](aix|android|darwin|freebsd|linux|netbsd|openbsd|openharmony|sunos|win32)-(arm64|x64)(?:-(gnu|musl|msvc))?$/;

/** Names and versions of the optional platform packages that the lock file mentions but does not hold. */
export function missingPackages(lock) {
  const missing = new Map();
  for (const [path, entry] of Object.entries(lock.packages)) {
    for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
      const isThere = [`node_modules/${name}`, `${path}/node_modules/${name}`].some((each) => each in lock.packages);
      if (!isThere) missing.set(name, { version, dev: entry.dev === true });
    }
  }
  return missing;
}

/** The lock file with an entry for each of them; throws when a name does not say the platform. */
export function completeLock(lock) {
  const packages = Object.entries(lock.packages);
  for (const [name, { version, dev }] of missingPackages(lock)) {
    const match = PLATFORM.exec(name);
    if (match === null) throw new Error(`${name}: the name does not say for which platform it is`);
    const [, os, cpu, library] = match;
    const libc = os === 'linux' ? { libc: [library === 'musl' ? 'musl' : 'glibc'] } : {};
    const entry = { version, cpu: [cpu], ...(dev ? { dev } : {}), ...libc, optional: true, os: [os] };
    packages.push([`node_modules/${name}`, entry]);
  }
  packages.sort(([a], [b]) => a.localeCompare(b, 'en'));
  return { ...lock, packages: Object.fromEntries(packages) };
}

if (process.argv[1] === import.meta.filename) {
  const path = resolve(import.meta.dirname, '..', 'package-lock.json');
  const lock = JSON.parse(readFileSync(path, 'utf8'));
  for (const [name, { version }] of missingPackages(lock)) console.log(`adding ${name} ${version}`);
  writeFileSync(path, `${JSON.stringify(completeLock(lock), null, 2)}\n`);
}
