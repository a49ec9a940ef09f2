import type { OutboundCapture } from '../model/client.ts';
import type { Protocol } from '../model/protocol.ts';
import type { Service, ServicePort } from '../model/service.ts';
import type { ListenerAddress } from '../model/sidecar.ts';
import { clusterName } from './clusters.ts';
import { isFoundByName, lookUpPort } from './discovery.ts';
import { isHttp, outboundChains } from './filter-chains.ts';
import type { HttpConnectionIr, ListenerIr, SocketIr, TcpConnectionIr, TcpProxyIr } from './ir/listener.ts';
import { BLACK_HOLE_CLUSTER } from './own-clusters.ts';
import type { BoundListener } from './scope.ts';
import { NO_CHAINS, type RuleChains } from './service-connections.ts';

/** What holds for TCP connections to a service port. */
type ConnectionOf = (service: Service, port: number) => { readonly connection?: TcpConnectionIr };

/** The name of an egress listener with an address of its own, and of its route table. */
export function boundName({ listener: { bind, port } }: BoundListener, capture: OutboundCapture): string {
  if (bind?.type === 'socket') return bind.path;
  return `${addressOf(bind, capture)}_${port?.number ?? 0}`;
}

/** What is spoken there: as the Sidecar says, or as the services do if all speak the same. */
export function boundProtocol({ listener, services }: BoundListener): Protocol {
  if (listener.port?.protocol !== undefined) return listener.port.protocol;
  const protocols = services.flatMap(({ ports }) => ports.map(({ protocol }) => protocol));
  const [first = 'detect'] = protocols;
  if (protocols.every((each) => each === first)) return first;
  return protocols.every(isHttp) ? 'http' : 'detect';
}

/**
 * An egress listener of a Sidecar that has an address of its own. HTTP is told apart there by the Host header; everything
 * else can only be meant for one service, the first by hostname.
 */
export function boundListener(
  bound: BoundListener,
  capture: OutboundCapture,
  connectionOf: ConnectionOf,
  rulesOf: (service: Service, port: number) => RuleChains,
  meantOf: (service: Service) => Service,
): ListenerIr {
  const { listener, services } = bound;
  const { bind, port, isCaptured, source } = listener;
  const name = boundName(bound, capture);
  const protocol = boundProtocol(bound);
  const statPrefix = `outbound_${name}`;
  const first = firstPort(services);
  const { connection } = first === undefined || isHttp(protocol) ? {} : connectionOf(first.service, first.port.port);
  const cluster =
    first === undefined ? BLACK_HOLE_CLUSTER : clusterName(meantOf(first.service).hostname, first.port.port);
  const isOriginalKnown = capture.type === 'redirect' && isCaptured;
  const { lookUpPort: serverNamePort } =
    first === undefined ? {} : lookUpPort(first.service, first.port.port, isOriginalKnown);
  const tcp: TcpProxyIr = {
    statPrefix,
    cluster,
    ...(serverNamePort === undefined ? {} : { serverNamePort }),
    ...(connection === undefined ? {} : { connection }),
  };
  const rules = first === undefined || isHttp(protocol) ? NO_CHAINS : rulesOf(first.service, first.port.port);
  const http: HttpConnectionIr = {
    statPrefix,
    routes: { type: 'discovered', name },
    role: 'sidecar-outbound',
    dynamicForward: capture.type !== 'redirect' || services.some((service) => isFoundByName(service, true)),
    connect: port?.isProxy === true && capture.type === 'explicit',
  };
  const socket: { socket?: SocketIr } = isCaptured && capture.type === 'redirect' ? { socket: { type: 'none' } } : {};
  return {
    name,
    address: addressOf(bind, capture),
    port: port?.number ?? 0,
    direction: 'outbound',
    ...socket,
    ...outboundChains({ protocol, http, tcp }, rules.chains),
    sources: [source, ...rules.sources],
  };
}

function firstPort(services: readonly Service[]): { service: Service; port: ServicePort } | undefined {
  return services.flatMap((service) => service.ports.map((port) => ({ service, port })))[0];
}

/** An IP address, or the path of a socket. */
function addressOf(bind: ListenerAddress | undefined, capture: OutboundCapture): string {
  switch (bind?.type) {
    case 'ip':
      return bind.address;
    case 'socket':
      return bind.path;
    default:
      return 'family' in capture && capture.family === 6 ? '::1' : '127.0.0.1';
  }
}
