import { defineCommand } from './command.ts';
import { meshOption } from './options.ts';

export const down = defineCommand({
  name: 'down',
  summary: 'Stop the running mesh',
  description:
    'Stops everything in order, and leaves no process behind, also when the supervisor was killed before. What the ' +
    'mesh keeps (certificates, applied objects, logs) stays for the next start, unless --purge is given.',
  arguments: [],
  options: {
    mesh: { ...meshOption, description: 'The mesh, if several are running, or one that is stopped already.' },
    purge: {
      type: 'flag',
      description:
        'Also remove what the mesh keeps: certificates, applied objects, logs. One that is stopped already has to be named.',
    },
  },
  examples: [
    { command: 'lateen down', description: 'Stop the mesh.' },
    { command: 'lateen down --mesh shop --purge', description: 'Stop the mesh "shop" and forget it.' },
  ],
  run: async ({ options, context }) => {
    const { stopMesh } = await import('./down/stop-mesh.ts');
    return stopMesh(options, context);
  },
});
