import { defineCommand } from './command.ts';
import { meshOption, outputOption } from './options.ts';

export const status = defineCommand({
  name: 'status',
  summary: 'Show how the running mesh does',
  description:
    'The JSON is a contract: fields are only added. The exit code says whether there was an answer, not whether the ' +
    'mesh is ready; that is the field "ready".',
  arguments: [],
  options: { mesh: meshOption, output: outputOption },
  examples: [
    { command: 'lateen status', description: 'Show gateways, services, replicas and what is wrong.' },
    { command: 'lateen status -o json', description: 'The same for programs.' },
  ],
  run: async ({ options, context }) => {
    const { stdout } = context.terminal;
    const { connectToMesh } = await import('./connect.ts');
    const answer = await connectToMesh(options.mesh).status();
    if (options.output === undefined) {
      const { formatStatus } = await import('./status-view.ts');
      stdout.write(formatStatus(stdout, answer));
    } else {
      const { printDocument } = await import('./output.ts');
      await printDocument(stdout, options.output, answer);
    }
    return 0;
  },
});
