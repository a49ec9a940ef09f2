import { defineCommand, UsageError } from './command.ts';
import { meshOption, namespaceOption, outputOption } from './options.ts';

export const analyze = defineCommand({
  name: 'analyze',
  summary: 'Look for what is wrong in a whole configuration',
  description:
    'Without files, that of the running mesh: what is in force, and what is held back. With files, these as the whole ' +
    'mesh. Beside errors and warnings it tells what is only worth knowing.\n\n' +
    'The exit code is 1 if there is an error. What -o json prints is the same as of lateen validate.',
  arguments: [
    {
      name: 'FILE|DIR',
      description: 'Files, folders with all below them, or - for the standard input.',
      required: false,
      variadic: true,
    },
  ],
  options: {
    namespace: { ...namespaceOption, description: 'For objects in files that name no namespace (default: "default").' },
    mesh: meshOption,
    output: outputOption,
  },
  examples: [
    { command: 'lateen analyze', description: 'Look at the running mesh.' },
    { command: 'lateen analyze samples/bookinfo', description: 'Look at files.' },
    { command: 'lateen analyze -o json', description: 'For programs.' },
  ],
  run: async ({ arguments: paths, options, context }) => {
    const { stdout, stderr } = context.terminal;
    const { report } = await import('./check/report.ts');
    if (paths.length === 0) {
      if (options.namespace !== undefined) {
        throw new UsageError('--namespace is for files only.', 'Leave it out, or name files.');
      }
      const { connectToMesh } = await import('./connect.ts');
      const { diagnostics, objects } = await connectToMesh(options.mesh).analysis();
      const { meshScope } = await import('./check/scope.ts');
      return report(stdout, diagnostics, options.output, meshScope(objects));
    }
    if (options.mesh !== undefined) {
      throw new UsageError('Files are looked at without a mesh.', 'Leave out either --mesh or the files.');
    }
    const { readSources } = await import('./check/read-sources.ts');
    const { checkSources } = await import('./check/check-sources.ts');
    const { sourceScope, tellSkipped } = await import('./check/scope.ts');
    const sources = await readSources(paths, { cwd: context.cwd, stdin: context.terminal.stdin });
    const findings = await checkSources(sources, options.namespace ?? 'default', true);
    if (options.output === undefined) tellSkipped(stderr, sources, findings);
    return report(stdout, findings.diagnostics, options.output, sourceScope(findings));
  },
});
