import type { MeshStatus, ScheduleStatus } from '@lateen/api/admin.ts';
import type { Item, ObjectGroup } from './fetch.ts';
import { gatewayAddresses } from './gateway-addresses.ts';

export interface Column {
  readonly title: string;
  /** Shown with `-o wide` only. */
  readonly wide?: boolean;
  readonly cell: (item: Item, status: MeshStatus) => string;
}

const source: Column = {
  title: 'source',
  wide: true,
  cell: ({ origin }) =>
    origin === undefined
      ? ''
      : `${origin.file}${origin.line === undefined ? '' : `:${origin.line}`}${origin.applied ? ' (applied)' : ''}`,
};

/** The columns behind the name, much as kubectl shows them. Other kinds have their name only. */
export function columnsOf(group: ObjectGroup): readonly Column[] {
  const columns = columnsByKind[group.kind.kind] ?? [];
  return group.kind.kind === 'Pod' ? columns : [...columns, source];
}

const hostnames: Column = {
  title: 'hostnames',
  cell: ({ object }) => words(list(read(object, 'spec', 'hostnames'))),
};

const columnsByKind: Readonly<Record<string, readonly Column[]>> = {
  Pod: [
    { title: 'ready', cell: (item, status) => (podOf(item, status)?.ready === true ? '1/1' : '0/1') },
    { title: 'status', cell: (item, status) => podPhase(item, status) },
    { title: 'restarts', cell: (item, status) => String(replicaOf(item, status)?.restarts ?? 0) },
    { title: 'process', wide: true, cell: (item, status) => String(podOf(item, status)?.pid ?? '') },
    { title: 'identity', wide: true, cell: (item, status) => podOf(item, status)?.spiffeId ?? '' },
  ],
  Service: [
    { title: 'ready', cell: (item, status) => serviceReady(item, status) },
    {
      title: 'port(s)',
      cell: ({ object }) =>
        list(read(object, 'spec', 'ports'))
          .map((port) => `${text(read(port, 'port'))}/${text(read(port, 'protocol')) || 'TCP'}`)
          .join(','),
    },
    { title: 'selector', wide: true, cell: ({ object }) => labels(read(object, 'spec', 'selector')) },
  ],
  Deployment: [
    { title: 'ready', cell: (item, status) => deploymentReady(item, status) },
    {
      title: 'containers',
      wide: true,
      cell: ({ object }) => containers(object, 'name'),
    },
    { title: 'images', wide: true, cell: ({ object }) => containers(object, 'image') },
    { title: 'selector', wide: true, cell: ({ object }) => labels(read(object, 'spec', 'selector', 'matchLabels')) },
  ],
  ConfigMap: [
    {
      title: 'data',
      cell: ({ object }) => String(keys(read(object, 'data')) + keys(read(object, 'binaryData'))),
    },
  ],
  Secret: [
    { title: 'type', cell: ({ object }) => text(read(object, 'type')) || 'Opaque' },
    { title: 'data', cell: ({ object }) => String(keys(read(object, 'data'))) },
  ],
  EndpointSlice: [
    { title: 'addresstype', cell: ({ object }) => text(read(object, 'addressType')) },
    { title: 'ports', cell: ({ object }) => each(read(object, 'ports'), 'port') },
    {
      title: 'endpoints',
      cell: ({ object }) =>
        list(read(object, 'endpoints'))
          .flatMap((endpoint) => list(read(endpoint, 'addresses')).map(text))
          .join(','),
    },
  ],
  IngressClass: [{ title: 'controller', cell: ({ object }) => text(read(object, 'spec', 'controller')) }],
  Ingress: [
    { title: 'class', cell: ({ object }) => text(read(object, 'spec', 'ingressClassName')) || '<none>' },
    { title: 'hosts', cell: ({ object }) => ingressHosts(list(read(object, 'spec', 'rules'))) },
    { title: 'address', cell: (item, status) => ingressAddresses(item, status) },
    { title: 'ports', cell: ({ object }) => (list(read(object, 'spec', 'tls')).length > 0 ? '80, 443' : '80') },
  ],
  ServiceEntry: [
    { title: 'hosts', cell: ({ object }) => words(list(read(object, 'spec', 'hosts'))) },
    { title: 'location', cell: ({ object }) => text(read(object, 'spec', 'location')) || 'MESH_EXTERNAL' },
    { title: 'resolution', cell: ({ object }) => text(read(object, 'spec', 'resolution')) || 'NONE' },
    { title: 'addresses', wide: true, cell: (item, status) => words(addressesOf(item, status)) },
    { title: 'ports', wide: true, cell: ({ object }) => each(read(object, 'spec', 'ports'), 'number') },
  ],
  WorkloadEntry: [
    { title: 'address', cell: ({ object }) => text(read(object, 'spec', 'address')) },
    { title: 'labels', wide: true, cell: ({ object }) => labels(read(object, 'spec', 'labels')) },
  ],
  Sidecar: [
    {
      title: 'egress',
      cell: ({ object }) =>
        words(list(read(object, 'spec', 'egress')).flatMap((listener) => list(read(listener, 'hosts')))),
    },
    { title: 'selector', wide: true, cell: ({ object }) => labels(read(object, 'spec', 'workloadSelector', 'labels')) },
  ],
  ProxyConfig: [
    { title: 'concurrency', cell: ({ object }) => text(read(object, 'spec', 'concurrency')) },
    { title: 'selector', wide: true, cell: ({ object }) => labels(read(object, 'spec', 'selector', 'matchLabels')) },
  ],
  EnvoyFilter: [
    { title: 'patches', cell: ({ object }) => each(read(object, 'spec', 'configPatches'), 'applyTo') },
    { title: 'matches', cell: (item, status) => patchMatches(item, status) },
    { title: 'priority', wide: true, cell: ({ object }) => text(read(object, 'spec', 'priority')) || '0' },
    { title: 'selector', wide: true, cell: ({ object }) => labels(read(object, 'spec', 'workloadSelector', 'labels')) },
  ],
  TrafficSchedule: [
    {
      title: 'active',
      cell: (item, status) => {
        const open = scheduleOf(item, status)?.open;
        return open === undefined ? '' : open ? 'yes' : 'no';
      },
    },
    { title: 'next change', cell: (item, status) => nextChange(item, status) },
    {
      title: 'targets',
      cell: ({ object }) =>
        list(read(object, 'spec', 'targetRefs'))
          .map((target) => [read(target, 'name'), read(target, 'sectionName')].map(text).filter(Boolean).join('/'))
          .join(','),
    },
    {
      title: 'windows',
      wide: true,
      cell: ({ object }) =>
        list(read(object, 'spec', 'windows'))
          .map(windowText)
          .join('; '),
    },
    { title: 'time zone', wide: true, cell: ({ object }) => text(read(object, 'spec', 'timeZone')) || 'UTC' },
  ],
  GatewayClass: [
    { title: 'controller', cell: ({ object }) => text(read(object, 'spec', 'controllerName')) },
    { title: 'accepted', cell: ({ object }) => condition(object, 'Accepted') },
    { title: 'description', wide: true, cell: ({ object }) => text(read(object, 'spec', 'description')) },
  ],
  ListenerSet: [
    { title: 'accepted', cell: ({ object }) => condition(object, 'Accepted') },
    { title: 'programmed', cell: ({ object }) => condition(object, 'Programmed') },
  ],
  HTTPRoute: [hostnames],
  GRPCRoute: [hostnames],
  TLSRoute: [hostnames],
  Gateway: [
    { title: 'selector', wide: true, cell: ({ object }) => labels(read(object, 'spec', 'selector')) },
    {
      title: 'servers',
      cell: ({ object }) =>
        list(read(object, 'spec', 'servers'))
          .map((server) => `${text(read(server, 'port', 'number'))}/${text(read(server, 'port', 'protocol'))}`)
          .join(','),
    },
    {
      title: 'hosts',
      cell: ({ object }) =>
        words(list(read(object, 'spec', 'servers')).flatMap((server) => list(read(server, 'hosts')))),
    },
  ],
  KubernetesGateway: [
    { title: 'class', cell: ({ object }) => text(read(object, 'spec', 'gatewayClassName')) },
    {
      title: 'listeners',
      wide: true,
      cell: ({ object }) =>
        list(read(object, 'spec', 'listeners'))
          .map((listener) => `${text(read(listener, 'port'))}/${text(read(listener, 'protocol'))}`)
          .join(','),
    },
    {
      title: 'address',
      cell: ({ object }, status) =>
        gatewayAddresses(
          {
            ...object.metadata,
            addresses: list(read(object, 'spec', 'addresses')).map((address) => text(read(address, 'value'))),
            ports: list(read(object, 'spec', 'listeners')).map((listener) => Number(read(listener, 'port'))),
          },
          status,
        ).join(', '),
    },
    { title: 'programmed', cell: ({ object }) => condition(object, 'Programmed') },
  ],
  VirtualService: [
    { title: 'gateways', cell: ({ object }) => words(list(read(object, 'spec', 'gateways'))) },
    { title: 'hosts', cell: ({ object }) => words(list(read(object, 'spec', 'hosts'))) },
  ],
  DestinationRule: [
    { title: 'host', cell: ({ object }) => text(read(object, 'spec', 'host')) },
    {
      title: 'subsets',
      wide: true,
      cell: ({ object }) =>
        list(read(object, 'spec', 'subsets'))
          .map((each) => text(read(each, 'name')))
          .join(','),
    },
  ],
  PeerAuthentication: [
    { title: 'mode', cell: ({ object }) => text(read(object, 'spec', 'mtls', 'mode')) },
    { title: 'selector', wide: true, cell: ({ object }) => labels(read(object, 'spec', 'selector', 'matchLabels')) },
  ],
};

function replicaOf({ object: { metadata } }: Item, status: MeshStatus) {
  return status.workloads.find((each) => each.name === metadata.name && each.namespace === metadata.namespace);
}

function podOf(item: Item, status: MeshStatus) {
  const { metadata } = item.object;
  return (
    replicaOf(item, status) ??
    status.gateways.find((each) => each.name === metadata.name && each.namespace === metadata.namespace)
  );
}

function podPhase(item: Item, status: MeshStatus): string {
  return replicaOf(item, status)?.phase ?? (podOf(item, status)?.pid == null ? 'down' : 'running');
}

function serviceReady({ object: { metadata } }: Item, status: MeshStatus): string {
  const found = status.services.find(
    (each) => each.kind === 'Service' && each.name === metadata.name && each.namespace === metadata.namespace,
  );
  return found === undefined ? '' : `${found.ready}/${found.total}`;
}

function scheduleOf({ object: { metadata } }: Item, status: MeshStatus): ScheduleStatus | undefined {
  return status.schedules.find((each) => each.name === metadata.name && each.namespace === metadata.namespace);
}

/** For each patch, in their order: in how many resources of the proxies it matches something. */
function patchMatches({ object: { metadata } }: Item, status: MeshStatus): string {
  const found = status.envoyFilters.find(
    (each) => each.name === metadata.name && each.namespace === metadata.namespace,
  );
  return found?.matches.join(',') ?? '';
}

/** `2026-11-23 09:00 Europe/Berlin`, as clocks there show it. */
function nextChange(item: Item, status: MeshStatus): string {
  const schedule = scheduleOf(item, status);
  if (schedule === undefined) return '';
  const { changesAt, timeZone } = schedule;
  if (changesAt === undefined) return 'never';
  // Swedish writes dates and times as ISO 8601 does.
  const local = new Date(changesAt).toLocaleString('sv-SE', { timeZone, dateStyle: 'short', timeStyle: 'short' });
  return `${local} ${timeZone}`;
}

/** Those that it gives, and those that were chosen for its hosts. */
function addressesOf({ object }: Item, status: MeshStatus): readonly unknown[] {
  const hosts = list(read(object, 'spec', 'hosts'));
  const ofHosts = status.services
    .filter(({ hostname, namespace }) => namespace === object.metadata.namespace && hosts.includes(hostname))
    .flatMap(({ addresses }) => addresses);
  return [...new Set([...list(read(object, 'spec', 'addresses')), ...ofHosts])];
}

const MOST_HOSTS = 3;

function ingressHosts(rules: readonly unknown[]): string {
  const hosts = rules
    .slice(0, MOST_HOSTS)
    .map((rule) => text(read(rule, 'host')))
    .filter((host) => host !== '');
  const shown = hosts.length === 0 ? '*' : hosts.join(',');
  return rules.length > MOST_HOSTS ? `${shown} + ${rules.length - MOST_HOSTS} more...` : shown;
}

/** Of the gateways that serve it; empty if none does. */
function ingressAddresses({ object: { metadata } }: Item, status: MeshStatus): string {
  const found = status.ingresses.find((each) => each.name === metadata.name && each.namespace === metadata.namespace);
  return found?.addresses.join(',') ?? '';
}

function deploymentReady({ object }: Item, status: MeshStatus): string {
  const { name, namespace } = object.metadata;
  const replicas = status.workloads.filter((each) => each.workload === name && each.namespace === namespace);
  const wanted = read(object, 'spec', 'replicas') ?? 1;
  return `${replicas.filter((each) => each.ready).length}/${text(wanted)}`;
}

function containers(object: unknown, field: string): string {
  return list(read(object, 'spec', 'template', 'spec', 'containers'))
    .map((each) => text(read(each, field)))
    .join(',');
}

/** A field deep in an object of which only the kind is known; undefined if anything on the way is missing. */
function read(value: unknown, ...path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (at, field) =>
      typeof at === 'object' && at !== null && Object.hasOwn(at, field) ? Reflect.get(at, field) : undefined,
    value,
  );
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function text(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
}

/** `True`, `False` or `Unknown`; empty of an object that nobody has said anything of. */
function condition(object: unknown, type: string): string {
  const found = list(read(object, 'status', 'conditions')).find((each) => read(each, 'type') === type);
  return text(read(found, 'status'));
}

function words(values: readonly unknown[]): string {
  return values.length === 0 ? '' : JSON.stringify(values);
}

/** One field of each element of a list, with commas between. */
function each(value: unknown, field: string): string {
  return list(value)
    .map((element) => text(read(element, field)))
    .join(',');
}

/** `Mon,Tue 09:00-17:00` */
function windowText(window: unknown): string {
  const days = list(read(window, 'days')).map(text).join(',');
  const times = `${text(read(window, 'from')) || '00:00'}-${text(read(window, 'to')) || '24:00'}`;
  return days === '' ? times : `${days} ${times}`;
}

function keys(value: unknown): number {
  return typeof value === 'object' && value !== null ? Object.keys(value).length : 0;
}

/** `app=reviews,version=v1` */
export function labels(value: unknown): string {
  if (typeof value !== 'object' || value === null) return '';
  return Object.entries(value)
    .map(([name, each]) => `${name}=${text(each)}`)
    .sort()
    .join(',');
}
