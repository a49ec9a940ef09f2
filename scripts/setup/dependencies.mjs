// `npm ci` when node_modules is not what package-lock.json says.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join, sep } from 'node:path';
import { SetupError, say } from './report.mjs';
import { readJson } from './stamp.mjs';

const NO_NETWORK = /ENOTFOUND|EAI_AGAIN|ETIMEDOUT|ECONNREFUSED|ECONNRESET|ENETUNREACH|EHOSTUNREACH|ERR_SOCKET_TIMEOUT/;
const DISK_FULL = /ENOSPC|EDQUOT/;
const MAX_KEPT_OUTPUT = 64 * 1024;
const SHOWN_LINES = 6;

export function isInstalled(root, stamp) {
  return stamp.lockHash !== undefined && stamp.lockHash === lockHashOf(root) && hasHiddenLock(root);
}

/** Installs when needed, and returns the hash of the lock file that node_modules now corresponds to. */
export async function installDependencies(root, stamp) {
  const lockHash = lockHashOf(root);
  // Somebody may have run npm by hand: then node_modules is right without our stamp, and is left alone.
  if (isInstalled(root, stamp) || matchesLock(root)) return lockHash;
  const started = Date.now();
  say(
    existsSync(join(root, 'node_modules'))
      ? 'updating the dependencies (npm ci)'
      : 'installing the dependencies (npm ci)',
  );
  const { code, output } = await runNpm(root, ['ci', '--no-audit', '--no-fund', '--loglevel=error']);
  if (code !== 0) throw failureOf(code, output);
  say(`dependencies installed in ${((Date.now() - started) / 1000).toFixed(1)} s`);
  return lockHash;
}

function lockHashOf(root) {
  return createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');
}

function hasHiddenLock(root) {
  return existsSync(join(root, 'node_modules', '.package-lock.json'));
}

/** Compares with what npm notes about each package that it put into node_modules. */
export function matchesLock(root) {
  const wanted = readJson(join(root, 'package-lock.json'))?.packages;
  const actual = readJson(join(root, 'node_modules', '.package-lock.json'))?.packages;
  if (wanted === undefined || actual === undefined) return false;
  const inModules = (path) => path.startsWith('node_modules/') || path.includes('/node_modules/');
  if (Object.keys(actual).some((path) => inModules(path) && wanted[path] === undefined)) return false;
  return Object.entries(wanted).every(([path, entry]) => {
    if (!inModules(path)) return true;
    const installed = actual[path];
    if (installed === undefined) return mayBeAbsent(entry);
    return (
      installed.version === entry.version && installed.integrity === entry.integrity && existsSync(join(root, path))
    );
  });
}

/** npm leaves out optional packages for other systems, with what only they need; those name no system of their own. */
function mayBeAbsent({ optional, os, cpu, libc }) {
  const isForThisSystem = (os ?? cpu) !== undefined && fits(os, process.platform) && fits(cpu, process.arch);
  return optional === true && (libc !== undefined || !isForThisSystem);
}

/** `allowed` is a name, or a list of names, or one of names to exclude (`!win32`), as in a package.json. */
function fits(allowed, actual) {
  if (allowed === undefined) return true;
  const list = [allowed].flat();
  return list.some((each) => !each.startsWith('!')) ? list.includes(actual) : !list.includes(`!${actual}`);
}

function runNpm(root, args) {
  const { npm_execpath: npmPath = '', npm_node_execpath: npmNode } = process.env;
  // Not the Node in node_modules, which npm is about to delete: the one that npm itself runs in.
  const isOurs = (path) => path.startsWith(join(root, 'node_modules') + sep);
  const node = [npmNode, process.execPath].find((path) => path && !isOurs(path));
  const useSame = /npm-cli\.[cm]?js$/.test(npmPath) && node !== undefined && existsSync(npmPath);
  const [program, prefix] = useSame ? [node, [npmPath]] : ['npm', []];
  const env = { ...process.env };
  env.PATH = (env.PATH ?? '')
    .split(':')
    .filter((folder) => !isOurs(folder + sep))
    .join(':');
  return new Promise((done) => {
    const child = spawn(program, [...prefix, ...args], { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    const keep = (chunk) => {
      output = (output + chunk).slice(-MAX_KEPT_OUTPUT);
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    child.on('error', (error) => done({ code: 127, output: error.message }));
    child.on('close', (code) => done({ code: code ?? 1, output }));
  });
}

function failureOf(code, output) {
  // Index URLs can carry a password.
  const lines = output.replaceAll(/\/\/[^/\s@]*@/g, '//***@').split('\n');
  const told = lines.filter((line) => line.replace(/^npm (error|ERR!)/, '').trim() !== '').slice(0, SHOWN_LINES);
  const shown = told.map((line) => `\n  ${line.slice(0, 400)}`).join('');
  if (DISK_FULL.test(output)) {
    return new SetupError('LAT0945', 'The dependencies could not be installed: the disk is full.', 'Free some space.');
  }
  if (NO_NETWORK.test(output)) {
    return new SetupError(
      'LAT0941',
      `The dependencies could not be installed: npm got no connection.${shown}`,
      'Check the network, and the registry and proxy that npm is set up for, and try again.',
    );
  }
  return new SetupError(
    'LAT0940',
    `The dependencies could not be installed: npm ci ended with ${code}.${shown}`,
    'Run "npm ci" by hand to see all of its output.',
  );
}
