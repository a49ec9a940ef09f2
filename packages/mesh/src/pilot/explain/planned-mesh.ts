import type { ConfigObject } from '@lateen/api/kinds.ts';
import type { ObjectKey } from '@lateen/api/object-key.ts';
import { instanceKey, type WorkloadInstance } from '@lateen/api/workload-instance.ts';
import { createPilot, type Pilot } from '../pilot.ts';
import { gatewayInstances, workloadInstances } from './planned-instances.ts';

/** As `lateen up` takes ports: unlike those of any service. */
const FIRST_PORT = 20_000;

/** A Pilot for these objects, in which every replica that they ask for runs and is ready. */
export function planMesh(objects: ReadonlyMap<ObjectKey, ConfigObject>): Pilot {
  const pilot = createPilot();
  pilot.graph.transaction(() => {
    for (const [key, object] of objects) pilot.objects.set(key, object);
  });
  const deployments = [...objects.values()].filter((object) => object.kind === 'Deployment');
  let port = FIRST_PORT;
  const next = () => port++;
  const run = (instances: readonly WorkloadInstance[]) =>
    pilot.graph.transaction(() => {
      for (const instance of instances) pilot.instances.set(instanceKey(instance), instance);
    });
  // Gateways that run by themselves bring Services along, for which each sidecar has a listener.
  run(gatewayInstances(deployments, pilot.model, next));
  run(workloadInstances(deployments, pilot.model, next));
  return pilot;
}
