import type { FilterChain } from '@lateen/envoy-api/envoy/config/listener/v3/listener_components_pb.js';
import type { Route } from '@lateen/envoy-api/envoy/config/route/v3/route_components_pb.js';
import type { ClusterMatch, ListenerMatch, PatchContext, RouteMatch, RoutesMatch, VirtualHostMatch } from './patch.ts';

/** What a patch may ask of a listener and what its message does not say. */
export interface ListenerFacts {
  readonly context: PatchContext;
  /** Its own name, and those that Istio gives to what serves the same traffic. */
  readonly names: readonly string[];
  /**
   * Ports of services, of containers or of gateways that it serves; not the one of its socket. `by-chain`: it serves all of
   * a proxy, and each chain has the one that its match names.
   */
  readonly ports: readonly number[] | 'by-chain';
  /** In lower case. */
  readonly portNames: readonly string[];
}

export interface TableFacts {
  readonly context: PatchContext;
  readonly names: readonly string[];
  /** `by-host`: it serves every port, and its virtual hosts are named `HOST:PORT`. */
  readonly ports: readonly number[] | 'by-host';
  readonly portNames: readonly string[];
  /** `NAMESPACE/NAME` of the Gateways whose routes these are. */
  readonly gateways: readonly string[];
  /** Names of a route beside its own: what the VirtualService calls it. */
  readonly routeNames: (route: Route) => readonly string[];
}

export interface ClusterFacts {
  readonly context: PatchContext;
  /** Hostnames of the services that lead to an application's port. */
  readonly services: readonly string[];
}

export function matchesListener({ names, ports, portNames }: ListenerFacts, match: ListenerMatch = {}): boolean {
  if (match.name !== undefined && !names.includes(match.name)) return false;
  if (match.port !== undefined && ports !== 'by-chain' && !ports.includes(match.port)) return false;
  return match.portName === undefined || portNames.includes(match.portName);
}

export function matchesChain(chain: FilterChain, facts: ListenerFacts, match: ListenerMatch = {}): boolean {
  const port = chain.filterChainMatch?.destinationPort;
  if (facts.ports === 'by-chain' && match.port !== undefined && match.port !== port) return false;
  const wanted = match.chain;
  if (wanted === undefined) return true;
  const { serverNames = [], transportProtocol = '', applicationProtocols = [] } = chain.filterChainMatch ?? {};
  if (wanted.name !== undefined && wanted.name !== chain.name) return false;
  if (wanted.sni !== undefined && !serverNames.includes(wanted.sni)) return false;
  if (wanted.transportProtocol !== undefined && wanted.transportProtocol !== transportProtocol) return false;
  if (!wanted.applicationProtocols.every((protocol) => applicationProtocols.includes(protocol))) return false;
  if (wanted.destinationPort === undefined) return true;
  if (port !== undefined) return port === wanted.destinationPort;
  if (facts.ports === 'by-chain') return false;
  // In Istio one listener takes the calls for all ports of a workload, and its chains are told apart by port.
  return facts.context !== 'SIDECAR_INBOUND' || facts.ports.includes(wanted.destinationPort);
}

/** Of the table; its virtual hosts are looked at one by one. */
export function matchesTable(facts: TableFacts, match: RoutesMatch = {}): boolean {
  if (facts.ports !== 'by-host' && match.port !== undefined && !facts.ports.includes(match.port)) return false;
  if (match.name !== undefined && !facts.names.includes(match.name) && !isPortName(facts, match.name)) return false;
  if (match.portName !== undefined && !facts.portNames.includes(match.portName)) return false;
  return match.gateway === undefined || facts.gateways.includes(match.gateway);
}

/** Istio names the table of a sidecar's HTTP port after that port. */
function isPortName({ ports }: TableFacts, name: string): boolean {
  return ports === 'by-host' && /^\d+$/.test(name);
}

/** Whether a patch is for this table as a whole, and not only for some of its hosts. */
export function matchesWholeTable(facts: TableFacts, match: RoutesMatch = {}): boolean {
  if (facts.ports === 'by-host' && (match.port !== undefined || isPortName(facts, match.name ?? ''))) return false;
  return matchesTable(facts, match);
}

/** By what a virtual host is found. */
export interface HostNames {
  readonly name: string;
  readonly domains: readonly string[];
}

export function matchesHost(host: HostNames, facts: TableFacts, match: RoutesMatch = {}): boolean {
  if (facts.ports === 'by-host') {
    const { port, name } = match;
    if (port !== undefined && !host.name.endsWith(`:${port}`)) return false;
    if (name !== undefined && isPortName(facts, name) && !host.name.endsWith(`:${name}`)) return false;
  }
  const wanted: VirtualHostMatch = match.host ?? {};
  if (wanted.name !== undefined && wanted.name !== host.name) return false;
  return wanted.domain === undefined || host.domains.includes(wanted.domain);
}

export function matchesRoute(route: Route, facts: TableFacts, match: RouteMatch = {}): boolean {
  if (match.name !== undefined && match.name !== route.name && !facts.routeNames(route).includes(match.name)) {
    return false;
  }
  return match.action === undefined || route.action.case === ACTIONS[match.action];
}

const ACTIONS = { ROUTE: 'route', REDIRECT: 'redirect', DIRECT_RESPONSE: 'directResponse' } as const;

/** As in Istio, a name says it all: what stands beside it is not looked at. */
export function matchesCluster(name: string, { services }: ClusterFacts, match: ClusterMatch = {}): boolean {
  if (match.name !== undefined) return match.name === name;
  const [, port = '', subset = '', host = ''] = name.split('|');
  if (match.subset !== undefined && match.subset !== subset) return false;
  if (match.service !== undefined && match.service !== host && !services.includes(match.service)) return false;
  return match.port === undefined || match.port === Number(port);
}
