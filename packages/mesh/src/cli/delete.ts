import type { ObjectRef } from '@lateen/api/diagnostic.ts';
import { isLateenError } from '@lateen/api/lateen-error.ts';
import { writtenKind } from '@lateen/api/written-kind.ts';
import { defineCommand, UsageError } from './command.ts';
import { findKind, type KindNames, kindNames, parseKindAndName } from './kind-names.ts';
import { dryRunOption, fileOption, meshOption, namespaceOption, outputOption } from './options.ts';

export const deleteCommand = defineCommand({
  name: 'delete',
  summary: 'Delete objects of the running mesh',
  description: 'Either all objects that are named are deleted, or none.',
  arguments: [
    { name: 'KIND', description: 'A kind, or KIND/NAME for each object.', required: false },
    { name: 'NAME', description: 'Names of objects of that kind.', required: false, variadic: true },
  ],
  options: {
    file: { ...fileOption, description: `${fileOption.description} The objects that it holds are deleted.` },
    namespace: namespaceOption,
    'ignore-not-found': { type: 'flag', description: 'An object that is not there counts as deleted.' },
    'dry-run': dryRunOption,
    mesh: meshOption,
    output: outputOption,
  },
  examples: [
    { command: 'lateen delete virtualservice reviews', description: 'Delete one object.' },
    { command: 'lateen delete vs/reviews dr/reviews', description: 'Delete two objects, or none.' },
    { command: 'lateen delete -f samples/bookinfo/routes/all-v1.yaml', description: 'Delete what a file holds.' },
  ],
  run: async ({ arguments: words, options, context }) => {
    const namespace = options.namespace ?? 'default';
    const named = namedObjects(words, namespace, 'delete');
    if (named.length === 0 && options.file.length === 0) {
      throw new UsageError('What to delete is missing.', 'Write lateen delete KIND NAME, or lateen delete -f FILE.');
    }
    const { connectToMesh } = await import('./connect.ts');
    const { printApplied } = await import('./applied.ts');
    const client = connectToMesh(options.mesh);
    const inFiles: ObjectRef[] = [];
    if (options.file.length > 0) {
      const { readManifests } = await import('./manifest-input.ts');
      const { objectsIn } = await import('./manifest-objects.ts');
      for (const file of await readManifests(options.file, { cwd: context.cwd, stdin: context.terminal.stdin })) {
        inFiles.push(...objectsIn(file, options.namespace));
      }
    }
    const objects = [...named, ...inFiles];
    const request = {
      objects,
      ...(options['ignore-not-found'] ? { ignoreNotFound: true } : {}),
      ...(options['dry-run'] ? { dryRun: true } : {}),
    };
    const response = await client.remove(request).catch(async (error: unknown) => {
      if (!isLateenError(error) || error.code !== 'LAT0518') throw error;
      const { missingObject } = await import('./delete/missing.ts');
      throw (await missingObject(client, objects)) ?? error;
    });
    await printApplied(context.terminal, response, { output: options.output, dryRun: options['dry-run'] });
    return 0;
  },
});

/** `KIND NAME...` or `KIND/NAME...`. Throws `UsageError` for anything else. `verb` is the command, for its messages. */
export function namedObjects(words: readonly string[], namespace: string, verb: string): ObjectRef[] {
  const [first, ...names] = words;
  if (first === undefined) return [];
  const ref = ({ kind, namespaced }: KindNames, name: string): ObjectRef => {
    return { kind, namespace: namespaced ? namespace : '', name };
  };
  if (!words.some((word) => word.includes('/'))) {
    const kind = findKind(first, kindNames);
    if (names.length === 0) {
      throw new UsageError(`Which ${writtenKind(kind.kind)} to ${verb} is missing.`, `lateen ${verb} ${first} NAME`);
    }
    return names.map((name) => ref(kind, name));
  }
  return words.map((word) => {
    const { kind, name } = parseKindAndName(word, kindNames);
    return ref(kind, name);
  });
}
