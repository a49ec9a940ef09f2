import type { Collection, Reader } from '../incremental/collection.ts';
import type { Graph } from '../incremental/graph.ts';
import type { ClientClass } from '../model/client.ts';
import type { LearntHost, LearntHosts } from '../model/learnt-hosts.ts';
import type { MeshModel } from '../model/mesh.ts';
import { byHostname, isWildcard, type Service, serviceSeenFrom } from '../model/service.ts';
import { isFoundByName } from './discovery.ts';
import { isHttp } from './filter-chains.ts';
import { nearnessesOf, nearnessOf, serviceNames } from './service-names.ts';

/** By which services are found for clients that are given only what they ask for. */
export interface OnDemand {
  /** By `NAMESPACE/NAME` of the workload. */
  readonly learnt: Collection<LearntHosts>;
  /** By each name and address that some client may call them by. */
  readonly byName: Collection<readonly Service[]>;
  /** What cannot be asked for, with just the ports of which that is so. By key of the service. */
  readonly alwaysHeld: Collection<Service>;
  /** Ports on which some service speaks HTTP: calls of them are asked for. By port. */
  readonly httpPorts: Collection<number>;
}

export function indexForDemand(graph: Graph, model: MeshModel, learnt: Collection<LearntHosts>): OnDemand {
  const { services } = model;
  const byPort = graph.index('services by HTTP port', services, ({ ports }) =>
    ports.filter(({ protocol }) => isHttp(protocol)).map(({ port }) => String(port)),
  );
  return {
    learnt,
    byName: graph.index('services by name', services, (service) =>
      nearnessesOf(service).flatMap((nearness) => serviceNames(service, nearness)),
    ),
    alwaysHeld: graph.derive('services always held', services, withoutAskable),
    httpPorts: graph.derive('HTTP ports', byPort, (_, __, port) => Number(port)),
  };
}

/**
 * Envoy can ask for the host of an HTTP request. It cannot ask what a connection is for whose bytes tell nothing, and a
 * pattern of hosts would have to be asked for once for each host.
 */
function withoutAskable(service: Service): Service | undefined {
  if (isWildcard(service) || isFoundByName(service, true)) return service;
  const ports = service.ports.filter(({ protocol }) => !isHttp(protocol));
  if (ports.length === 0) return undefined;
  return ports.length === service.ports.length ? service : { ...service, ports };
}

const NOTHING_LEARNT: LearntHosts = { hosts: [], epoch: 0 };

/** What a workload knows by asking. */
export interface Demanded {
  /** In order of hostname. */
  readonly services: readonly Service[];
  readonly learnt: readonly LearntHost[];
  readonly epoch: number;
  /** Keys of services of which all names are on trial. */
  readonly onTrial: ReadonlySet<string>;
  readonly httpPorts: readonly number[];
}

export function demandedBy(
  client: ClientClass,
  workload: string,
  index: OnDemand,
  model: MeshModel,
  read: Reader,
): Demanded {
  const known = new Map<string, Service>();
  for (const [key, service] of read.all(index.alwaysHeld)) {
    const seen = serviceSeenFrom(read.get(model.servicesByHost, service.hostname), client.namespace);
    if (seen?.key === key) known.set(key, service);
  }
  const { hosts: learnt, epoch } = read.get(index.learnt, workload) ?? NOTHING_LEARNT;
  const called = new Set<string>();
  const asked = new Set<string>();
  for (const { host, isOnTrial } of learnt) {
    const service = serviceCalled(host, client, index, model, read);
    if (service === undefined) continue;
    known.set(service.key, service);
    asked.add(service.key);
    if (isOnTrial !== true) called.add(service.key);
  }
  return {
    services: [...known.values()].sort(byHostname),
    learnt,
    epoch,
    onTrial: new Set([...asked].filter((key) => !called.has(key))),
    httpPorts: [...read.all(index.httpPorts).values()].sort((a, b) => a - b),
  };
}

/** The service that a client means by a name: a service keeps its hostname; of other names, the first to have it. */
export function serviceCalled(
  host: string,
  client: Pick<ClientClass, 'namespace'>,
  { byName }: Pick<OnDemand, 'byName'>,
  model: MeshModel,
  read: Reader,
): Service | undefined {
  const found = (read.get(byName, host) ?? [])
    .filter((service) => serviceNames(service, nearnessOf(service, client)).includes(host))
    .filter(
      ({ key, hostname }) => serviceSeenFrom(read.get(model.servicesByHost, hostname), client.namespace)?.key === key,
    )
    .sort(byHostname);
  return found.find(({ hostname }) => hostname === host) ?? found[0];
}
