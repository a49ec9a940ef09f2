import { fileURLToPath } from 'node:url';
import { commands } from './commands.ts';
import { printError } from './errors.ts';
import { runProgram } from './program.ts';
import { processTerminal } from './terminal.ts';
import { version } from './version-number.ts';

/**
 * The `lateen` command: importing this module runs it. The exit code is 0, 1 if the command failed, 2 if the command
 * line makes no sense, 130 if it was interrupted.
 */
const terminal = processTerminal();

/** `.ts` here, `.js` in the published package. */
const extension = import.meta.url.endsWith('.ts') ? '.ts' : '.js';

let exitCode: number;
try {
  exitCode = await runProgram(commands, process.argv.slice(2), {
    terminal,
    env: process.env,
    cwd: process.cwd(),
    program: {
      version,
      entry: process.argv[1] ?? '',
      controlPlaneModule: fileURLToPath(new URL(`../runtime/control-plane-process${extension}`, import.meta.url)),
      pilotModule: new URL(`../runtime/pilot-server${extension}`, import.meta.url).href,
    },
  });
} catch (error) {
  exitCode = printError(terminal.stderr, error, process.env.LATEEN_DEBUG === '1');
}

// What was written last may still be on its way into a pipe.
process.stdout.write('', () => process.stderr.write('', () => process.exit(exitCode)));
