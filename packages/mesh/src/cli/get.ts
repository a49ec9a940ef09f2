import { defineCommand, UsageError } from './command.ts';
import { type KindNames, kindNames, pluralOf, podNames } from './kind-names.ts';
import { meshOption } from './options.ts';

export const get = defineCommand({
  name: 'get',
  summary: 'Show objects of the running mesh',
  description: `Kinds: ${[podNames, ...kindNames].map(words).join(', ')}.`,
  arguments: [
    { name: 'KIND', description: 'A kind, several with commas between, all, or KIND/NAME.', required: true },
    { name: 'NAME', description: 'Names of objects of that kind.', required: false, variadic: true },
  ],
  options: {
    namespace: { type: 'text', short: 'n', value: 'NAMESPACE', description: 'The namespace (default: "default").' },
    'all-namespaces': { type: 'flag', short: 'A', description: 'The objects of all namespaces.' },
    output: {
      type: 'text',
      short: 'o',
      value: 'FORMAT',
      choices: ['json', 'yaml', 'wide', 'name'],
      description: 'Print whole objects, more columns, or names only.',
    },
    'show-labels': { type: 'flag', description: 'Add a column with the labels.' },
    mesh: meshOption,
  },
  examples: [
    { command: 'lateen get virtualservices', description: 'List the routing rules.' },
    { command: 'lateen get vs reviews -o yaml', description: 'Show one of them in full.' },
    { command: 'lateen get pods -o wide', description: 'List the replicas with their identities.' },
    { command: 'lateen get all -A', description: 'List everything.' },
  ],
  run: async ({ arguments: words, options, context }) => {
    const { parseSelection } = await import('./get/selection.ts');
    const selection = parseSelection(words);
    if (options['all-namespaces'] && options.namespace !== undefined) {
      throw new UsageError('--namespace and --all-namespaces exclude each other.', 'Give one of the two.');
    }
    const namespace = options['all-namespaces'] ? undefined : (options.namespace ?? 'default');
    const { connectToMesh } = await import('./connect.ts');
    const { fetchSelection } = await import('./get/fetch.ts');
    const groups = await fetchSelection(connectToMesh(options.mesh), selection, namespace);
    const { printGroups } = await import('./get/print.ts');
    await printGroups(context.terminal, groups, {
      format: options.output ?? 'table',
      namespace,
      labels: options['show-labels'],
      single: selection.single,
    });
    return 0;
  },
});

/** `virtualservices (vs)`: what the kind is called. */
function words(kind: KindNames): string {
  return `${pluralOf(kind)} (${kind.short.join(', ')})`;
}
