import type { VirtualService } from '@lateen/api/kinds.ts';
import { type Check, refOf } from '../check.ts';
import type { MeshView } from '../mesh-view.ts';
import { destinationsOf, gatewaysOf, MESH } from '../virtual-services.ts';

/** A destination without port means the port that the request came for, which the service may not have. */
export const destinationPorts: Check = {
  about: 'destinations that do not say which port of several',
  *run(mesh) {
    for (const object of mesh.of('VirtualService')) {
      for (const { host, port, path } of destinationsOf(object, mesh)) {
        if (port !== undefined) continue;
        const [service] = mesh.services.reachedBy(host);
        if (service === undefined || service.ports.length < 2) continue;
        const known = service.ports.map(({ number }) => number);
        const missing = portsAskedFor(object, mesh).filter((asked) => !known.includes(asked));
        if (missing.length === 0) continue;
        yield {
          code: 'LAT0607',
          object: refOf(object),
          path,
          message: `${host} has the ports ${known.join(', ')}: say which in port.number. Requests that come for port ${missing.join(', ')} would fail`,
        };
      }
    }
  },
};

/** Ports at which requests come to these rules. */
function portsAskedFor(object: VirtualService, mesh: MeshView): number[] {
  const ports = gatewaysOf(object).flatMap((gateway) => {
    if (gateway === MESH) {
      const { namespace } = object.metadata;
      return (object.spec.hosts ?? []).flatMap((host) =>
        mesh.services
          .reachedBy(mesh.resolve(host, namespace))
          .flatMap(({ ports: own }) => own.map(({ number }) => number)),
      );
    }
    const [namespace = '', name = ''] = gateway.split('/');
    return (mesh.get('Gateway', namespace, name)?.spec.servers ?? []).map(({ port }) => port.number);
  });
  return [...new Set(ports)].sort((a, b) => a - b);
}
