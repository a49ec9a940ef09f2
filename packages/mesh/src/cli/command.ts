import type { Terminal } from './terminal.ts';

/** A command as data: what is parsed, what `--help` shows, what docs/reference/cli.md says, and the function to run. */
export interface Command {
  /** The word typed. */
  readonly name: string;
  /** Shorter words for the same. */
  readonly aliases?: readonly string[];
  /** One line, without a full stop. */
  readonly summary: string;
  /** What one has to know beyond the summary. Paragraphs are separated by an empty line. */
  readonly description?: string;
  readonly arguments: readonly ArgumentSpec[];
  /** By long name. */
  readonly options: Readonly<Record<string, OptionSpec>>;
  readonly examples: readonly Example[];
  /** Resolves to the exit code. Throws `LateenError`, `DiagnosticError` or `UsageError`. */
  readonly run: (invocation: Invocation) => Promise<number>;
}

export interface ArgumentSpec {
  readonly name: string;
  readonly description: string;
  readonly required: boolean;
  /** Takes all that follows; only the last one can. */
  readonly variadic?: boolean;
  readonly choices?: readonly string[];
}

export type OptionSpec = FlagSpec | TextSpec | TextsSpec | IntegerSpec | DurationSpec;

interface OptionBase {
  /** One letter. */
  readonly short?: string;
  readonly description: string;
  /** Not shown: for the program's own use. */
  readonly hidden?: boolean;
}

export interface FlagSpec extends OptionBase {
  readonly type: 'flag';
}
export interface TextSpec extends OptionBase {
  readonly type: 'text';
  /** The word for the value in the help: `NAME`. */
  readonly value: string;
  readonly choices?: readonly string[];
}
/** May be given several times. */
export interface TextsSpec extends OptionBase {
  readonly type: 'texts';
  readonly value: string;
}
export interface IntegerSpec extends OptionBase {
  readonly type: 'integer';
  readonly value: string;
  readonly minimum: number;
  readonly maximum: number;
  readonly default?: number;
}
/** `90s`, `2m`; the value is in milliseconds. */
export interface DurationSpec extends OptionBase {
  readonly type: 'duration';
  readonly value: string;
  readonly default: string;
}

export interface Example {
  readonly command: string;
  readonly description: string;
}

export interface Invocation {
  readonly arguments: readonly string[];
  readonly options: Readonly<Record<string, unknown>>;
  readonly context: Context;
}

/** What a command needs of the process that it runs in. */
export interface Context {
  readonly terminal: Terminal;
  readonly env: NodeJS.ProcessEnv;
  /** Absolute. */
  readonly cwd: string;
  readonly program: Program;
}

/** The program that this is, for commands which start parts of it as processes of their own. */
export interface Program {
  readonly version: string;
  /** What `node` runs for `lateen`. */
  readonly entry: string;
  /** The module of the control plane's process. */
  readonly controlPlaneModule: string;
  /** The module with Pilot's server, as a URL. */
  readonly pilotModule: string;
}

type ValueOf<S extends OptionSpec> = S extends FlagSpec
  ? boolean
  : S extends TextsSpec
    ? readonly string[]
    : S extends DurationSpec
      ? number
      : S extends IntegerSpec
        ? S extends { readonly default: number }
          ? number
          : number | undefined
        : S extends { readonly choices: readonly (infer Choice)[] }
          ? Choice | undefined
          : string | undefined;

export interface CommandDefinition<O extends Readonly<Record<string, OptionSpec>>>
  extends Omit<Command, 'run' | 'options'> {
  readonly options: O;
  readonly run: (invocation: {
    readonly arguments: readonly string[];
    readonly options: { readonly [Name in keyof O]: ValueOf<O[Name]> };
    readonly context: Context;
  }) => Promise<number>;
}

/** Gives `run` the types that follow from the options. The parser sees to it that the values have them. */
export function defineCommand<const O extends Readonly<Record<string, OptionSpec>>>(
  definition: CommandDefinition<O>,
): Command {
  return definition as unknown as Command;
}

/** The command line makes no sense: exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
  readonly remedy: string;

  constructor(message: string, remedy: string) {
    super(message);
    this.remedy = remedy;
  }
}
