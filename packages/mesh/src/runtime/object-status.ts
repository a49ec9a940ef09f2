import type { ConfigObject } from '@lateen/api/kinds.ts';
import { keyOf } from '@lateen/api/object-key.ts';
import type { MeshModel } from '#pilot/model/mesh.ts';
import { serviceKey } from '#pilot/model/service.ts';
import type { ConditionTimes } from './condition-times.ts';

/** What objects have that no API server counts the changes of. */
const FIRST_GENERATION = 1;

/** What the mesh says of an object: its `status`, as control planes write it in Kubernetes. */
export function objectStatus(
  object: ConfigObject,
  { services, statuses }: Pick<MeshModel, 'services' | 'statuses'>,
  times: ConditionTimes,
): Readonly<Record<string, unknown>> | undefined {
  if (object.kind === 'ServiceEntry') {
    // As Istio: the addresses that were chosen for its hosts.
    const addresses = object.spec.hosts.flatMap((host) => {
      const value = services.get(serviceKey(object.metadata.namespace, host))?.allocatedAddress;
      return value === undefined ? [] : [{ value, host }];
    });
    return addresses.length === 0 ? undefined : { addresses };
  }
  const key = keyOf(object);
  const status = statuses.get(key);
  return status && times.withTimes(key, status, object.metadata.generation ?? FIRST_GENERATION);
}
