import { applyOptions, send } from './apply.ts';
import { defineCommand } from './command.ts';

export const create = defineCommand({
  name: 'create',
  summary: 'Create objects in the running mesh',
  description: 'Like apply, but refuses objects that exist already.',
  arguments: [],
  options: applyOptions,
  examples: [{ command: 'lateen create -f gateway.yaml', description: 'Create what the file holds.' }],
  run: ({ options, context }) => send('create', options, context),
});
