import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';

/** What a command wrote, to either of its outputs, and how it ended. */
export interface ShellResult {
  readonly output: string;
  readonly code: number;
}

const END = '--- end of the step:';
const STEP_TIMEOUT_MS = 90_000;

/** One shell for a whole guide, so that variables last from block to block, as in a reader's terminal. */
export class Shell {
  readonly #process: ChildProcessWithoutNullStreams;
  #output = '';
  #wake: () => void = () => {};
  #ended = false;

  constructor(cwd: string, env: NodeJS.ProcessEnv) {
    // In a process group of its own, for `close`.
    this.#process = spawn('sh', [], { cwd, env, detached: true });
    for (const stream of [this.#process.stdout, this.#process.stderr]) {
      stream.setEncoding('utf8');
      stream.on('data', (chunk: string) => {
        this.#output += chunk;
        this.#wake();
      });
    }
    this.#process.once('close', () => {
      this.#ended = true;
      this.#wake();
    });
  }

  /** Runs commands to their end. Throws when the shell itself ends, or after 90 s. */
  async run(commands: string): Promise<ShellResult> {
    this.#output = '';
    this.#process.stdin.write(`{\n${commands}\n} </dev/null 2>&1; printf '\\n${END} %s\\n' "$?"\n`);
    const deadline = performance.now() + STEP_TIMEOUT_MS;
    for (;;) {
      const end = this.#output.lastIndexOf(`\n${END}`);
      if (end >= 0 && this.#output.endsWith('\n')) {
        return { output: clean(this.#output.slice(0, end)), code: Number(this.#output.slice(end + END.length + 2)) };
      }
      const remainingMs = deadline - performance.now();
      if (this.#ended || remainingMs <= 0) throw new Error(`the shell does not answer; it said:\n${this.#output}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, remainingMs);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  /** Ends the shell, and what was left running in its background. */
  close(): void {
    const { pid } = this.#process;
    if (this.#ended || pid === undefined) return;
    process.kill(-pid, 'SIGTERM');
  }
}

/** Without what npm says about the settings of the machine it runs on. */
function clean(output: string): string {
  return output
    .split('\n')
    .filter((line) => !/^npm (warn|notice)\b/i.test(line))
    .join('\n');
}
