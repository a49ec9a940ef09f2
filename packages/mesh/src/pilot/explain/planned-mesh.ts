import type { ConfigObject, Deployment } from '@lateen/api/kinds.ts';
import { instanceKey, nodeIdOf, type WorkloadInstance } from '@lateen/api/workload-instance.ts';
import type { Pilot } from '../pilot.ts';
import { gatewayInstances, type NextPort, withMissingServicePorts, workloadInstances } from './planned-instances.ts';

export interface PlannedPorts {
  readonly next: NextPort;
  /** The port of the machine for one that a Gateway opens. */
  readonly gateway: (port: number, gateway: string) => number;
}

/**
 * Tells Pilot, which knows the objects already, of the instances that `lateen up` would run for their Deployments, all of
 * them ready.
 */
export function planInstances(pilot: Pilot, objects: Iterable<ConfigObject>, ports: PlannedPorts): WorkloadInstance[] {
  const deployments = [...objects].filter((object): object is Deployment => object.kind === 'Deployment');
  const start = (added: readonly WorkloadInstance[]) =>
    pilot.graph.transaction(() => {
      for (const instance of added) pilot.instances.set(instanceKey(instance), instance);
      return added;
    });
  // Gateways that run by themselves bring Services along, for which each sidecar has a listener.
  const gateways = start(gatewayInstances(deployments, pilot.model, ports.gateway));
  const workloads = start(workloadInstances(deployments, pilot.model, ports.next));
  // The pods of headless Services are services of their own.
  return [...start(withMissingServicePorts(workloads, pilot.model, ports.next)), ...gateways];
}

/** Connects every instance's proxy, as the xDS server does when one comes. `metadataOf` is what each says of itself. */
export function connectProxies(
  pilot: Pilot,
  instances: readonly WorkloadInstance[],
  metadataOf: (instance: WorkloadInstance) => Readonly<Record<string, unknown>>,
): void {
  pilot.graph.transaction(() => {
    for (const instance of instances) {
      const nodeId = nodeIdOf(instance, pilot.model.settings.clusterDomain);
      pilot.proxies.set(nodeId, { nodeId, instance: instanceKey(instance), metadata: metadataOf(instance) });
    }
  });
}
