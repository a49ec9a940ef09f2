import type { Collection, Reader } from '../incremental/collection.ts';
import type { Graph } from '../incremental/graph.ts';
import type { ClientClass, OutboundCapture } from '../model/client.ts';
import { defaultsOf, type MeshModel } from '../model/mesh.ts';
import { mayBeHttp } from '../model/protocol.ts';
import { MESH_GATEWAY } from '../model/route-rule.ts';
import type { Service, ServicePort } from '../model/service.ts';
import { boundName } from './bound-listeners.ts';
import { clusterName } from './clusters.ts';
import { isFoundByName, knowsOriginal, lookUpPort } from './discovery.ts';
import { httpHandler, isHttp, outboundChains, type PortHandlers, tcpHandler } from './filter-chains.ts';
import type { FilterChainIr, HttpConnectionIr, ListenerIr, TcpConnectionIr } from './ir/listener.ts';
import { type RouteIr, type RouteTableIr, type TableHostIr, tableHostName, type VirtualHostIr } from './ir/route.ts';
import type { SourceRef } from './ir/source.ts';
import { distinct } from './l4-chains.ts';
import type { Demanded } from './on-demand.ts';
import { BLACK_HOLE_CLUSTER, PASSTHROUGH_CLUSTER } from './own-clusters.ts';
import { otherVirtualHosts, outsideHost, resolveProxyTable, type SidecarHosts, serviceTableName } from './routes.ts';
import type { BoundListener, OutsidePolicy, Scope } from './scope.ts';
import type { RuleChains } from './service-connections.ts';
import { type Nearness, nearnessesOf, nearnessOf, serviceNames, withoutTakenDomains } from './service-names.ts';
import { portRoutesKey, type ServiceRoutes } from './service-routes.ts';

type Captured = Extract<OutboundCapture, { readonly family: 4 | 6 }>;

/** One port of a service that clients see. */
export interface VisiblePort {
  readonly service: Service;
  readonly port: ServicePort;
}

/** What clients may mean by one port, as far as the address that they call does not tell. */
interface PortPlan {
  readonly port: number;
  /** Told apart by the Host header. */
  readonly http: VisiblePort[];
  /** Told apart by the name of the server in the TLS handshake. */
  readonly tls: VisiblePort[];
  /** Gets everything that is not HTTP. */
  tcp?: VisiblePort;
  /** Services with ranges of addresses. */
  readonly ranges: VisiblePort[];
}

interface OutboundPlan {
  readonly ports: readonly PortPlan[];
  /** Services that an address of their own stands for, by `ADDRESS_PORT`. */
  readonly addresses: ReadonlyMap<string, VisiblePort & { readonly address: string }>;
}

/**
 * Divides what clients see among listeners, as Istio does: HTTP is told apart by its Host header, so it shares a listener
 * for each port; other protocols need an address. Where several services could be meant, the first in order of hostname
 * is. (Istio takes the oldest, but files have no age.)
 *
 * @param httpByAddress HTTP to the address of a service is for that service, whatever its Host header says
 */
function planOutbound(services: readonly Service[], capture: Captured, httpByAddress: boolean): OutboundPlan {
  const ports = new Map<number, PortPlan>();
  const addresses = new Map<string, VisiblePort & { readonly address: string }>();
  const planOf = (port: number) => {
    const plan = ports.get(port) ?? { port, http: [], tls: [], ranges: [] };
    ports.set(port, plan);
    return plan;
  };
  for (const service of services) {
    const single = capture.type === 'loopback' ? [] : service.addresses.filter((each) => !isRange(each));
    const ranges = capture.type === 'loopback' ? [] : service.addresses.filter(isRange);
    for (const port of service.ports) {
      const visible = { service, port };
      if (port.protocol === 'http' || port.protocol === 'http2') {
        planOf(port.port).http.push(visible);
        if (!httpByAddress || capture.type !== 'redirect' || service.registry !== 'kubernetes') continue;
      }
      for (const address of single) {
        const key = `${address}_${port.port}`;
        if (!addresses.has(key)) addresses.set(key, { ...visible, address });
      }
      if (isHttp(port.protocol)) continue;
      if (ranges.length > 0) planOf(port.port).ranges.push(visible);
      if (service.addresses.length > 0 && capture.type === 'redirect') continue;
      const plan = planOf(port.port);
      if (port.protocol === 'tls') {
        plan.tls.push(visible);
        continue;
      }
      if (port.protocol === 'detect') plan.http.push(visible);
      plan.tcp ??= visible;
    }
  }
  return { ports: [...ports.values()].sort((a, b) => a.port - b.port), addresses };
}

/** Whether redirected calls to a service port may be told by its address alone, and need a table for just that. */
export function mayBeByAddress(service: Service, port: ServicePort, model: MeshModel, read: Reader): boolean {
  if (service.addresses.length === 0) return false;
  return (
    port.protocol === 'detect' || (isHttp(port.protocol) && service.registry === 'kubernetes' && byAddress(model, read))
  );
}

/** HTTP to the address of a Service is for that: routes of the Gateway API are for Services, not for hosts. */
function byAddress(model: MeshModel, read: Reader): boolean {
  return read.get(model.kubernetesRoutes.forServices, MESH_GATEWAY) === true;
}

/** What is known of a class of clients when its calls are resolved. */
export interface OutboundInput {
  readonly client: ClientClass;
  readonly scope: Scope;
  /** By nearness and `portRoutesKey`. */
  readonly capturedHosts: Collection<TableHostIr>;
  readonly sidecarHosts: SidecarHosts;
  readonly routesOf: (service: Service, port: ServicePort) => readonly RouteIr[];
  readonly connectionOf: (service: Service, port: number) => TcpConnection;
  /** What rules make of connections. */
  readonly rulesOf: (service: Service, port: number) => RuleChains;
  /** The service that stands behind another name. */
  readonly meantOf: (service: Service) => Service;
}

/** What holds for TCP connections to a service port; without `connection` nothing but defaults. */
export interface TcpConnection {
  readonly connection?: TcpConnectionIr;
  readonly sources: readonly SourceRef[];
}

export interface CapturedOutbound {
  readonly listeners: readonly ListenerIr[];
  /** For each port with HTTP one with all hosts, named like the port. */
  readonly tables: readonly RouteTableIr[];
  /** Virtual hosts of those tables that come on their own, of this class only. */
  readonly ownHosts: readonly TableHostIr[];
  /** The same of all clients: name -> key in the captured hosts. */
  readonly sharedHosts: ReadonlyMap<string, string>;
  /** Service ports that need a table of their own. */
  readonly services: readonly VisiblePort[];
}

/** Hosts that only rules know are on HTTP's own port. */
const HTTP_PORT = 80;

/** Everything for the calls of the clients of a class, which all of them share. */
export function capturedOutbound(input: OutboundInput, model: MeshModel, read: Reader): CapturedOutbound {
  const { client, scope } = input;
  const { capture } = client;
  if (capture.type !== 'redirect' && capture.type !== 'loopback') return NOTHING_CAPTURED;
  const { ports: listenPorts } = defaultsOf(model, read);
  const { demanded } = scope;
  const planned = planOutbound(scope.services, capture, byAddress(model, read));
  const { addresses } = planned;
  const asked = new Set([HTTP_PORT, ...(demanded?.httpPorts ?? [])]);
  const ports = withPorts(planned.ports, asked);
  const tables = new Map<number, RouteTableIr>();
  const ownHosts: TableHostIr[] = [];
  const sharedHosts = new Map<string, string>();
  for (const { port, http } of ports) {
    const ofServices = distinctHosts(
      http.map((visible) => hostOf(visible, input, read)),
      scope.services,
    );
    const others = port === HTTP_PORT ? otherHosts(ofServices, input, model, read) : [];
    const name = String(port);
    const isAskedFor = demanded !== undefined && (asked.has(port) || http.length > 0);
    if (!isAskedFor && ofServices.length + others.length === 0) continue;
    // A table with a host for all others would never ask.
    const rest = isAskedFor ? others : [...others, outsideHost(scope.outside, false)];
    if (!isAskedFor && (client.hosts === 'in-tables' || ofServices.length === 0)) {
      const virtualHosts = [...ofServices.map((host) => host.build()), ...rest];
      tables.set(port, { name, virtualHosts, ignorePortInHost: true });
      continue;
    }
    const epoch = demanded?.epoch ?? 0;
    tables.set(port, { name, virtualHosts: rest, ignorePortInHost: true, hostsApart: { epoch } });
    if (isAskedFor) {
      ownHosts.push({ table: name, host: NOBODYS_HOST }, ...strangers(name, ofServices, demanded, scope.outside));
    }
    for (const host of ofServices) {
      if (demanded?.onTrial.has(host.service.key)) continue;
      if (host.shared === undefined) ownHosts.push({ table: name, host: host.build() });
      else sharedHosts.set(tableHostName({ table: name, host }), host.shared);
    }
  }
  const listeners = ports.map((plan) => portListener(plan, tables.has(plan.port), capture, input));
  for (const [name, at] of addresses) listeners.push(addressListener(name, at, input));
  if (capture.type === 'redirect') listeners.push(virtualOutbound(capture, listenPorts.outbound, scope.outside));
  const withTables = [...addresses.values(), ...ports.flatMap(({ ranges }) => ranges)].filter(({ port }) =>
    mayBeHttp(port.protocol),
  );
  return {
    listeners: listeners.filter((listener) => listener !== undefined),
    tables: [...tables.values()],
    ownHosts,
    sharedHosts,
    services: [...new Map(withTables.map((at) => [serviceTableName(at.service.hostname, at.port.port), at])).values()],
  };
}

const NOTHING_CAPTURED: CapturedOutbound = {
  listeners: [],
  tables: [],
  ownHosts: [],
  sharedHosts: new Map(),
  services: [],
};

/** A virtual host, as far as it is needed to tell it from others. */
interface PlannedHost {
  readonly service: Service;
  readonly name: string;
  readonly domains: readonly string[];
  /** Key of the host in the captured hosts, if that is just what is needed. */
  readonly shared?: string;
  readonly build: () => VirtualHostIr;
}

function distinctHosts(planned: readonly PlannedHost[], services: readonly Service[]): readonly PlannedHost[] {
  const asTheyAre = new Set(planned);
  return withoutTakenDomains(planned, services).map((host) => {
    if (asTheyAre.has(host)) return host;
    const { service, name, domains, build } = host;
    return { service, name, domains, build: () => ({ ...build(), domains }) };
  });
}

/** The routes behind an egress listener of a Sidecar that has an address of its own. */
export function boundTable(bound: BoundListener, input: OutboundInput, model: MeshModel, read: Reader): RouteTableIr {
  const { client, scope, sidecarHosts } = input;
  const { listener, services } = bound;
  const name = boundName(bound, client.capture);
  if (listener.port?.number === undefined || listener.port.isProxy) {
    const known = { services, outside: scope.outside, patterns: listener.hosts };
    return resolveProxyTable(name, client, known, sidecarHosts, model, read);
  }
  const planned = services.flatMap((service) => service.ports.map((port) => hostOf({ service, port }, input, read)));
  const hosts = distinctHosts(planned, services).map((host) => host.build());
  const virtualHosts = [...hosts, outsideHost(scope.outside, false)];
  return { name, virtualHosts, ignorePortInHost: true };
}

/** With these ports, whether or not some service has them. */
function withPorts(plans: readonly PortPlan[], ports: ReadonlySet<number>): readonly PortPlan[] {
  const known = new Set(plans.map(({ port }) => port));
  const missing = [...ports].filter((port) => !known.has(port));
  return [...plans, ...missing.map((port): PortPlan => ({ port, http: [], tls: [], ranges: [] }))];
}

/**
 * Envoy waits for the first virtual host of a table before it opens the listener, so there is always one. Nothing has this
 * name (RFC 2606).
 */
const NOBODYS_HOST: VirtualHostIr = { name: 'nobody.invalid', domains: ['nobody.invalid'], routes: [] };

/** Hosts that were asked for and are no service of this port: what becomes of calls to hosts outside becomes of theirs. */
function strangers(
  table: string,
  known: readonly PlannedHost[],
  { learnt }: Demanded,
  outside: OutsidePolicy,
): readonly TableHostIr[] {
  const domains = new Set(known.flatMap((host) => host.domains));
  const { routes } = outsideHost(outside, false);
  return learnt
    .filter((each) => each.table === table && each.isOnTrial !== true && !domains.has(each.host))
    .map(({ host }) => ({ table, host: { name: host, domains: [host], routes } }));
}

/** Takes what the kernel redirects, and keeps what no other listener is for. */
function virtualOutbound({ family }: Captured, port: number, outside: OutsidePolicy): ListenerIr {
  return {
    name: 'virtualOutbound',
    address: anyAddress(family),
    port,
    direction: 'outbound',
    socket: { type: 'redirected', handsOver: true, transparent: false },
    chains: [
      // Who calls the port itself was not redirected, and would be sent round in circles.
      {
        name: 'virtualOutbound-blackhole',
        match: { destinationPort: port },
        handler: tcpHandler({ statPrefix: BLACK_HOLE_CLUSTER, cluster: BLACK_HOLE_CLUSTER }),
      },
    ],
    fallback: { ...passOn(outside), name: 'virtualOutbound-catchall-tcp' },
    firstBytes: 'always',
    sources: [],
  };
}

/** What is done with a connection that could be meant for anybody. */
function passOn(outside: OutsidePolicy): FilterChainIr {
  const cluster = outside.type === 'refuse' ? BLACK_HOLE_CLUSTER : (outside.via ?? PASSTHROUGH_CLUSTER);
  return { name: 'PassthroughFilterChain', match: {}, handler: tcpHandler({ statPrefix: cluster, cluster }) };
}

function portListener(
  plan: PortPlan,
  hasTable: boolean,
  capture: Captured,
  input: OutboundInput,
): ListenerIr | undefined {
  const { port, http, tls, tcp, ranges } = plan;
  const address = capture.type === 'loopback' ? loopbackOf(capture.family) : anyAddress(capture.family);
  const name = `${address}_${port}`;
  const isCaptured = capture.type === 'redirect';
  const chains: FilterChainIr[] = ranges.flatMap((visible) =>
    chainsTo(visible, input).map((chain) => ({
      ...chain,
      name: `${visible.service.hostname} ${chain.name}`,
      match: { ...chain.match, destinationRanges: visible.service.addresses.filter(isRange) },
    })),
  );
  chains.push(...serverNameChains(tls, input));
  const passedOn = isCaptured ? passOn(input.scope.outside) : undefined;
  const tcpChains = tcp === undefined ? [] : chainsTo(tcp, input);
  const fallback = tcp === undefined ? passedOn : tcpChains.at(-1);
  // HTTP is for the table of all services.
  chains.push(...tcpChains.slice(0, -1).filter(({ match }) => match.applicationProtocols === undefined));
  if (hasTable) {
    // Without anything else to do with it, it need not be looked at.
    const match = fallback === undefined ? {} : ({ applicationProtocols: 'http' } as const);
    chains.push({
      name: 'http',
      match,
      handler: httpHandler({
        ...connectionOf(`outbound_${name}`, String(port), isByName(http, capture)),
        ...(input.scope.demanded === undefined ? {} : { onDemand: true }),
      }),
    });
  }
  const isAlone = chains.length === 0;
  // In Envoy's order of matches, an empty one is tried before the fallback, but not for addresses within a range.
  if (isAlone && tcp !== undefined && fallback !== undefined) chains.push({ ...fallback, match: {} });
  if (chains.length === 0) return undefined;
  // What is asked for comes and goes; the listener stays as it is.
  const byHost = input.scope.demanded === undefined ? http : [];
  const visible = [...byHost, ...tls, ...(tcp === undefined ? [] : [tcp]), ...ranges];
  const clientsSpeakFirst = tcp === undefined && ranges.every((range) => range.port.protocol !== 'detect');
  return {
    name,
    address,
    port,
    direction: 'outbound',
    ...(isCaptured ? { socket: { type: 'none' as const } } : {}),
    chains,
    ...(fallback === undefined || isAlone ? {} : { fallback }),
    firstBytes: 'detect',
    // Where HTTP alone is known to be spoken, clients may take their time.
    ...(clientsSpeakFirst ? { detectionTimeoutMs: 0 } : {}),
    sources: sourcesOf(visible, input),
  };
}

/** More would only make the listener large; routes and clusters have theirs in any case. */
const MAX_SOURCES = 16;

function sourcesOf(
  ports: readonly VisiblePort[],
  { connectionOf: policyOf, rulesOf }: OutboundInput,
): readonly SourceRef[] {
  const services = new Set(ports.map(({ service }) => service.source));
  const policies = ports
    .filter(({ port }) => !isHttp(port.protocol))
    .flatMap(({ service, port }) => [...policyOf(service, port.port).sources, ...rulesOf(service, port.port).sources]);
  return [...(services.size <= MAX_SOURCES ? services : []), ...new Set(policies)];
}

/** Envoy refuses two chains with one match: where two services have one hostname, there is only one of them in the scope. */
function serverNameChains(ports: readonly VisiblePort[], input: OutboundInput): FilterChainIr[] {
  const chains = ports.flatMap((visible) =>
    chainsTo(visible, input).map((chain) => ({
      ...chain,
      name: `${visible.service.hostname} ${chain.name}`,
      match: { ...chain.match, transport: 'tls' as const, serverNames: serverNamesOf(chain, visible) },
    })),
  );
  return distinct(chains);
}

/** Rules may be for other server names than the service's own. */
function serverNamesOf({ match }: FilterChainIr, { service }: VisiblePort): readonly string[] {
  return match.serverNames ?? [service.hostname];
}

/** Whether addresses are found by the Host header: of all hosts, or of some. */
function isByName(http: readonly VisiblePort[], capture: Captured): boolean {
  // The kernel does not tell where a connection to a loopback listener was meant to go; the Host header does.
  return capture.type === 'loopback' || http.some(({ service }) => isFoundByName(service, true));
}

function addressListener(
  name: string,
  at: VisiblePort & { readonly address: string },
  input: OutboundInput,
): ListenerIr {
  return {
    name,
    address: at.address,
    port: at.port.port,
    direction: 'outbound',
    socket: { type: 'none' },
    ...outboundChains(handlersOf(at, input), rulesFor(at, input)),
    sources: sourcesOf([at], input),
  };
}

/** The last one takes what the others do not. */
function chainsTo(visible: VisiblePort, input: OutboundInput): readonly FilterChainIr[] {
  const { chains } = outboundChains(handlersOf(visible, input), rulesFor(visible, input));
  const takesAll = ({ match }: FilterChainIr) => Object.keys(match).length === 0;
  return [...chains.filter((chain) => !takesAll(chain)), ...chains.filter(takesAll)];
}

function rulesFor({ service, port }: VisiblePort, { rulesOf }: OutboundInput): readonly FilterChainIr[] {
  return rulesOf(service, port.port).chains;
}

function handlersOf({ service, port: { port, protocol } }: VisiblePort, input: OutboundInput): PortHandlers {
  const statPrefix = `outbound_${port}_${service.hostname}`;
  const table = serviceTableName(service.hostname, port);
  const { connection } = isHttp(protocol) ? {} : input.connectionOf(service, port);
  const { lookUpPort: serverNamePort } = lookUpPort(service, port, knowsOriginal(input.client));
  const tcp = {
    statPrefix,
    cluster: clusterName(input.meantOf(service).hostname, port),
    ...(serverNamePort === undefined ? {} : { serverNamePort }),
    ...(connection === undefined ? {} : { connection }),
  };
  return { protocol, http: connectionOf(statPrefix, table, serverNamePort !== undefined), tcp };
}

function connectionOf(statPrefix: string, table: string, dynamicForward: boolean): HttpConnectionIr {
  return {
    statPrefix,
    routes: { type: 'discovered', name: table },
    role: 'sidecar-outbound',
    dynamicForward,
    connect: false,
  };
}

function isRange(address: string): boolean {
  return address.includes('/');
}

export function anyAddress(family: 4 | 6): string {
  return family === 4 ? '0.0.0.0' : '::';
}

function loopbackOf(family: 4 | 6): string {
  return family === 4 ? '127.0.0.1' : '::1';
}

function hostOf({ service, port }: VisiblePort, input: OutboundInput, read: Reader): PlannedHost {
  const nearness = nearnessOf(service, input.client);
  const key = portRoutesKey(service, port.port, input.client, input.sidecarHosts.routes, read);
  const shared = key === undefined ? undefined : `${nearness}|${key}`;
  return {
    service,
    name: serviceTableName(service.hostname, port.port),
    domains: serviceNames(service, nearness),
    ...(shared === undefined ? {} : { shared }),
    build: () =>
      (shared === undefined ? undefined : read.get(input.capturedHosts, shared)?.host) ??
      capturedHost(service, port.port, input.routesOf(service, port), nearness),
  };
}

/** Nobody asks for tunnels where connections are redirected, and ports do not count. */
function otherHosts(
  ofServices: readonly PlannedHost[],
  { client, scope, sidecarHosts }: OutboundInput,
  model: MeshModel,
  read: Reader,
): readonly VirtualHostIr[] {
  return otherVirtualHosts(client, scope.patterns, sidecarHosts, ofServices, model, read).map(
    ({ domains, routes, ...host }) => ({
      ...host,
      domains: domains.slice(0, 1),
      routes: routes.filter(({ match }) => match.path.type !== 'connect'),
    }),
  );
}

/** The virtual hosts of those tables that all clients share, made once for all of them. */
export function resolveCapturedHosts(
  graph: Graph,
  { shared }: ServiceRoutes,
  classesByCapture: Collection<readonly ClientClass[]>,
): Collection<TableHostIr> {
  return graph.expand('captured virtual hosts', shared, ({ service, port, routes }, read, key) => {
    const isUsed = CAPTURED.some((type) => read.get(classesByCapture, type) !== undefined);
    if (!isUsed || !mayBeHttp(port.protocol)) return [];
    const table = String(port.port);
    return nearnessesOf(service).map(
      (nearness) =>
        [`${nearness}|${key}`, { table, host: capturedHost(service, port.port, routes, nearness) }] as const,
    );
  });
}

const CAPTURED = ['redirect', 'loopback'] as const;

function capturedHost(service: Service, port: number, routes: readonly RouteIr[], nearness: Nearness): VirtualHostIr {
  return { name: serviceTableName(service.hostname, port), domains: serviceNames(service, nearness), routes };
}
