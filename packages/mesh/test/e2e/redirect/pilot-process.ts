import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { LATEEN } from '../mesh.ts';

/** A running `lateen pilot`. */
export interface PilotProcess {
  /** Where it serves, as its ready line says. */
  readonly address: string;
  readonly pid: number;
  /** What it said on its standard error so far. */
  stderr(): string;
  /** Ends it as an operator would, and gives its exit code. */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
}

const READY_TIMEOUT_MS = 20_000;

/** Starts the command and waits for its ready line. */
export async function startPilot(...args: readonly string[]): Promise<PilotProcess> {
  const child = spawn(process.execPath, [LATEEN, 'pilot', ...args], {
    env: { ...process.env, NO_COLOR: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const address = await readyAddress(child, () => stderr);
  return {
    address,
    pid: child.pid ?? 0,
    stderr: () => stderr,
    async stop(signal = 'SIGTERM') {
      if (child.exitCode !== null) return child.exitCode;
      const exited = once(child, 'exit');
      child.kill(signal);
      const [code] = (await exited) as [number | null];
      return code;
    },
  };
}

function readyAddress(child: ChildProcess, stderr: () => string): Promise<string> {
  return new Promise((resolve, reject) => {
    const fail = (why: string) => reject(new Error(`lateen pilot ${why}:\n${stderr()}`));
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      fail('did not become ready');
    }, READY_TIMEOUT_MS);
    child.once('exit', (code) => fail(`ended with code ${code}`));
    if (child.stdout === null) throw new Error('no output');
    createInterface({ input: child.stdout }).on('line', (line) => {
      const address = /^Serving xDS on (\S+) /.exec(line)?.[1];
      if (address === undefined) return;
      clearTimeout(timer);
      child.removeAllListeners('exit');
      resolve(address);
    });
  });
}
