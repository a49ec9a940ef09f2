import type { WorkloadInstance } from '@lateen/api/workload-instance.ts';
import type { Collection, Reader } from '../incremental/collection.ts';
import type { Graph } from '../incremental/graph.ts';
import type { PeerPolicyDecision } from './authentication.ts';
import { targetOf } from './endpoint.ts';
import type { InboundPool, Ingress } from './ingress.ts';
import type { Protocol } from './protocol.ts';
import { type Backing, byHostname, hasLabels, type Service } from './service.ts';
import { labelKeysOf, selectorKey } from './workloads.ts';

/** How one container port of an instance is met. */
export interface InboundPort {
  readonly containerPort: number;
  readonly protocol: Protocol;
  readonly grpcWeb: boolean;
  readonly peers: PeerPolicyDecision;
  /** The services that lead here. */
  readonly services: readonly Service[];
  /** Limits on connections to the application, as a Sidecar says them. */
  readonly pool?: InboundPool;
  /** What a Sidecar says of the port. */
  readonly ingress?: Ingress;
}

/** Who may call which port of a workload; without a port, any for which nothing of its own is said. */
export type PeerDecisions = (
  workload: {
    readonly labels: Readonly<Record<string, string>>;
    readonly namespace: string;
    readonly capture?: WorkloadInstance['capture'];
  },
  read: Reader,
) => (port: number | undefined) => PeerPolicyDecision;

/**
 * By instance key.
 *
 * @param complete makes of the ports that services lead to, and that the instance declares, those that it is called on
 */
export function deriveInbound(
  graph: Graph,
  instances: Collection<WorkloadInstance>,
  services: Collection<Service>,
  peersOf: PeerDecisions,
  complete: (ports: readonly InboundPort[], instance: WorkloadInstance, read: Reader) => readonly InboundPort[],
): Collection<readonly InboundPort[]> {
  const byLabel = graph.index('services by label', services, ({ backings, namespace }) =>
    backings.flatMap(({ selector }) => (selector === undefined ? [] : [selectorKey(selector, namespace)])),
  );
  return graph.derive('inbound ports', instances, (instance, read): readonly InboundPort[] => {
    const peers = peersOf(instance, read);
    const candidates = new Set(labelKeysOf(instance).flatMap((key) => read.get(byLabel, key) ?? []));
    const selecting = [...candidates].sort(byHostname);
    const targets = selecting.flatMap(({ backings }) => targetsAmong(backings, instance));
    const containerPorts = new Set([...instance.ports, ...targets].map(({ containerPort }) => containerPort));
    const ports = [...containerPorts].map((containerPort): InboundPort => {
      const leading = selecting.flatMap((service) =>
        portsTo(service, instance, containerPort).map((port) => ({ service, port })),
      );
      return {
        containerPort,
        protocol: agreedProtocol(leading.map(({ port }) => port.protocol)),
        grpcWeb: leading.some(({ port }) => port.grpcWeb),
        peers: peers(containerPort),
        services: [...new Set(leading.map(({ service }) => service))],
      };
    });
    return complete(ports, instance, read);
  });
}

/** Ports of a service behind which a container port of the instance stands. */
function portsTo({ backings }: Service, instance: WorkloadInstance, containerPort: number) {
  return portsAmong(backings, instance).filter((port) => targetOf(port, instance)?.containerPort === containerPort);
}

function targetsAmong(backings: readonly Backing[], instance: WorkloadInstance) {
  return portsAmong(backings, instance).flatMap((port) => targetOf(port, instance) ?? []);
}

function portsAmong(backings: readonly Backing[], { labels }: WorkloadInstance) {
  return backings.flatMap(({ selector, ports }) =>
    selector !== undefined && hasLabels(labels, selector) ? ports : [],
  );
}

function agreedProtocol(protocols: readonly Protocol[]): Protocol {
  const [first, ...others] = protocols;
  return first !== undefined && others.every((other) => other === first) ? first : 'detect';
}
