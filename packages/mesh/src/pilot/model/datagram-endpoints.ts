import type { WorkloadInstance } from '@lateen/api/workload-instance.ts';
import type { Collection } from '../incremental/collection.ts';
import type { Graph } from '../incremental/graph.ts';
import type { EndpointSlice } from './endpoint-slice.ts';
import { endpointKey } from './endpoints.ts';
import type { DatagramPort, Service } from './service.ts';
import { membersOf, type Workloads } from './workloads.ts';

/** Where datagrams for a port of a service go: to the application itself, as no sidecar takes them. */
export interface DatagramEndpoint {
  readonly address: string;
  readonly port: number;
}

/** Those that are ready, by `endpointKey` of the port for UDP. */
export function deriveDatagramEndpoints(
  graph: Graph,
  services: Collection<Service>,
  workloads: Workloads,
  slicesByService: Collection<readonly EndpointSlice[]>,
): Collection<readonly DatagramEndpoint[]> {
  return graph.expand('datagram endpoints', services, (service, read) =>
    (service.datagramPorts ?? []).map((port): [string, readonly DatagramEndpoint[]] => [
      endpointKey(service, port.port),
      service.backings.flatMap(({ selector, slicesOf, notReadyToo }) => {
        const selected =
          selector === undefined ? [] : membersOf(selector, service.namespace, workloads.instancesByLabel, read);
        const sliced = slicesOf === undefined ? [] : (read.get(slicesByService, slicesOf) ?? []);
        return [
          ...selected.flatMap((instance) =>
            instance.health === 'ready' || (notReadyToo && instance.health !== 'draining')
              ? (ofInstance(port, instance) ?? [])
              : [],
          ),
          ...sliced.flatMap(({ datagramPorts, endpoints }) => {
            const at = datagramPorts[port.name ?? ''];
            return at === undefined
              ? []
              : endpoints.flatMap(({ address, ready }) => (ready || notReadyToo ? [{ address, port: at }] : []));
          }),
        ];
      }),
    ]),
  );
}

function ofInstance(
  { targetPort }: DatagramPort,
  { address, datagramPorts = [], capture }: WorkloadInstance,
): DatagramEndpoint | undefined {
  const declared = datagramPorts.find(({ containerPort, name }) => containerPort === targetPort || name === targetPort);
  if (declared !== undefined) return { address, port: declared.appPort };
  // A redirected application has its ports for itself, whether they are declared or not.
  return capture.mode === 'redirect' && typeof targetPort === 'number' ? { address, port: targetPort } : undefined;
}
