import type { BuiltInGateway } from '@lateen/api/gateway-workload.ts';
import type { ConfigObject } from '@lateen/api/kinds.ts';
import { BUILT_IN_CLASSES, CONTROLLER_NAMES } from './gateway-class.ts';
import { buildGatewayDeployment } from './gateway-deployment.ts';

/** The gateways that are started for Gateways of these objects, for those who look at objects without a model. */
export function startedProxies(objects: Iterable<ConfigObject>): BuiltInGateway[] {
  const all = [...objects];
  const controllers = new Map<string, string>(Object.entries(BUILT_IN_CLASSES));
  for (const object of all) {
    if (object.kind === 'GatewayClass') controllers.set(object.metadata.name, object.spec.controllerName);
  }
  // Where an address names a Service nothing is started, whether it is there or not.
  const context = { clusterDomain: '', serviceAt: () => undefined };
  return all.flatMap((object) => {
    if (object.kind !== 'KubernetesGateway') return [];
    const controller = controllers.get(object.spec.gatewayClassName) ?? '';
    if (!(CONTROLLER_NAMES as readonly string[]).includes(controller)) return [];
    return buildGatewayDeployment(object, context).proxy ?? [];
  });
}
