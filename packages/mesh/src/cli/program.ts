import { durationMs as parseDuration } from '@lateen/api/duration.ts';
import { Argument, Command as Commander, CommanderError, InvalidArgumentError, Option } from 'commander';
import { type Command, type Context, type OptionSpec, UsageError } from './command.ts';
import { exitCodes } from './errors.ts';

/** Parses the arguments (without `node` and the script), runs the command, and gives the exit code. */
export async function runProgram(
  commands: readonly Command[],
  argv: readonly string[],
  context: Context,
): Promise<number> {
  const { stdout } = context.terminal;
  let exitCode: number = exitCodes.ok;
  const program = new Commander('lateen')
    .description('A service mesh on stock Envoy. Start one on this machine: lateen up DIR')
    .version(context.program.version, '-V, --version', 'Print the version.')
    .helpOption('-h, --help', 'Show help.')
    .helpCommand('help [COMMAND]', 'Show help for a command')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => stdout.write(text),
      writeErr: (text) => stdout.write(text),
      // What is wrong with the command line is thrown as well, and printed like any other error.
      outputError: () => {},
      getOutHelpWidth: () => Math.min(stdout.columns, 120),
      getErrHelpWidth: () => Math.min(stdout.columns, 120),
      getOutHasColors: () => stdout.colour,
    })
    .configureHelp({ showGlobalOptions: false });
  for (const command of commands) {
    addCommand(program, command).action(async (...values: unknown[]) => {
      const parsed = values.at(-1) as Commander;
      const given = values.slice(0, command.arguments.length).flat() as (string | undefined)[];
      exitCode = await command.run({
        arguments: given.filter((each) => each !== undefined),
        options: optionValues(command, parsed),
        context,
      });
    });
  }
  if (argv.length === 0) {
    stdout.write(program.helpInformation());
    return exitCodes.ok;
  }
  try {
    await program.parseAsync([...argv], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return exitCodes.ok;
    throw usageError(error, argv[0] ?? '', commands);
  }
  return exitCode;
}

function addCommand(program: Commander, command: Command): Commander {
  const added = program
    .command(command.name)
    .aliases([...(command.aliases ?? [])])
    .summary(command.summary)
    .description(`${command.summary}.${command.description === undefined ? '' : `\n\n${command.description}`}`)
    .helpOption('-h, --help', 'Show help.')
    .allowExcessArguments(false);
  for (const { name, description, required, variadic, choices } of command.arguments) {
    const word = variadic === true ? `${name}...` : name;
    const argument = new Argument(required ? `<${word}>` : `[${word}]`, description);
    added.addArgument(choices === undefined ? argument : argument.choices([...choices]));
  }
  for (const [name, spec] of Object.entries(command.options)) added.addOption(toOption(name, spec));
  const examples = command.examples.map((each) => `  # ${each.description}\n  ${each.command}`).join('\n\n');
  if (examples !== '') added.addHelpText('after', `\nExamples:\n${examples}`);
  return added;
}

export function optionFlags(name: string, spec: OptionSpec): string {
  const short = spec.short === undefined ? '' : `-${spec.short}, `;
  return `${short}--${name}${spec.type === 'flag' ? '' : ` <${spec.value}>`}`;
}

function toOption(name: string, spec: OptionSpec): Option {
  const option = new Option(optionFlags(name, spec), spec.description);
  if (spec.hidden === true) option.hideHelp();
  if (spec.type === 'text' && spec.choices !== undefined) option.choices([...spec.choices]);
  if (spec.type === 'texts') option.argParser((value, before: string[] | undefined) => [...(before ?? []), value]);
  if (spec.type === 'integer') {
    option.argParser((value) => {
      const number = Number(value);
      if (/^\d+$/.test(value) && number >= spec.minimum && number <= spec.maximum) return number;
      throw new InvalidArgumentError(`It must be a whole number from ${spec.minimum} to ${spec.maximum}.`);
    });
    if (spec.default !== undefined) option.default(spec.default);
  }
  if (spec.type === 'duration') {
    option.argParser(durationMs).default(durationMs(spec.default), spec.default);
  }
  return option;
}

function durationMs(text: string): number {
  const value = parseDuration(text);
  if (value !== undefined) return value;
  throw new InvalidArgumentError('It must be a duration such as 90s or 2m.');
}

function optionValues(command: Command, parsed: Commander): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  for (const [name, spec] of Object.entries(command.options)) {
    const value = parsed.getOptionValue(new Option(`--${name}`).attributeName());
    values[name] = value ?? (spec.type === 'flag' ? false : spec.type === 'texts' ? [] : undefined);
  }
  return values;
}

/** Commander's message as one of ours: a sentence, the suggestion with it, and where to read on. */
function usageError(error: CommanderError, word: string, commands: readonly Command[]): UsageError {
  const [first = '', suggestion = ''] = error.message.replace(/^error: /, '').split('\n');
  const sentence = first.charAt(0).toUpperCase() + first.slice(1);
  const meant = suggestion.match(/Did you mean (?:one of )?(.*)\?\)$/)?.[1];
  const known = commands.some(({ name, aliases }) => name === word || aliases?.includes(word));
  return new UsageError(
    `${sentence.replace(/\.$/, '')}${meant === undefined ? '.' : `, did you mean ${meant}?`}`,
    known ? `lateen ${word} --help shows what it takes.` : 'lateen --help lists the commands.',
  );
}
