import type { ConfigObject } from '@lateen/api/kinds.ts';
import { instanceKey } from '@lateen/api/workload-instance.ts';
import type { Collection, Reader } from '../incremental/collection.ts';
import type { Graph } from '../incremental/graph.ts';
import { declareKubernetesService, declarePod } from './kubernetes-service.ts';
import {
  type DeclaredBacking,
  type MergedService,
  mergeDeclarations,
  type Service,
  type ServiceDeclaration,
  serviceSeenFrom,
} from './service.ts';
import { declareServiceEntry } from './service-entry.ts';
import { allocateAddresses } from './virtual-address.ts';
import type { WorkloadAddress } from './workload-address.ts';
import { membersOf, type Workloads } from './workloads.ts';

/** How many ExternalName Services may refer to each other in a row. */
export const MAX_ALIASES = 8;

/** What services are made of, beside the objects that declare them. */
export interface ServiceContext {
  readonly workloads: Workloads;
  readonly clusterDomain: string;
  /** Who sees services that say nothing of it. */
  readonly exportedTo: (read: Reader) => readonly string[] | undefined;
}

/** By `NAMESPACE/HOSTNAME`. */
export interface DeclaredServices {
  readonly services: Collection<Service>;
  /** The addresses that are written down for a service: a list for each of its backings. Absent: none. */
  readonly addresses: Collection<BackingAddresses>;
}

export type BackingAddresses = readonly (readonly WorkloadAddress[])[];

/** All services, whichever kind of object declares them. */
export function deriveServices(
  graph: Graph,
  objects: Collection<ConfigObject>,
  builtIn: Collection<ServiceDeclaration>,
  { workloads, clusterDomain, exportedTo }: ServiceContext,
): DeclaredServices {
  const declared = graph.expand('declared services', objects, (object, read) =>
    declarationsOf(object, clusterDomain, () => exportedTo(read)).map((each) => [
      `${each.source.kind} ${each.key} ${each.source.name}`,
      each,
    ]),
  );
  const pods = graph.expand('pods of headless services', declared, (service, read) => {
    const { isHeadless, backing, namespace } = service;
    if (!isHeadless || backing.selector === undefined) return [];
    return membersOf(backing.selector, namespace, workloads.instancesByLabel, read).map((instance) => {
      const pod = declarePod(service, { name: instance.name, key: instanceKey(instance) }, clusterDomain);
      return [`Pod ${pod.key}`, pod];
    });
  });
  const byKey = graph.index(
    'declarations by service',
    graph.union('declarations', [declared, pods, builtIn]),
    ({ key }) => [key],
  );
  const merged = graph.derive('merged services', byKey, mergeDeclarations);
  const mergedByHost = graph.index('merged services by host', merged, ({ hostname }) => [hostname]);
  const allocated = allocateAddresses(graph, merged, ({ wantsAddress }) => wantsAddress);
  const resolved = graph.derive(
    'resolved services',
    merged,
    ({ wantsAddress: _, externalName, ...service }, read): ResolvedService => {
      if (externalName !== undefined) return resolveAlias({ ...service, externalName }, mergedByHost, read);
      const allocatedAddress = read.get(allocated, service.key);
      return allocatedAddress === undefined ? service : { ...service, allocatedAddress };
    },
  );
  return {
    services: graph.derive('declared services by key', resolved, ({ backings, ...service }): Service => {
      return { ...service, backings: backings.map(({ addresses: _, ...backing }) => backing) };
    }),
    addresses: graph.derive('addresses of services', resolved, ({ backings }) =>
      backings.some(({ addresses }) => addresses.length > 0) ? backings.map(({ addresses }) => addresses) : undefined,
    ),
  };
}

type ResolvedService = Omit<Service, 'backings'> & { readonly backings: readonly DeclaredBacking[] };

function declarationsOf(
  object: ConfigObject,
  clusterDomain: string,
  exportedTo: () => readonly string[] | undefined,
): readonly ServiceDeclaration[] {
  if (object.kind === 'Service') return [declareKubernetesService(object, clusterDomain, exportedTo())];
  return object.kind === 'ServiceEntry' ? declareServiceEntry(object, clusterDomain, exportedTo()) : [];
}

type ExternalName = Omit<MergedService, 'externalName' | 'wantsAddress'> & { readonly externalName: string };

/** Another name of a service that the mesh knows, as its namespace sees it; or else a host outside, found in DNS. */
function resolveAlias(
  { externalName, ...service }: ExternalName,
  byHost: Collection<readonly MergedService[]>,
  read: Reader,
): ResolvedService {
  let name = externalName;
  for (let i = 0; i < MAX_ALIASES; i++) {
    const meant = serviceSeenFrom(read.get(byHost, name), service.namespace);
    if (meant === undefined) break;
    if (meant.externalName === undefined) return { ...service, ports: meant.ports, aliasOf: meant.key };
    name = meant.externalName;
  }
  const { namespace, ports } = service;
  const address = { namespace, address: name, ports: {}, labels: {}, hasSidecar: false, ready: true };
  const called = ports.map((each) => ({ ...each, targetPort: each.port }));
  return {
    ...service,
    resolution: 'dns',
    backings: [{ ports: called, addresses: [address], notReadyToo: false }],
  };
}
