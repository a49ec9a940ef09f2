import { type Check, refOf } from '../check.ts';

/** Ports of Gateways that no Service in front of the gateway leads to: on a cluster nobody reaches them. */
export const gatewayPorts: Check = {
  about: 'ports of Gateways that no Service leads to',
  *run(mesh) {
    for (const gateway of mesh.of('Gateway')) {
      // Without a selector it is for every gateway, and need not be reached at each.
      if (Object.keys(gateway.spec.selector ?? {}).length === 0) continue;
      const proxies = mesh.workloads
        .selected(gateway.spec.selector ?? {})
        .filter(({ isGateway, isBuiltIn }) => isGateway && !isBuiltIn);
      for (const { ref, namespace, labels } of proxies) {
        const services = mesh.servicesSelecting(labels, namespace);
        if (services.length === 0) continue;
        const open = new Set(
          services.flatMap(({ spec }) =>
            (spec.ports ?? []).flatMap(({ port, targetPort = port }) => [port, targetPort]),
          ),
        );
        for (const [index, { port }] of gateway.spec.servers.entries()) {
          if (open.has(port.number)) continue;
          const names = services.map(({ metadata }) => metadata.name).join(', ');
          yield {
            code: 'LAT0636',
            object: refOf(gateway),
            path: `spec.servers[${index}].port.number`,
            message: `no port of the Service ${names} leads to port ${port.number} of ${ref.namespace}/${ref.name}`,
          };
        }
      }
    }
  },
};
