import { defineCommand } from './command.ts';
import { meshOption } from './options.ts';

export const logs = defineCommand({
  name: 'logs',
  summary: 'Show what a process of the mesh has written',
  description:
    'NAME is a replica (reviews-v1-0), a Deployment (reviews-v1: all its replicas), a gateway, control-plane or ' +
    'supervisor. NAME.NAMESPACE looks in another namespace. Logs are still there when the mesh is stopped.',
  arguments: [{ name: 'NAME', description: 'Whose log.', required: true }],
  options: {
    follow: { type: 'flag', short: 'f', description: 'Go on with what is written from now on.' },
    tail: {
      type: 'integer',
      value: 'LINES',
      minimum: 0,
      maximum: 1_000_000,
      description: 'Start this many lines before the end (default: everything).',
    },
    container: { type: 'text', short: 'c', value: 'CONTAINER', description: 'One container of a pod with several.' },
    envoy: { type: 'flag', description: "The log of the sidecar instead of the application's." },
    previous: { type: 'flag', short: 'p', description: 'What the run before the present one has written.' },
    mesh: { ...meshOption, description: 'The mesh, if there are several on this machine.' },
  },
  examples: [
    { command: 'lateen logs reviews-v1-0', description: 'What a replica has written.' },
    { command: 'lateen logs reviews-v2 -f', description: 'Follow all replicas of a Deployment.' },
    { command: 'lateen logs ratings-v1-0 --envoy --tail 20', description: 'The last lines of a sidecar.' },
  ],
  run: async ({ arguments: [name = ''], options, context }) => {
    const { showLogs } = await import('./logs/show-logs.ts');
    return showLogs(name, options, context);
  },
});
