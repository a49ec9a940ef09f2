#!/usr/bin/env node
// Plain JavaScript for any Node that a machine may have: it finds the Node that Lateen is written for, and hands over.
import { spawn } from 'node:child_process';
import { existsSync, realpathSync } from 'node:fs';
import module from 'node:module';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const OLDEST_MAJOR = 24;
const SETUP = 'run "npm run setup" in the repository first';
const self = realpathSync(fileURLToPath(import.meta.url));

if (Number.parseInt(process.versions.node, 10) >= OLDEST_MAJOR) await start();
else handOver();

async function start() {
  if (!hasEnvoyTypes()) fail(`lateen: LAT0944: the types of Envoy's API are not generated yet; ${SETUP}.`);
  const { LATEEN_CACHE, XDG_CACHE_HOME, HOME } = process.env;
  const cache = LATEEN_CACHE || join(XDG_CACHE_HOME || join(HOME || homedir(), '.cache'), 'lateen');
  // Inherited by every process of the mesh: TypeScript that was stripped and compiled once starts in half the time, and
  // without the memory of the compiler.
  process.env.NODE_COMPILE_CACHE ??= join(cache, 'compiled');
  module.enableCompileCache(process.env.NODE_COMPILE_CACHE);
  await import('../src/cli/main.ts');
}

function hasEnvoyTypes() {
  try {
    return existsSync(fileURLToPath(import.meta.resolve('@lateen/envoy-api/stamp.json')));
  } catch {
    return false;
  }
}

function handOver() {
  const node = pinnedNode();
  if (node === undefined) {
    fail(
      `lateen: LAT0942: this is Node ${process.versions.node}, and Lateen needs ${OLDEST_MAJOR} or newer; ${SETUP}.`,
    );
  }
  const args = [self, ...process.argv.slice(2)];
  // Newer versions can become the other process; older ones stay as its parent.
  if (typeof process.execve === 'function') process.execve(node, [node, ...args]);
  const child = spawn(node, args, { stdio: 'inherit' });
  // A terminal sends Ctrl-C to both processes: passing it on would make two of one.
  const hasTerminal = process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR2']) {
    const fromTerminal = hasTerminal && (signal === 'SIGINT' || signal === 'SIGQUIT');
    process.on(signal, () => fromTerminal || child.kill(signal));
  }
  child.on('error', (error) => fail(`lateen: LAT0942: ${node} does not start: ${error.message}; ${SETUP}.`));
  child.on('exit', (code, signal) => {
    if (signal === null) process.exit(code ?? 1);
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  });
}

/** The nearest `node_modules/.bin/node` upwards from this file; npm puts the pinned Node there. */
function pinnedNode() {
  for (let folder = dirname(self); ; folder = dirname(folder)) {
    const candidate = join(folder, 'node_modules', '.bin', 'node');
    if (existsSync(candidate)) return candidate;
    if (folder === dirname(folder)) return undefined;
  }
}

function fail(message) {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}
