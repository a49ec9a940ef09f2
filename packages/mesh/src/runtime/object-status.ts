import type { ConfigObject } from '@lateen/api/kinds.ts';
import type { MeshModel } from '#pilot/model/mesh.ts';
import { serviceKey } from '#pilot/model/service.ts';

/** What the mesh says of an object: its `status`, as control planes write it in Kubernetes. */
export function objectStatus(
  object: ConfigObject,
  { services }: MeshModel,
): Readonly<Record<string, unknown>> | undefined {
  if (object.kind !== 'ServiceEntry') return undefined;
  // As Istio: the addresses that were chosen for its hosts.
  const addresses = object.spec.hosts.flatMap((host) => {
    const value = services.get(serviceKey(object.metadata.namespace, host))?.allocatedAddress;
    return value === undefined ? [] : [{ value, host }];
  });
  return addresses.length === 0 ? undefined : { addresses };
}
