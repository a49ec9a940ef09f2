import type { ApplyRequest } from '@lateen/api/admin.ts';
import { type Context, defineCommand, UsageError } from './command.ts';
import { dryRunOption, fileOption, meshOption, namespaceOption, outputOption } from './options.ts';

/** Those of `create` as well. */
export const applyOptions = {
  file: fileOption,
  namespace: { ...namespaceOption, description: 'For objects that name no namespace (default: "default").' },
  'dry-run': dryRunOption,
  mesh: meshOption,
  output: outputOption,
};

export const apply = defineCommand({
  name: 'apply',
  summary: 'Create or change objects of the running mesh',
  description:
    'All objects are checked first, and either all of them are applied or none. They are stored with the mesh and ' +
    'survive its restart.',
  arguments: [],
  options: applyOptions,
  examples: [
    { command: 'lateen apply -f samples/bookinfo/routes/all-v1.yaml', description: 'Send all traffic to version 1.' },
    { command: 'cat rules.yaml | lateen apply -f - --dry-run', description: 'Check rules without applying them.' },
  ],
  run: ({ options, context }) => send('apply', options, context),
});

interface ApplyOptions {
  readonly file: readonly string[];
  readonly namespace: string | undefined;
  readonly 'dry-run': boolean;
  readonly mesh: string | undefined;
  readonly output: 'json' | 'yaml' | undefined;
}

/** `apply` and `create` differ in the mode only. */
export async function send(mode: ApplyRequest['mode'], options: ApplyOptions, context: Context): Promise<number> {
  if (options.file.length === 0) {
    throw new UsageError('What to read is missing.', `Name a file, a folder or -: lateen ${mode} -f FILE`);
  }
  const { readManifests } = await import('./manifest-input.ts');
  const { connectToMesh } = await import('./connect.ts');
  const { printApplied } = await import('./applied.ts');
  const client = connectToMesh(options.mesh);
  const [first, ...more] = await readManifests(options.file, { cwd: context.cwd, stdin: context.terminal.stdin });
  if (first === undefined) throw new UsageError('Nothing to read.', `lateen ${mode} -f FILE`);
  const response = await client.apply({
    ...first,
    mode,
    ...(more.length === 0 ? {} : { more }),
    ...(options.namespace === undefined ? {} : { namespace: options.namespace }),
    ...(options['dry-run'] ? { dryRun: true } : {}),
  });
  await printApplied(context.terminal, response, { output: options.output, dryRun: options['dry-run'] });
  return 0;
}
