import { BUILT_IN_GATEWAYS, isSelected } from '@lateen/api/gateway-workload.ts';
import type { ConfigObject, Service } from '@lateen/api/kinds.ts';
import { serviceHostname } from '../model/hostname.ts';

const USUAL_PORTS = [80, 443];

/** The Service of a gateway that Lateen runs by itself, as far as others may refer to it. */
export function builtInService(
  hostname: string,
  clusterDomain: string,
  objects: () => Iterable<ConfigObject | undefined>,
): Service | undefined {
  const gateway = BUILT_IN_GATEWAYS.find(
    ({ name, namespace }) => serviceHostname(name, namespace, clusterDomain) === hostname,
  );
  if (gateway === undefined) return undefined;
  const ports = new Set(USUAL_PORTS);
  for (const object of objects()) {
    if (object?.kind !== 'Gateway' || !isSelected(gateway.labels, object.spec.selector ?? {})) continue;
    for (const { port } of object.spec.servers) ports.add(port.number);
  }
  const { name, namespace } = gateway;
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace },
    spec: { ports: [...ports].sort((a, b) => a - b).map((port) => ({ port })) },
  };
}
