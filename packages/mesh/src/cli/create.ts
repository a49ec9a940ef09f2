import { send } from './apply.ts';
import { defineCommand } from './command.ts';
import { dryRunOption, fileOption, meshOption, namespaceOption, outputOption } from './options.ts';

export const create = defineCommand({
  name: 'create',
  summary: 'Create objects in the running mesh',
  description: 'Like apply, but refuses objects that exist already.',
  arguments: [],
  options: {
    file: fileOption,
    namespace: { ...namespaceOption, description: 'For objects that name no namespace (default: "default").' },
    'dry-run': dryRunOption,
    mesh: meshOption,
    output: outputOption,
  },
  examples: [{ command: 'lateen create -f gateway.yaml', description: 'Create what the file holds.' }],
  run: ({ options, context }) => send('create', options, context),
});
