import { styleText } from 'node:util';

/** A stream to write to, and what it can show. */
export interface Output {
  write(text: string): void;
  readonly isTerminal: boolean;
  readonly colour: boolean;
  /** Width in characters. */
  readonly columns: number;
  /** Height in lines. */
  readonly rows: number;
}

export interface Terminal {
  readonly stdout: Output;
  readonly stderr: Output;
  readonly stdin: NodeJS.ReadableStream;
  /** Called once nobody reads the output any more. Without it the command ends, which suits all but long ones. */
  onOutputLost?: () => void;
}

export type Style = Parameters<typeof styleText>[0];

export function processTerminal(): Terminal {
  const terminal: Terminal = {
    stdout: outputOf(process.stdout, process.env),
    stderr: outputOf(process.stderr, process.env),
    // Opened only when it is read: an open one can keep the process from ending.
    get stdin() {
      return process.stdin;
    },
  };
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      // A reader that has had enough (`lateen get all | head -1`), or a terminal that was closed, is no error.
      if (error.code !== 'EPIPE' && error.code !== 'EIO') throw error;
      if (terminal.onOutputLost === undefined) process.exit(0);
      terminal.onOutputLost();
    });
  }
  return terminal;
}

function outputOf(stream: NodeJS.WriteStream, env: NodeJS.ProcessEnv): Output {
  const isTerminal = stream.isTTY === true;
  return {
    write: (text) => stream.write(text),
    isTerminal: isTerminal && env.TERM !== 'dumb',
    colour: wantsColour(isTerminal, env),
    get columns() {
      return stream.columns ?? 80;
    },
    get rows() {
      return stream.rows ?? 24;
    },
  };
}

/** https://no-color.org and https://force-color.org: set and not empty. */
export function wantsColour(isTerminal: boolean, env: NodeJS.ProcessEnv): boolean {
  if (env.NO_COLOR !== undefined && env.NO_COLOR !== '') return false;
  if (env.FORCE_COLOR !== undefined && env.FORCE_COLOR !== '' && env.FORCE_COLOR !== '0') return true;
  return isTerminal && env.TERM !== 'dumb';
}

export function paint(output: Pick<Output, 'colour'>, style: Style, text: string): string {
  return output.colour ? styleText(style, text, { validateStream: false }) : text;
}

/**
 * Text from manifests, logs and processes goes to the terminal only without control characters, which could move the
 * cursor or change the screen.
 */
export function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for.
  return text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, '\ufffd');
}
