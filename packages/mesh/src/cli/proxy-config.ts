import { defineCommand, UsageError } from './command.ts';
import { fileOption, meshOption, outputOption } from './options.ts';

export const proxyConfig = defineCommand({
  name: 'proxy-config',
  aliases: ['pc'],
  summary: 'Show the configuration of a proxy',
  description:
    'Listeners, routes, clusters and endpoints are those that the control plane wants the proxy to have; each row ends ' +
    'with the files and lines that it came from. Secrets, the bootstrap and the health of endpoints are asked of the ' +
    'Envoy itself. Private keys are never shown.\n\n' +
    'With files, it is what the proxies of a mesh of these would hold, with made-up ports; nothing has to run.\n\n' +
    'The scope is what the proxy holds of the mesh, one row for each service, and why: because a Sidecar lists it, because ' +
    'the workload asked for it, because all of the mesh is held. With --as-sidecar it is printed as a Sidecar, to be ' +
    'applied, so that what was learnt is declared.\n\n' +
    'Routes that stand in a listener are shown with the others. -o json and -o yaml print all of the configuration.',
  arguments: [
    {
      name: 'WHAT',
      description: 'What to show.',
      required: true,
      choices: ['listeners', 'routes', 'clusters', 'endpoints', 'scope', 'secrets', 'bootstrap'],
    },
    {
      name: 'WORKLOAD',
      description: 'A replica, a Deployment (its first replica), or gateway; with .NAMESPACE behind it, or -n.',
      required: true,
    },
  ],
  options: {
    namespace: {
      type: 'text',
      short: 'n',
      value: 'NAMESPACE',
      description: 'The namespace of the workload, and of objects in files that name none (default: "default").',
    },
    file: fileOption,
    name: { type: 'text', value: 'NAME', description: 'Only what has this name; for routes, that of their table.' },
    fqdn: {
      type: 'text',
      value: 'HOST',
      description: 'Clusters and endpoints of this service, routes for this host, and why it is in the scope.',
    },
    port: {
      type: 'integer',
      value: 'PORT',
      minimum: 1,
      maximum: 65_535,
      description: 'Listeners, clusters, endpoints and services of this port, of the service or of the socket.',
    },
    subset: { type: 'text', value: 'SUBSET', description: 'Clusters and endpoints of this subset.' },
    direction: {
      type: 'text',
      value: 'DIRECTION',
      choices: ['inbound', 'outbound'],
      description: 'Listeners and clusters of this direction.',
    },
    'as-sidecar': { type: 'flag', description: 'Print the scope as a Sidecar that lists what the workload knows now.' },
    output: outputOption,
    mesh: meshOption,
  },
  examples: [
    { command: 'lateen proxy-config clusters productpage-v1', description: 'Where a workload can send requests.' },
    {
      command: 'lateen proxy-config routes productpage-v1 --fqdn reviews.default.svc.cluster.local',
      description: 'Its routes to one service, each with the file and line of its rule.',
    },
    { command: 'lateen proxy-config listeners gateway', description: 'The sockets of the ingress gateway.' },
    { command: 'lateen proxy-config endpoints reviews-v1 --port 9080', description: 'Endpoints, and how they are.' },
    { command: 'lateen proxy-config scope reviews-v1', description: 'What it holds of the mesh, and why.' },
    {
      command: 'lateen proxy-config scope reviews-v1 --as-sidecar',
      description: 'The same as a Sidecar, to be applied.',
    },
    { command: 'lateen proxy-config secrets reviews-v1', description: 'Its certificates.' },
    {
      command: 'lateen proxy-config clusters productpage-v1 -f samples/bookinfo',
      description: 'What files would make of it, without a mesh.',
    },
    { command: 'lateen proxy-config bootstrap reviews-v1 -o yaml', description: 'What its Envoy was started with.' },
  ],
  run: async ({ arguments: [what = '', workload = ''], options, context }) => {
    const { showProxyConfig } = await import('./proxy-config/show.ts');
    const { mesh, output, namespace, file, 'as-sidecar': asSidecar, ...filters } = options;
    const shown = { what, workload, namespace, output, filters, asSidecar };
    if (file.length === 0) {
      const { runningProxies } = await import('./proxy-config/proxies.ts');
      await showProxyConfig(context.terminal, shown, () => runningProxies(mesh));
      return 0;
    }
    if (mesh !== undefined) {
      throw new UsageError('Files are looked at without a mesh.', 'Leave out either -f or --mesh.');
    }
    const { plannedProxies } = await import('./proxy-config/planned-proxies.ts');
    const { readSources } = await import('./check/read-sources.ts');
    await showProxyConfig(context.terminal, shown, async () =>
      plannedProxies(await readSources(file, { cwd: context.cwd, stdin: context.terminal.stdin }), namespace),
    );
    return 0;
  },
});
