import type { BuiltInGateway } from '@lateen/api/gateway-workload.ts';
import { type Gateway, type GatewayServer, isServedBy } from './gateway.ts';
import { serviceHostname, shortNamesOf } from './hostname.ts';
import { protocolOf } from './protocol.ts';
import { type ServiceDeclaration, type ServicePort, serviceKey } from './service.ts';

/** As in the Services of Istio's own gateways. */
const USUAL_PORTS: readonly ServicePort[] = [
  { port: 80, name: 'http2', protocol: 'http2', targetPort: 80 },
  { port: 443, name: 'https', protocol: 'tcp', targetPort: 443 },
];

/** The Service in front of a gateway that Lateen runs by itself: the usual ports, and those that Gateways open on it. */
export function declareGatewayService(
  { name, namespace, labels }: BuiltInGateway,
  gateways: readonly Gateway[],
  clusterDomain: string,
): ServiceDeclaration {
  const ports = new Map(USUAL_PORTS.map((port) => [port.port, port]));
  const selecting = gateways.filter((each) => isServedBy(each, { labels, namespace }));
  for (const { servers } of [...selecting].sort((a, b) => (a.key < b.key ? -1 : 1))) {
    for (const server of servers) if (!ports.has(server.port)) ports.set(server.port, portOf(server));
  }
  const hostname = serviceHostname(name, namespace, clusterDomain);
  const shortNames = shortNamesOf(hostname, clusterDomain);
  const sorted = [...ports.values()].sort((a, b) => a.port - b.port);
  return {
    key: serviceKey(namespace, hostname),
    hostname,
    name,
    namespace,
    registry: 'kubernetes',
    ports: sorted,
    resolution: 'endpoints',
    isExternal: false,
    addresses: [],
    subjectAltNames: [],
    ...(shortNames === undefined ? {} : { shortNames }),
    backing: { ports: sorted, selector: labels, addresses: [], notReadyToo: false },
    isHeadless: false,
    wantsAddress: false,
    visibility: 'all',
    builtIn: true,
    source: { kind: 'Service', namespace, name },
  };
}

function portOf({ port, protocol }: GatewayServer): ServicePort {
  const name = `${protocol.toLowerCase()}-${port}`;
  return { port, name, protocol: protocolOf(name, undefined), targetPort: port };
}
