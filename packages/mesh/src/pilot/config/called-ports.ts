import type { ConfigObject } from '@lateen/api/kinds.ts';
import { externalNameOf, USUAL_PORTS } from '../model/kubernetes-service.ts';

/**
 * The ports on which callers reach a host that these objects stand for. An ExternalName has those of the service that it
 * means, if the mesh knows it.
 */
export function calledPorts(
  objects: readonly (ConfigObject | undefined)[],
  portsOf: (hostname: string) => readonly number[] | undefined,
): readonly number[] {
  const ports = objects.flatMap((object) => {
    if (object?.kind === 'ServiceEntry') return (object.spec.ports ?? []).map(({ number }) => number);
    if (object?.kind !== 'Service') return [];
    const own = (object.spec.ports ?? []).map(({ port }) => port);
    if (object.spec.type !== 'ExternalName') return own;
    const meant = portsOf(externalNameOf(object));
    return meant ?? (own.length === 0 ? USUAL_PORTS.map(({ port }) => port) : own);
  });
  return [...new Set(ports)];
}
