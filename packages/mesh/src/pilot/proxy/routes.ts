import type { Collection, Reader } from '../incremental/collection.ts';
import type { Graph } from '../incremental/graph.ts';
import type { ClientClass } from '../model/client.ts';
import { byNarrowness, hostCovers, intersectHosts } from '../model/hostname.ts';
import { defaultsOf, type MeshModel } from '../model/mesh.ts';
import { asksWhoCalls, type RouteRuleSet } from '../model/route-rule.ts';
import type { Service, ServicePort } from '../model/service.ts';
import { isCovered, type ServicePattern } from '../model/sidecar.ts';
import { isVisible } from '../model/visibility.ts';
import { clusterName } from './clusters.ts';
import { hasOwnListener } from './discovery.ts';
import { type ResolvedHost, withDeeperHosts, withoutWiderIngresses } from './ingress-hosts.ts';
import type { RouteIr, RouteTableIr, VirtualHostIr } from './ir/route.ts';
import { HTTP_PROXY_LOOPBACK_CLUSTER, loopbackClusterName, PASSTHROUGH_CLUSTER } from './own-clusters.ts';
import { type RouteContext, resolveRules } from './route-rules.ts';
import type { OutsidePolicy, Scope } from './scope.ts';
import { type Nearness, nearnessesOf, nearnessOf, serviceNames, withoutTakenDomains } from './service-names.ts';
import {
  portRoutesKey,
  routesForClient,
  type ServiceRoutes,
  sidecarContext,
  viewKey,
  viewsOf,
} from './service-routes.ts';

/** The route table of every sidecar's HTTP proxy listener. */
export const HTTP_PROXY_TABLE = 'http_proxy';

/** The route table of a service port's own listener: `reviews.default.svc.cluster.local:9080`. */
export function serviceTableName(hostname: string, port: number): string {
  return `${hostname}:${port}`;
}

/**
 * The virtual host of each service port in the tables of HTTP proxy listeners, by `NEARNESS|` and `portRoutesKey`. Tables
 * of all clients are made of these, so a change of one host leaves the others as they are, encoded once.
 */
function resolveVirtualHosts(
  graph: Graph,
  model: MeshModel,
  { shared }: ServiceRoutes,
  classesByCapture: Collection<readonly ClientClass[]>,
): Collection<VirtualHostIr> {
  return graph.expand('virtual hosts', shared, ({ service, port, routes }, read, key) => {
    const isUsed =
      read.get(classesByCapture, 'explicit') !== undefined || defaultsOf(model, read).ports.httpProxy !== undefined;
    if (!isUsed) return [];
    return nearnessesOf(service).map(
      (nearness) => [`${nearness}|${key}`, proxyVirtualHost(service, port, routes, nearness)] as const,
    );
  });
}

function proxyVirtualHost(
  service: Service,
  { port, protocol }: ServicePort,
  routes: readonly RouteIr[],
  nearness: Nearness,
): VirtualHostIr {
  const connect: RouteIr = {
    name: 'connect',
    match: { path: { type: 'connect' }, headers: [] },
    action: {
      type: 'tunnel',
      cluster: hasOwnListener(service, protocol)
        ? loopbackClusterName(service.hostname, port)
        : clusterName(service.hostname, port),
    },
    sources: [service.source],
  };
  return {
    name: serviceTableName(service.hostname, port),
    domains: serviceDomains(service, port, nearness),
    routes: [connect, ...routes],
  };
}

/**
 * Rule sets for hosts that are no service, by host, which may be a pattern: sidecars know such hosts all the same, on
 * HTTP's own port.
 */
export function rulesForOtherHosts(graph: Graph, model: MeshModel): Collection<readonly RouteRuleSet[]> {
  return graph.derive('other hosts', model.meshRoutes, (sets, read, host) =>
    read.get(model.servicesByHost, host) === undefined ? sets : undefined,
  );
}

/** Their virtual hosts, by `otherHostKey`: for all clients that see the same rules. */
function resolveOtherHosts(
  graph: Graph,
  model: MeshModel,
  others: Collection<readonly RouteRuleSet[]>,
): Collection<VirtualHostIr> {
  return graph.expand('other virtual hosts', others, (all, read, host) => {
    const views = new Map([...viewsOf([all]).values()].map((sets) => [otherHostKey(host, sets), sets]));
    return [...views].flatMap(([key, sets]) => {
      const found = sets.some(asksWhoCalls) ? undefined : otherVirtualHost(host, sets, undefined, model, read);
      return found === undefined ? [] : [[key, found] as const];
    });
  });
}

function otherHostKey(host: string, sets: readonly RouteRuleSet[]): string {
  return `${host}${viewKey(sets)}`;
}

const HTTP_PORT = 80;

function otherVirtualHost(
  host: string,
  sets: readonly RouteRuleSet[],
  client: ClientClass | undefined,
  model: MeshModel,
  read: Reader,
): VirtualHostIr | undefined {
  const routes = resolveRules(sets, sidecarContext(HTTP_PORT, client), model, read);
  if (routes.length === 0) return undefined;
  const connect: RouteIr = {
    name: 'connect',
    match: { path: { type: 'connect' }, headers: [] },
    action: { type: 'tunnel', cluster: HTTP_PROXY_LOOPBACK_CLUSTER },
    sources: sets.map(({ source }) => source),
  };
  return {
    name: `${host}:${HTTP_PORT}`,
    domains: [host, `${host}:${HTTP_PORT}`],
    routes: [connect, ...routes],
  };
}

/** Virtual hosts from which the tables of HTTP proxy listeners are made. */
export interface SidecarHosts {
  readonly routes: ServiceRoutes;
  /** Of service ports, by `NEARNESS|` and `portRoutesKey`. */
  readonly services: Collection<VirtualHostIr>;
  /** Of hosts that are no service, by `otherHostKey`. */
  readonly others: Collection<VirtualHostIr>;
  /** Every host that is no service. */
  readonly otherRules: Collection<readonly RouteRuleSet[]>;
}

export function resolveSidecarHosts(
  graph: Graph,
  model: MeshModel,
  routes: ServiceRoutes,
  otherRules: Collection<readonly RouteRuleSet[]>,
  classesByCapture: Collection<readonly ClientClass[]>,
): SidecarHosts {
  return {
    routes,
    services: resolveVirtualHosts(graph, model, routes, classesByCapture),
    others: resolveOtherHosts(graph, model, otherRules),
    otherRules,
  };
}

/** A table where clients name the port with the host, as they do in HTTP proxy listeners. */
export function resolveProxyTable(
  name: string,
  client: ClientClass,
  scope: Pick<Scope, 'services' | 'patterns' | 'outside'>,
  hosts: SidecarHosts,
  model: MeshModel,
  read: Reader,
): RouteTableIr {
  const { services, patterns, outside } = scope;
  const every = services.flatMap((service) => {
    const nearness = nearnessOf(service, client);
    return service.ports.map((port) => {
      const shared = portRoutesKey(service, port.port, client, hosts.routes, read);
      const known = shared === undefined ? undefined : read.get(hosts.services, `${nearness}|${shared}`);
      return known ?? proxyVirtualHost(service, port, routesForClient(service, port, client, model, read), nearness);
    });
  });
  const ofServices = withoutTakenDomains(every, services);
  const others = otherVirtualHosts(client, patterns, hosts, ofServices, model, read);
  const virtualHosts = [...ofServices, ...others, outsideHost(outside, true)];
  return { name, virtualHosts, ignorePortInHost: false };
}

/** For hosts that only rules know. `ofServices` are already in the table. */
export function otherVirtualHosts(
  client: ClientClass,
  patterns: readonly ServicePattern[] | undefined,
  { others, otherRules }: SidecarHosts,
  ofServices: readonly Pick<VirtualHostIr, 'domains'>[],
  model: MeshModel,
  read: Reader,
): readonly VirtualHostIr[] {
  const rules = [...read.all(otherRules)].sort(([a], [b]) => (a < b ? -1 : 1));
  if (rules.length === 0) return [];
  // A rule may name a service by one of its shorter names; no two virtual hosts may have one domain.
  const taken = new Set(ofServices.flatMap(({ domains }) => domains));
  return rules.flatMap(([host, sets]) => {
    const visible = sets
      .filter(({ visibility }) => isVisible(visibility, client.namespace))
      .filter(({ source }) => patterns === undefined || isCovered({ ...source, hostname: host }, patterns));
    const found = read.get(others, otherHostKey(host, visible)) ?? otherVirtualHost(host, visible, client, model, read);
    return found === undefined || found.domains.some((domain) => taken.has(domain)) ? [] : [found];
  });
}

/**
 * The host for all that no other one is for: it is reached as it would be without the mesh, or through another service, or
 * not at all (`outboundTrafficPolicy`).
 *
 * @param connect where clients ask for tunnels
 */
export function outsideHost(policy: OutsidePolicy, connect: boolean): VirtualHostIr {
  const { sources } = policy;
  if (policy.type === 'refuse') {
    const action = { type: 'direct-response', status: REFUSED_STATUS } as const;
    return {
      name: 'block_all',
      domains: ['*'],
      routes: [
        ...(connect ? [{ ...OUTSIDE_CONNECT, action, sources }] : []),
        { name: 'outside', match: ANY_REQUEST, action, sources },
      ],
    };
  }
  const cluster = policy.via ?? PASSTHROUGH_CLUSTER;
  return {
    name: 'allow_any',
    domains: ['*'],
    routes: [
      ...(connect ? [{ ...OUTSIDE_CONNECT, action: { type: 'tunnel', cluster } as const, sources }] : []),
      {
        name: 'outside',
        match: ANY_REQUEST,
        action: {
          type: 'forward',
          destinations: [{ cluster, weight: 1 }],
          retry: { type: 'off' },
          stripResponseHeaders: [],
        },
        sources,
      },
    ],
  };
}

/** Istio's answer to calls of hosts that it does not know. */
const REFUSED_STATUS = 502;
const ANY_REQUEST = { path: { type: 'any' }, headers: [] } as const;
const OUTSIDE_CONNECT = { name: 'outside connect', match: { path: { type: 'connect' }, headers: [] } } as const;

function serviceDomains(service: Service, port: number, nearness: Nearness): readonly string[] {
  // Clients leave the port out where it is HTTP's own.
  return serviceNames(service, nearness).flatMap((host) => (port === 80 ? [host, `${host}:80`] : [`${host}:${port}`]));
}

/** The table of a service port's own listener: whatever the Host header says, it is that service that is called. */
export function resolveServiceTable(name: string, routes: readonly RouteIr[]): RouteTableIr {
  return { name, virtualHosts: [{ name, domains: ['*'], routes }], ignorePortInHost: false };
}

/** Where a gateway's servers and the rule sets attached to it meet: a virtual host for each host that both name. */
export function resolveGatewayTable(
  route: Pick<RouteContext, 'port' | 'tls' | 'hostPorts'>,
  gateways: readonly GatewayHosts[],
  client: Pick<ClientClass, 'namespace' | 'labels'>,
  model: MeshModel,
  read: Reader,
): RouteTableIr {
  const byDomain = new Map<string, { readonly sets: Set<RouteRuleSet>; readonly gateways: Set<string> }>();
  const isolated = gateways.flatMap((each) => (each.isolated ? each.hosts.map(({ host }) => host) : []));
  // A host for which nobody has rules is not for a server with a wider host either.
  for (const host of isolated) byDomain.set(host, { sets: new Set(), gateways: new Set() });
  for (const gateway of gateways) {
    for (const ruleSet of read.get(model.gatewayRoutes, gateway.key) ?? []) {
      if (!isVisible(ruleSet.visibility, client.namespace)) continue;
      for (const server of gateway.hosts) {
        if (server.namespace !== undefined && server.namespace !== ruleSet.source.namespace) continue;
        for (const host of ruleSet.hosts) {
          const domain = intersectHosts(server.host, host);
          if (domain === undefined || narrowest(domain, [server.host, ...isolated]) !== server.host) continue;
          const found = byDomain.get(domain) ?? { sets: new Set(), gateways: new Set() };
          found.sets.add(ruleSet);
          found.gateways.add(gateway.key);
          byDomain.set(domain, found);
        }
      }
    }
  }
  const { port } = route;
  const context = { ...route, client };
  const sorted = [...byDomain].sort(([a], [b]) => (a < b ? -1 : 1));
  const resolved = sorted.map(([domain, found]): ResolvedHost => {
    const sets = withoutWiderIngresses(bySource([...found.sets]));
    const virtualHost: VirtualHostIr = {
      name: `${domain}:${port}`,
      domains: [domain],
      routes: resolveRules(sets, { ...context, gateways: [...found.gateways] }, model, read),
    };
    return { sets, virtualHost };
  });
  const virtualHosts = resolved
    .map((host) => withDeeperHosts(host, resolved))
    // Rules for connections only say nothing about requests, so they make no host known.
    .filter(({ routes, domains }) => routes.length > 0 || domains.some((domain) => isolated.includes(domain)));
  return { name: `http.${port}`, virtualHosts, ignorePortInHost: true };
}

/** The hosts of a server, and whose rules may use them. */
interface GatewayHosts {
  readonly key: string;
  readonly hosts: readonly { readonly namespace?: string; readonly host: string }[];
  /** Nobody else's rules hold for a host that one of these covers best. */
  readonly isolated: boolean;
}

/** Of the patterns that cover a domain, the one that says most of it; of equals, the first. */
function narrowest(domain: string, patterns: readonly string[]): string | undefined {
  return patterns.filter((pattern) => hostCovers(pattern, domain)).sort(byNarrowness)[0];
}

/** What Ingresses say comes behind what VirtualServices say. */
function bySource(sets: readonly RouteRuleSet[]): readonly RouteRuleSet[] {
  const key = ({ source, isIngress }: RouteRuleSet) => `${isIngress === true} ${source.namespace}/${source.name}`;
  return [...sets].sort((a, b) => (key(a) < key(b) ? -1 : 1));
}
