import { defineCommand } from './command.ts';
import { outputOption } from './options.ts';

export const versionCommand = defineCommand({
  name: 'version',
  summary: 'Print the version',
  arguments: [],
  options: { output: outputOption },
  examples: [{ command: 'lateen version -o json', description: 'For a report of a fault.' }],
  run: async ({ options, context }) => {
    const facts = {
      lateen: context.program.version,
      node: process.version,
      platform: `${process.platform}-${process.arch}`,
    };
    if (options.output === undefined) {
      context.terminal.stdout.write(`lateen ${facts.lateen} (Node.js ${facts.node}, ${facts.platform})\n`);
      return 0;
    }
    const { printDocument } = await import('./output.ts');
    await printDocument(context.terminal.stdout, options.output, facts);
    return 0;
  },
});
