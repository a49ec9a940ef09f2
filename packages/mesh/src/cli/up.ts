import { defineCommand } from './command.ts';
import { meshOption, outputOption } from './options.ts';

export const up = defineCommand({
  name: 'up',
  summary: 'Start a mesh on this machine',
  description:
    'Reads every .yaml and .yml file below DIR, runs the containers of the Deployments as processes with an Envoy ' +
    'beside each, and stays in the foreground until Ctrl-C. Edited files are live at once.\n\n' +
    'Folders named routes, examples or optional hold what is read only when it is named with -f.',
  arguments: [{ name: 'DIR', description: 'A folder of manifests, or a single one.', required: true }],
  options: {
    file: {
      type: 'texts',
      short: 'f',
      value: 'FILE',
      description: 'One more file or folder to read, such as an example. May be given several times.',
    },
    detach: { type: 'flag', short: 'd', description: 'Return when the mesh is ready, and leave it running.' },
    mesh: { ...meshOption, description: 'What the mesh is called (default: after the folder).' },
    'admin-port': {
      type: 'integer',
      value: 'PORT',
      minimum: 1,
      maximum: 65_535,
      default: 19_000,
      description: 'The port of the status page and the admin API; if taken, the next free one.',
    },
    timeout: {
      type: 'duration',
      value: 'DURATION',
      default: '60s',
      description: 'How long to wait until everything is ready. The mesh goes on running after that.',
    },
    output: outputOption,
    'detached-supervisor': { type: 'flag', hidden: true, description: 'Be the process that --detach starts.' },
  },
  examples: [
    { command: 'lateen up samples/bookinfo', description: 'Start the sample application.' },
    {
      command: 'lateen up samples/bookinfo -f samples/bookinfo/routes/all-v1.yaml',
      description: 'Start it with one of its optional rules.',
    },
    { command: 'lateen up shop --mesh shop2 --detach', description: 'Start another mesh and leave it running.' },
  ],
  run: async ({ arguments: [dir = ''], options, context }) => {
    const { runUp } = await import('./up/run-up.ts');
    return runUp(dir, options, context);
  },
});
