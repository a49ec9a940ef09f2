import type { ConfigObject } from '@lateen/api/kinds.ts';
import { instanceKey, type WorkloadInstance } from '@lateen/api/workload-instance.ts';
import type { Collection, Reader } from '../incremental/collection.ts';
import type { Graph } from '../incremental/graph.ts';
import { addressEndpoint, instanceEndpoint, portOf, type ServiceEndpoint } from './endpoint.ts';
import { buildEndpointSlice, type EndpointSlice } from './endpoint-slice.ts';
import type { InboundPort, PeerDecisions } from './inbound.ts';
import { localityOf } from './locality.ts';
import type { DeclaredBacking, Service, ServicePort } from './service.ts';
import type { BackingAddresses } from './services.ts';
import { membersOf, type Workloads } from './workloads.ts';

interface EndpointSources {
  readonly instances: Collection<WorkloadInstance>;
  readonly workloads: Workloads;
  readonly addresses: Collection<BackingAddresses>;
  readonly slicesByService: Collection<readonly EndpointSlice[]>;
  readonly inbound: Collection<readonly InboundPort[]>;
  readonly peersOf: PeerDecisions;
  readonly trustDomain: string;
}

export function endpointKey(service: Pick<Service, 'key'>, port: number): string {
  return `${service.key}|${port}`;
}

/** By `NAMESPACE/NAME` of the Service. */
export function deriveEndpointSlices(
  graph: Graph,
  objects: Collection<ConfigObject>,
): Collection<readonly EndpointSlice[]> {
  return graph.index(
    'endpoint slices by service',
    graph.derive('endpoint slices', objects, (object) =>
      object.kind === 'EndpointSlice' ? buildEndpointSlice(object) : undefined,
    ),
    ({ service }) => [service],
  );
}

/** Every workload behind a service port, ready or not, by `endpointKey`. */
export function deriveEndpoints(
  graph: Graph,
  services: Collection<Service>,
  sources: EndpointSources,
): Collection<readonly ServiceEndpoint[]> {
  const { slicesByService: slices } = sources;
  return graph.expand('endpoints', services, (service, read) => {
    const addresses = read.get(sources.addresses, service.key) ?? [];
    return service.ports.map(({ port }) => {
      const found = service.backings.flatMap((backing, i) => {
        const asked = portOf(backing, port);
        if (asked === undefined) return [];
        return endpointsOf(service, { ...backing, addresses: addresses[i] ?? [] }, asked, slices, sources, read);
      });
      return [endpointKey(service, port), found] as const;
    });
  });
}

function endpointsOf(
  { namespace, resolution, isExternal }: Service,
  backing: DeclaredBacking,
  port: ServicePort,
  slices: Collection<readonly EndpointSlice[]>,
  { instances, workloads, inbound, peersOf, trustDomain }: EndpointSources,
  read: Reader,
): ServiceEndpoint[] {
  const { selector, notReadyToo } = backing;
  const ofInstance = (instance: WorkloadInstance) => {
    const met = read.get(inbound, instanceKey(instance));
    const metAt = (at: number) => met?.find(({ containerPort }) => containerPort === at);
    const takesMeshTls = (at: number) => !isExternal && metAt(at)?.peers.mode !== 'none';
    const turnsToHttp1 = (at: number) => metAt(at)?.protocol === 'http';
    return instanceEndpoint(instance, port, { trustDomain, notReadyToo, takesMeshTls, turnsToHttp1 });
  };
  const one = backing.instance === undefined ? undefined : read.get(instances, backing.instance);
  const selected = selector === undefined ? [] : membersOf(selector, namespace, workloads.instancesByLabel, read);
  const addresses = [
    ...backing.addresses,
    ...(selector === undefined ? [] : membersOf(selector, namespace, workloads.entriesByLabel, read)),
  ];
  const sliced = backing.slicesOf === undefined ? [] : (read.get(slices, backing.slicesOf) ?? []);
  return [
    ...[...(one === undefined ? [] : [one]), ...selected].map(ofInstance),
    ...addresses.map((workload) => {
      const peers = peersOf(workload, read);
      const takesMeshTls = (at: number) => !isExternal && peers(at).mode !== 'none';
      return addressEndpoint(workload, port, resolution, { trustDomain, takesMeshTls });
    }),
    ...sliced.flatMap((slice) => sliceEndpoints(slice, port, notReadyToo)),
  ].filter((endpoint) => endpoint !== undefined);
}

function sliceEndpoints(
  { ports, endpoints }: EndpointSlice,
  port: ServicePort,
  notReadyToo: boolean,
): ServiceEndpoint[] {
  const at = ports[port.name ?? ''];
  if (at === undefined) return [];
  return endpoints.map(({ address, ready, zone }) => {
    const labels: Record<string, string> = zone === undefined ? {} : { 'topology.kubernetes.io/zone': zone };
    const locality = localityOf(labels);
    return {
      address,
      port: at,
      labels,
      ...(locality === undefined ? {} : { locality }),
      meshTls: false,
      ready: ready || notReadyToo,
    };
  });
}
