import { defineCommand } from './command.ts';
import { namespaceOption, outputOption } from './options.ts';

export const validate = defineCommand({
  name: 'validate',
  summary: 'Check files without a mesh',
  description:
    'Reads the files as lateen up does, and tells everything that it would find wrong with them: in each object, and ' +
    'in what objects say of one another. Nothing is started or changed. If no Service and no ServiceEntry is among ' +
    'them, the files are taken for a part of a mesh, and hosts that they name need not be there.\n\n' +
    'The exit code is 1 if there is an error. What -o json prints is a contract: a list of objects with code, ' +
    'severity, message, object (kind, namespace, name), file, line and path, null where something is not known.',
  arguments: [
    {
      name: 'FILE|DIR',
      description: 'Files, folders with all below them, or - for the standard input.',
      required: true,
      variadic: true,
    },
  ],
  options: {
    namespace: { ...namespaceOption, description: 'For objects that name no namespace (default: "default").' },
    output: outputOption,
  },
  examples: [
    { command: 'lateen validate samples/bookinfo', description: 'Check all that a mesh is made of.' },
    { command: 'cat rules.yaml | lateen validate -', description: 'Check what another program writes.' },
    { command: 'lateen validate . -o json', description: 'For programs, such as the checks before a merge.' },
  ],
  run: async ({ arguments: paths, options, context }) => {
    const { readSources } = await import('./check/read-sources.ts');
    const { checkSources } = await import('./check/check-sources.ts');
    const { report } = await import('./check/report.ts');
    const { sourceScope, tellSkipped } = await import('./check/scope.ts');
    const { stdout, stderr } = context.terminal;
    const sources = await readSources(paths, { cwd: context.cwd, stdin: context.terminal.stdin });
    const findings = await checkSources(sources, options.namespace ?? 'default', false);
    if (options.output === undefined) tellSkipped(stderr, sources, findings);
    const told = findings.diagnostics.filter(({ severity }) => severity !== 'info');
    return report(stdout, told, options.output, sourceScope(findings));
  },
});
