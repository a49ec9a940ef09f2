import { defineCommand } from './command.ts';
import { meshOption, outputOption } from './options.ts';

export const status = defineCommand({
  name: 'status',
  summary: 'Show the state of the running mesh',
  description:
    'What -o json prints is a contract: fields are only added. The exit code says whether there was an answer, not ' +
    'whether the mesh is ready; that is the field "ready".',
  arguments: [],
  options: {
    mesh: meshOption,
    output: {
      ...outputOption,
      choices: ['json', 'yaml', 'wide'],
      description: 'Print for machines, or with more columns.',
    },
  },
  examples: [
    { command: 'lateen status', description: 'Show gateways, services, replicas and what is wrong.' },
    { command: 'lateen status -o wide', description: 'Also the ports and the identity of each replica.' },
    { command: 'lateen status -o json', description: 'Everything for programs.' },
  ],
  run: async ({ options, context }) => {
    const { stdout } = context.terminal;
    const { connectToMesh } = await import('./connect.ts');
    const answer = await connectToMesh(options.mesh).status();
    if (options.output === undefined || options.output === 'wide') {
      const { formatStatus } = await import('./status-view.ts');
      stdout.write(formatStatus(stdout, answer, { wide: options.output === 'wide' }));
    } else {
      const { printDocument } = await import('./output.ts');
      await printDocument(stdout, options.output, answer);
    }
    return 0;
  },
});
