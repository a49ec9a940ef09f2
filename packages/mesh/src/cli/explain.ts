import { defineCommand, UsageError } from './command.ts';
import { fileOption, meshOption, namespaceOption, outputOption } from './options.ts';

export const explain = defineCommand({
  name: 'explain',
  summary: 'Say what would become of a request',
  description:
    'Follows the request through the configuration of the proxies: which listener and route take it, why the routes before ' +
    'that one did not, what is changed, where it goes, and the file and line behind each of these.\n\n' +
    'Without files, the running mesh is asked. With files, it is a mesh of these in which every replica is ready.\n\n' +
    '--verify also sends the request through the running mesh and compares; the exit code is 1 if they disagree.',
  arguments: [
    {
      name: 'FROM',
      description: 'Who calls: a workload or a replica, with .NAMESPACE behind it, or gateway for a client of it.',
      required: true,
    },
    { name: 'METHOD', description: 'GET, POST, ...', required: true },
    { name: 'URL', description: 'http://HOST[:PORT]/PATH, https://... or tcp://HOST:PORT.', required: true },
  ],
  options: {
    header: {
      type: 'texts',
      short: 'H',
      value: 'NAME:VALUE',
      description: 'A header of the request. May be given several times.',
    },
    file: fileOption,
    namespace: { ...namespaceOption, description: 'For objects in files that name no namespace (default: "default").' },
    verify: { type: 'flag', description: 'Send the request as well, and compare.' },
    mesh: meshOption,
    output: outputOption,
  },
  examples: [
    { command: 'lateen explain productpage-v1 GET http://reviews:9080/', description: 'A call between services.' },
    {
      command: "lateen explain productpage-v1 GET http://reviews:9080/ -H 'end-user: jason'",
      description: 'The same for one user.',
    },
    { command: 'lateen explain gateway GET http://localhost/productpage', description: 'A call from outside.' },
    {
      command: 'lateen explain productpage-v1 GET http://reviews:9080/ -f samples/bookinfo',
      description: 'What files say, without a mesh.',
    },
  ],
  run: async ({ arguments: [from = '', method = '', url = ''], options, context }) => {
    const { parseHeaders } = await import('./explain/headers.ts');
    const request = { from, method, url, headers: parseHeaders(options.header) };
    const isOffline = options.file.length > 0;
    if (isOffline && (options.mesh !== undefined || options.verify)) {
      throw new UsageError('Files are looked at without a mesh.', 'Leave out either -f, or --mesh and --verify.');
    }
    if (!isOffline && options.namespace !== undefined) {
      throw new UsageError('--namespace is for files only.', 'Leave it out, or name files with -f.');
    }
    const { stdout } = context.terminal;
    const { printJourney } = await import('./explain/print-journey.ts');
    if (isOffline) {
      const { readSources } = await import('./check/read-sources.ts');
      const { explainFiles } = await import('./explain/explain-files.ts');
      const sources = await readSources(options.file, { cwd: context.cwd, stdin: context.terminal.stdin });
      printJourney(stdout, request, explainFiles(sources, options.namespace ?? 'default', request), options.output);
      return 0;
    }
    const { connectToMesh } = await import('./connect.ts');
    const client = connectToMesh(options.mesh);
    const journey = await client.explain(request);
    if (!options.verify) {
      printJourney(stdout, request, journey, options.output);
      return 0;
    }
    const { verify } = await import('./explain/verify.ts');
    const verdict = await verify(request, journey, await client.status());
    printJourney(stdout, request, journey, options.output, verdict);
    return verdict.agrees ? 0 : 1;
  },
});
