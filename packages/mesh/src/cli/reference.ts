import type { Command, OptionSpec } from './command.ts';
import { optionFlags } from './program.ts';

/** docs/reference/cli.md, from the same data as the help. */
export function commandReference(commands: readonly Command[]): string {
  const parts = [
    '# Command line',
    '<!-- Made from packages/mesh/src/cli by scripts/generate-cli-reference.ts. Do not edit. -->',
    'Commands find the mesh that is running on this machine by themselves; `--mesh NAME` chooses one of several. ' +
      'The exit code is 0, 1 if the command failed, 2 if the command line makes no sense, and 130 if it was ' +
      'interrupted. Errors go to the standard error, with a code that is explained in ' +
      '[diagnostics](diagnostics.md). `NO_COLOR=1` turns colours off.',
    commands.map((each) => `- [\`lateen ${each.name}\`](#lateen-${each.name}): ${each.summary}`).join('\n'),
    ...commands.map(section),
  ];
  return `${parts.join('\n\n')}\n`;
}

function section(command: Command): string {
  const words = command.arguments.map(({ name, required, variadic }) => {
    const word = variadic === true ? `${name}...` : name;
    return required ? word : `[${word}]`;
  });
  const parts = [
    `## lateen ${command.name}`,
    `${command.summary}.`,
    ...(command.description === undefined ? [] : [command.description]),
    `\`\`\`\nlateen ${[command.name, ...words, '[OPTIONS]'].join(' ')}\n\`\`\``,
  ];
  if (command.arguments.length > 0) {
    const rows = command.arguments.map(({ name, description }) => [`\`${name}\``, description]);
    parts.push(table(['Argument', 'Meaning'], rows));
  }
  const options = Object.entries(command.options).filter(([, spec]) => spec.hidden !== true);
  if (options.length > 0) {
    const rows = options.map(([name, spec]) => [`\`${optionFlags(name, spec)}\``, meaning(spec)]);
    parts.push(table(['Option', 'Meaning'], rows));
  }
  if (command.examples.length > 0) {
    const lines = command.examples.map((each) => `# ${each.description}\n${each.command}`);
    parts.push(`\`\`\`sh\n${lines.join('\n\n')}\n\`\`\``);
  }
  return parts.join('\n\n');
}

function meaning(spec: OptionSpec): string {
  const facts: string[] = [];
  if (spec.type === 'text' && spec.choices !== undefined) {
    facts.push(`One of ${spec.choices.map((choice) => `\`${choice}\``).join(', ')}.`);
  }
  if ((spec.type === 'integer' || spec.type === 'duration') && spec.default !== undefined) {
    facts.push(`Default: \`${spec.default}\`.`);
  }
  return [spec.description, ...facts].join(' ');
}

function table(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(titles), line(titles.map(() => '---')), ...rows.map(line)].join('\n');
}
