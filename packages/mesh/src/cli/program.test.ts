import { expect, test } from 'vitest';
import { type Command, defineCommand, UsageError } from './command.ts';
import { commands } from './commands.ts';
import { printError } from './errors.ts';
import { captureContext } from './fixtures/capture.ts';
import { runProgram } from './program.ts';

/** Parses with a command whose options are of every type, and gives what its function got. */
async function parse(...argv: string[]): Promise<unknown> {
  let got: unknown;
  const command = defineCommand({
    name: 'try',
    summary: 'Try',
    arguments: [
      { name: 'FIRST', description: '', required: true },
      { name: 'REST', description: '', required: false, variadic: true },
    ],
    options: {
      flag: { type: 'flag', short: 'x', description: '' },
      'some-text': { type: 'text', value: 'T', description: '' },
      choice: { type: 'text', short: 'o', value: 'C', choices: ['json', 'yaml'], description: '' },
      file: { type: 'texts', short: 'f', value: 'F', description: '' },
      lines: { type: 'integer', value: 'N', minimum: 0, maximum: 9, description: '' },
      wait: { type: 'duration', value: 'D', default: '60s', description: '' },
    },
    examples: [],
    run: async ({ arguments: words, options }) => {
      got = { words, options };
      return 7;
    },
  });
  expect(await runProgram([command], ['try', ...argv], captureContext().context)).toBe(7);
  return got;
}

const defaults = {
  flag: false,
  'some-text': undefined,
  choice: undefined,
  file: [],
  lines: undefined,
  wait: 60_000,
};

test.each<[string[], object, string[]]>([
  [['a'], {}, ['a']],
  [['a', 'b', 'c'], {}, ['a', 'b', 'c']],
  [['-x', 'a', '--some-text', 'v'], { flag: true, 'some-text': 'v' }, ['a']],
  [['a', '--some-text=v=w', '-ojson'], { 'some-text': 'v=w', choice: 'json' }, ['a']],
  [['a', '-f', 'x', 'b', '-f', '-'], { file: ['x', '-'] }, ['a', 'b']],
  [['--lines', '0', '--wait', '1m30s', 'a'], { lines: 0, wait: 90_000 }, ['a']],
  [['--', '-x'], {}, ['-x']],
])('parses %j', async (argv, options, words) => {
  expect(await parse(...argv)).toEqual({ words, options: { ...defaults, ...options } });
});

async function usage(...argv: string[]): Promise<string> {
  const captured = captureContext();
  const error = await runProgram(commands, argv, captured.context).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(UsageError);
  expect(printError(captured.context.terminal.stderr, error)).toBe(2);
  expect(captured.stdout()).toBe('');
  return captured.stderr();
}

test.each<[string, string]>([
  ['statsu', "error LAT0501: Unknown command 'statsu', did you mean status?\n  lateen --help lists the commands.\n"],
  [
    'status --msh x',
    "error LAT0501: Unknown option '--msh', did you mean --mesh?\n  lateen status --help shows what it takes.\n",
  ],
  ['get', "error LAT0501: Missing required argument 'KIND'.\n  lateen get --help shows what it takes.\n"],
  [
    'logs x --tail lots',
    "error LAT0501: Option '--tail <LINES>' argument 'lots' is invalid. It must be a whole number from 0 to 1000000.\n" +
      '  lateen logs --help shows what it takes.\n',
  ],
  [
    'pc routs x',
    "error LAT0501: Command-argument value 'routs' is invalid for argument 'WHAT'. Allowed choices are listeners, routes, clusters, endpoints, scope, secrets, bootstrap.\n" +
      '  lateen pc --help shows what it takes.\n',
  ],
  ['pc secrets x --port 1', 'error LAT0501: --port is not for secrets.\n  Those are: --name.\n'],
  ['pc bootstrap x --name y', 'error LAT0501: --name is not for bootstrap.\n  It takes none.\n'],
  ['delete vs', 'error LAT0501: Which VirtualService to delete is missing.\n  lateen delete vs NAME\n'],
  ['delete vs/a b', 'error LAT0501: "b" is not KIND/NAME.\n  Write either KIND NAME, or KIND/NAME for each object.\n'],
  ['apply', 'error LAT0501: What to read is missing.\n  Name a file, a folder or -: lateen apply -f FILE\n'],
  ['get -A -n x vs', 'error LAT0501: --namespace and --all-namespaces exclude each other.\n  Give one of the two.\n'],
])('lateen %s is not understood', async (line, message) => {
  expect(await usage(...line.split(' '))).toBe(message);
});

test('an unknown kind gets a suggestion', async () => {
  expect(await usage('get', 'virtualservces')).toMatch(/^error LAT0501: Unknown kind "virtualservces", did you mean/);
});

test('without arguments, and with --help, shows help and succeeds', async () => {
  for (const argv of [[], ['--help'], ['help']]) {
    const captured = captureContext();
    expect(await runProgram(commands, argv, captured.context)).toBe(0);
    for (const command of commands) expect(captured.stdout()).toContain(command.summary);
  }
  const captured = captureContext();
  expect(await runProgram(commands, ['up', '--help'], captured.context)).toBe(0);
  expect(captured.stdout()).toContain('# Start the sample application.\n  lateen up samples/bookinfo');
  expect(captured.stdout()).not.toContain('detached-supervisor');
});

test('the version', async () => {
  const captured = captureContext();
  expect(await runProgram(commands, ['--version'], captured.context)).toBe(0);
  expect(captured.stdout()).toBe('1.2.3\n');
});

test('every command has the data that help and reference are made of', () => {
  const names = new Set<string>();
  for (const command of commands as readonly Command[]) {
    expect(names.has(command.name)).toBe(false);
    names.add(command.name);
    expect(command.summary).not.toMatch(/\.$/);
    expect(command.examples.length).toBeGreaterThan(0);
    for (const example of command.examples) expect(example.command).toContain(`lateen ${command.name}`);
    const shorts = Object.values(command.options).flatMap(({ short }) => short ?? []);
    expect(new Set(shorts).size).toBe(shorts.length);
  }
});
