import type { ConfigObject, GatewayClass } from '@lateen/api/kinds.ts';
import { keyOfRef } from '@lateen/api/object-key.ts';
import type { Collection, Reader } from '../../incremental/collection.ts';
import type { Problem } from './conditions.ts';

/** What GatewayClasses name that Lateen shall serve; Istio's name too, so that what was written for it keeps working. */
export const CONTROLLER_NAMES = ['lateen.dev/gateway-controller', 'istio.io/gateway-controller'] as const;

/** Classes that are there without an object, by controller. */
export const BUILT_IN_CLASSES: Readonly<Record<string, (typeof CONTROLLER_NAMES)[number]>> = {
  lateen: 'lateen.dev/gateway-controller',
  istio: 'istio.io/gateway-controller',
};

/** Who says how routes stand with services: parents without a class. */
export const MESH_CONTROLLER = CONTROLLER_NAMES[0];

/** Whether Lateen is who shall serve a class. */
export function isOurs({ spec }: GatewayClass): boolean {
  return (CONTROLLER_NAMES as readonly string[]).includes(spec.controllerName);
}

/** Why Lateen does not serve a class of its own. */
export function problemOfClass({ spec }: GatewayClass): Problem | undefined {
  const { parametersRef } = spec;
  if (parametersRef === undefined) return undefined;
  return {
    type: 'Accepted',
    reason: 'InvalidParameters',
    message: `a ${parametersRef.kind} of '${parametersRef.group}' holds no settings for gateways that Lateen knows`,
    path: 'spec.parametersRef',
  };
}

/** The controller of a class, if that is Lateen. */
export function controllerOf(className: string, objects: Collection<ConfigObject>, read: Reader): string | undefined {
  const object = read.get(objects, keyOfRef({ kind: 'GatewayClass', namespace: '', name: className }));
  if (object?.kind !== 'GatewayClass') return BUILT_IN_CLASSES[className];
  return isOurs(object) && problemOfClass(object) === undefined ? object.spec.controllerName : undefined;
}
