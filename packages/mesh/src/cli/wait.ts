import { defineCommand, UsageError } from './command.ts';
import { namedObjects } from './delete.ts';
import { objectTitle } from './kind-names.ts';
import { meshOption, namespaceOption } from './options.ts';

export const wait = defineCommand({
  name: 'wait',
  summary: 'Wait until every proxy has taken an object',
  description:
    'Returns when every proxy that lacks something at this moment has answered, so when each proxy that the objects ' +
    'concern holds them in the version that is in force now. Proxies that it does not concern are not waited for, nor ' +
    'is what changes later. Exits with 1 when a proxy refuses an object, with its words; when the time is over, with ' +
    'the proxies that have not answered; or when there is no such object.\n\n' +
    'lateen apply waits for 2 seconds by itself. A file that was edited is in force a moment after it was saved; what ' +
    'was applied is in force when the command returns.',
  arguments: [
    { name: 'KIND', description: 'A kind, or KIND/NAME for each object.', required: true },
    { name: 'NAME', description: 'Names of objects of that kind.', required: false, variadic: true },
  ],
  options: {
    for: {
      type: 'text',
      value: 'WHAT',
      choices: ['delivery', 'delete'],
      description: 'delete: the objects are gone, and so is what proxies had of them (default: "delivery").',
    },
    timeout: { type: 'duration', value: 'DURATION', default: '30s', description: 'How long to wait at most.' },
    namespace: namespaceOption,
    mesh: meshOption,
  },
  examples: [
    { command: 'lateen wait virtualservice reviews', description: 'Wait until each proxy routes by it.' },
    { command: 'lateen wait vs/reviews dr/reviews --timeout 5s', description: 'Wait for two objects.' },
    { command: 'lateen wait vs/reviews --for delete', description: 'Wait until no proxy routes by it any more.' },
  ],
  run: async ({ arguments: words, options, context }) => {
    const objects = namedObjects(words, options.namespace ?? 'default', 'wait');
    if (objects.length === 0) throw new UsageError('What to wait for is missing.', 'Write lateen wait KIND NAME.');
    const { connectToMesh } = await import('./connect.ts');
    const condition = options.for ?? 'delivery';
    await connectToMesh(options.mesh).wait({ objects, for: condition, timeoutMs: options.timeout });
    for (const ref of objects) {
      context.terminal.stdout.write(`${objectTitle(ref)} ${condition === 'delete' ? 'deleted' : 'delivered'}\n`);
    }
    return 0;
  },
});
