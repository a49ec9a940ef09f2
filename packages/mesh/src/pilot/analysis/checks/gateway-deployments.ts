import type { KubernetesGateway } from '@lateen/api/kinds.ts';
import { BUILT_IN_CLASSES, CONTROLLER_NAMES } from '../../model/gateway-api/gateway-class.ts';
import { buildGatewayDeployment } from '../../model/gateway-api/gateway-deployment.ts';
import { type Check, type Problem, refOf } from '../check.ts';
import type { MeshView } from '../mesh-view.ts';

/** Gateways of the Gateway API that ask for a gateway which Lateen cannot run. */
export const gatewayDeployments: Check = {
  about: 'Gateways that no gateway can serve as they are',
  *run(mesh) {
    for (const [problem, isMissing] of problemsIn(mesh)) if (!isMissing) yield problem;
  },
};

/** Gateways that name the Service of gateways which are not there. */
export const gatewayServices: Check = {
  about: 'Gateways whose Service is not there',
  needsAll: true,
  *run(mesh) {
    for (const [problem, isMissing] of problemsIn(mesh)) if (isMissing) yield problem;
  },
};

function* problemsIn(mesh: MeshView): Generator<[problem: Problem, isMissing: boolean]> {
  const context = {
    clusterDomain: mesh.clusterDomain,
    serviceAt: (namespace: string, name: string) => mesh.get('Service', namespace, name),
  };
  for (const gateway of mesh.of('KubernetesGateway')) {
    if (!isServed(gateway.spec.gatewayClassName, mesh)) continue;
    for (const { reason, message, path } of buildGatewayDeployment(gateway, context).problems) {
      const isMissing = reason === 'AddressNotUsable' && typeAt(gateway, path) === 'Hostname';
      const code = reason === 'InvalidParameters' ? 'LAT0750' : isMissing ? 'LAT0752' : 'LAT0751';
      yield [{ code, object: refOf(gateway), ...(path === undefined ? {} : { path }), message }, isMissing];
    }
  }
}

function isServed(className: string, mesh: MeshView): boolean {
  const object = mesh.get('GatewayClass', '', className);
  if (object === undefined) return BUILT_IN_CLASSES[className] !== undefined;
  return (CONTROLLER_NAMES as readonly string[]).includes(object.spec.controllerName);
}

function typeAt({ spec }: KubernetesGateway, path = ''): string | undefined {
  return spec.addresses?.find((_, i) => path.startsWith(`spec.addresses[${i}].`))?.type;
}
