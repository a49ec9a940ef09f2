import type { ConfigObject } from '@lateen/api/kinds.ts';
import { keyOfRef } from '@lateen/api/object-key.ts';
import type { Collection, Reader } from '../../incremental/collection.ts';

/** What GatewayClasses name that Lateen shall serve; Istio's name too, so that what was written for it keeps working. */
export const CONTROLLER_NAMES = ['lateen.dev/gateway-controller', 'istio.io/gateway-controller'] as const;

/** Classes that are there without an object, by controller. */
export const BUILT_IN_CLASSES: Readonly<Record<string, (typeof CONTROLLER_NAMES)[number]>> = {
  lateen: 'lateen.dev/gateway-controller',
  istio: 'istio.io/gateway-controller',
};

/** The controller of a class, if that is Lateen. */
export function controllerOf(className: string, objects: Collection<ConfigObject>, read: Reader): string | undefined {
  const object = read.get(objects, keyOfRef({ kind: 'GatewayClass', namespace: '', name: className }));
  if (object?.kind !== 'GatewayClass') return BUILT_IN_CLASSES[className];
  const { controllerName } = object.spec;
  return (CONTROLLER_NAMES as readonly string[]).includes(controllerName) ? controllerName : undefined;
}
