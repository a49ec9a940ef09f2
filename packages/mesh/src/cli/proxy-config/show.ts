import type { ProxyConfigResponse } from '@lateen/api/admin.ts';
import { LateenError, messageOf } from '@lateen/api/lateen-error.ts';
import { UsageError } from '../command.ts';
import { printDocument } from '../output.ts';
import { formatTable } from '../table.ts';
import type { Terminal } from '../terminal.ts';
import { bootstrapView } from './bootstrap.ts';
import { clustersView } from './clusters.ts';
import { endpointsView } from './endpoints.ts';
import { askEnvoy } from './envoy-admin.ts';
import { type ClusterHealth, clusterHealth } from './health.ts';
import { listenersView } from './listeners.ts';
import type { Proxies } from './proxies.ts';
import { routesView, withHosts } from './routes.ts';
import { scopeView } from './scope.ts';
import { sidecarOfScope } from './scope-sidecar.ts';
import { SECRET_DUMPS, secretsView } from './secrets.ts';
import { findTarget, type Target } from './target.ts';
import type { Filters, Messages, View } from './view.ts';

export interface ShowOptions {
  readonly what: string;
  readonly workload: string;
  readonly namespace: string | undefined;
  readonly output: 'json' | 'yaml' | undefined;
  readonly filters: Filters;
  /** For `scope`: as an object that can be applied. */
  readonly asSidecar: boolean;
}

type FilterName = keyof Filters;

interface Kind {
  /** Those that make sense for it. */
  readonly filters: readonly FilterName[];
  /** The Envoy itself is asked. */
  readonly needsEnvoy?: true;
  readonly view: (proxies: Proxies, target: Target, filters: Filters) => Promise<View>;
}

const KINDS: Readonly<Record<string, Kind>> = {
  listeners: {
    filters: ['name', 'port', 'direction'],
    view: async (proxies, target, filters) => listenersView(await held(proxies, target, LISTENER), filters),
  },
  scope: {
    filters: ['fqdn', 'port'],
    view: async (proxies, target, filters) => scopeView(await proxies.scopeOf(proxyName(target)), filters, Date.now()),
  },
  routes: {
    filters: ['name', 'fqdn'],
    view: async (proxies, target, filters) => {
      const config = await proxies.configOf(proxyName(target));
      const tables = withHosts(messages(config, ROUTE), messages(config, VIRTUAL_HOST));
      return routesView(tables, messages(config, LISTENER), filters);
    },
  },
  clusters: {
    filters: ['name', 'fqdn', 'port', 'subset', 'direction'],
    view: async (proxies, target, filters) => {
      const [clusters, health] = await Promise.all([held(proxies, target, CLUSTER), healthOf(target)]);
      return clustersView(clusters, health, filters);
    },
  },
  endpoints: {
    filters: ['name', 'fqdn', 'port', 'subset', 'direction'],
    view: async (proxies, target, filters) => {
      const [config, health] = await Promise.all([proxies.configOf(proxyName(target)), healthOf(target)]);
      return endpointsView(messages(config, ENDPOINT), messages(config, CLUSTER), health, filters);
    },
  },
  secrets: {
    filters: ['name'],
    needsEnvoy: true,
    view: async (_, target, filters) => {
      const dumps = SECRET_DUMPS.map(async ({ status, path }) => ({ status, answer: await ask(target, path) }));
      return secretsView(await Promise.all(dumps), filters);
    },
  },
  bootstrap: {
    filters: [],
    needsEnvoy: true,
    view: async (_, target) => bootstrapView(await ask(target, '/config_dump?mask=bootstrap')),
  },
};

const TYPE = 'type.googleapis.com/envoy.config';
const LISTENER = `${TYPE}.listener.v3.Listener`;
const ROUTE = `${TYPE}.route.v3.RouteConfiguration`;
const VIRTUAL_HOST = `${TYPE}.route.v3.VirtualHost`;
const CLUSTER = `${TYPE}.cluster.v3.Cluster`;
const ENDPOINT = `${TYPE}.endpoint.v3.ClusterLoadAssignment`;

/** `lateen proxy-config`. Throws `UsageError` for a filter that makes no sense, LAT0534, LAT0535, LAT0544, LAT0760. */
export async function showProxyConfig(
  { stdout, stderr }: Terminal,
  options: ShowOptions,
  openProxies: () => Promise<Proxies>,
): Promise<void> {
  const { what, filters } = options;
  const kind = KINDS[what];
  if (kind === undefined)
    throw new UsageError(`"${what}" is not one of them.`, `Known: ${Object.keys(KINDS).join(', ')}.`);
  for (const [name, value] of Object.entries(filters)) {
    if (value === undefined || kind.filters.includes(name as FilterName)) continue;
    const known = kind.filters.map((each) => `--${each}`).join(', ');
    throw new UsageError(`--${name} is not for ${what}.`, known === '' ? 'It takes none.' : `Those are: ${known}.`);
  }
  if (options.asSidecar && what !== 'scope') {
    throw new UsageError(`--as-sidecar is not for ${what}.`, 'It is for scope.');
  }
  if (options.asSidecar && Object.values(filters).some((value) => value !== undefined)) {
    throw new UsageError('A Sidecar lists all that the workload knows.', 'Leave out the filters, or --as-sidecar.');
  }
  const proxies = await openProxies();
  if (kind.needsEnvoy === true && !proxies.areRunning) {
    throw new UsageError(`Only a running Envoy knows its ${what}.`, 'Leave out -f, or ask for something else.');
  }
  const target = findTarget(proxies.names, options.workload, options.namespace);
  if (options.asSidecar) {
    const sidecar = sidecarOfScope(await proxies.scopeOf(proxyName(target)));
    await printDocument(stdout, options.output ?? 'yaml', sidecar);
    return;
  }
  const view = await kind.view(proxies, target, filters);
  if (options.output !== undefined) {
    await printDocument(stdout, options.output, view.document);
    return;
  }
  if (target.replicas > 1)
    stderr.write(`${options.workload} has ${target.replicas} replicas; this is ${target.name}\n`);
  if (view.rows.length === 0) stderr.write(`No ${what} found.\n`);
  else stdout.write(formatTable(view.titles, view.rows));
}

function proxyName({ name, namespace }: Target): string {
  return `${name}.${namespace}`;
}

function messages(config: ProxyConfigResponse, type: string): Messages {
  return config[type] ?? [];
}

async function held(proxies: Proxies, target: Target, type: string): Promise<Messages> {
  return messages(await proxies.configOf(proxyName(target)), type);
}

/** Nothing if Envoy does not answer: what it should have can be shown all the same. */
function healthOf({ envoyAdmin }: Target): Promise<ClusterHealth | undefined> {
  if (envoyAdmin === '') return Promise.resolve(undefined);
  return askEnvoy(envoyAdmin, '/clusters?format=json').then(clusterHealth, () => undefined);
}

async function ask({ name, envoyAdmin }: Target, path: string): Promise<unknown> {
  if (envoyAdmin === '') {
    throw new LateenError(
      'LAT0535',
      `The control plane does not know where the Envoy of ${name} can be asked.`,
      'Ask its admin address for /config_dump.',
    );
  }
  try {
    return await askEnvoy(envoyAdmin, path);
  } catch (error) {
    throw new LateenError(
      'LAT0535',
      `The Envoy of ${name} does not answer at ${envoyAdmin}: ${messageOf(error)}`,
      'See whether it runs: lateen status -o wide',
      { cause: error },
    );
  }
}
