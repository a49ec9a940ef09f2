import type { Collection, Reader } from '../incremental/collection.ts';
import type { Graph } from '../incremental/graph.ts';
import type { ClientClass } from '../model/client.ts';
import { intersectHosts } from '../model/hostname.ts';
import { type MeshModel, meshRoutesFor } from '../model/mesh.ts';
import { DEFAULT_RETRY, RETRY_SAFE_HEADER } from '../model/retry.ts';
import type {
  Destination,
  ForwardAction,
  RedirectAction,
  RewriteRule,
  RouteMatch,
  RouteRule,
  RouteRuleSet,
} from '../model/route-rule.ts';
import { type Service, type ServicePort, serviceSeenFrom } from '../model/service.ts';
import { isVisible } from '../model/visibility.ts';
import { clusterName } from './clusters.ts';
import type {
  PathMatchIr,
  RedirectActionIr,
  RewriteIr,
  RouteIr,
  RouteTableIr,
  VirtualHostIr,
  WeightedDestinationIr,
} from './ir/route.ts';
import type { SourceRef } from './ir/source.ts';
import { DYNAMIC_FORWARD_CLUSTER, loopbackClusterName } from './own-clusters.ts';

/** The route table of every sidecar's HTTP proxy listener. */
export const HTTP_PROXY_TABLE = 'http_proxy';

/** The route table of a service port's own listener: `reviews.default.svc.cluster.local:9080`. */
export function serviceTableName(hostname: string, port: number): string {
  return `${hostname}:${port}`;
}

/** Of a service port, as routes, virtual hosts and tables are keyed that all clients share. */
export function servicePortKey(service: Service, port: number): string {
  return serviceTableName(service.key, port);
}

/**
 * What sidecars do with calls to a service port, by `servicePortKey`, where that is the same for all clients. Of the
 * others, each class of clients has routes of its own (`routesForClient`).
 */
export function resolveServiceRoutes(graph: Graph, model: MeshModel): Collection<readonly RouteIr[]> {
  return graph.expand('service routes', model.services, (service, read) => {
    const byPattern = meshRoutesFor(service.hostname, model, read);
    if (byPattern.flat().some(({ dependsOnClient }) => dependsOnClient)) return [];
    const sets = byPattern[0] ?? [];
    return service.ports.map(
      (port) => [servicePortKey(service, port.port), resolvePort(service, port, sets, model, read)] as const,
    );
  });
}

/** As `client` calls a service port. */
export function routesForClient(
  service: Service,
  port: ServicePort,
  client: ClientClass,
  model: MeshModel,
  read: Reader,
): readonly RouteIr[] {
  const visible = meshRoutesFor(service.hostname, model, read).map((sets) =>
    sets.filter(({ visibility }) => isVisible(visibility, client.namespace)),
  );
  return resolvePort(service, port, visible.find((sets) => sets.length > 0) ?? [], model, read);
}

function resolvePort(
  service: Service,
  port: ServicePort,
  ruleSets: readonly RouteRuleSet[],
  model: MeshModel,
  read: Reader,
): readonly RouteIr[] {
  const rules = port.protocol === 'tcp' ? [] : orderedRules(ruleSets);
  return rules.length === 0
    ? [defaultRoute(service, port)]
    : rules.flatMap((rule) => resolveRule(rule, port.port, model, read));
}

/**
 * Rules of several rule sets for one host: in order of the sets' namespace and name, but rules for every request last,
 * so that none hides those of another set.
 */
function orderedRules(ruleSets: readonly RouteRuleSet[]): readonly RouteRule[] {
  const rules = ruleSets.flatMap((set) => set.rules);
  if (ruleSets.length < 2) return rules;
  return [...rules.filter((rule) => !isCatchAll(rule)), ...rules.filter(isCatchAll)];
}

function isCatchAll(rule: RouteRule): boolean {
  return rule.matches.some(
    ({ path, headers }) =>
      headers.length === 0 && (path.type === 'any' || (path.type === 'prefix' && path.value === '/')),
  );
}

function defaultRoute(service: Service, port: ServicePort): RouteIr {
  const name = clusterName(service.hostname, port.port);
  return {
    name: 'default',
    match: { path: { type: 'any' }, headers: [] },
    action: {
      type: 'forward',
      destinations: [{ cluster: name, weight: 1 }],
      retry: DEFAULT_RETRY,
      stripResponseHeaders: [RETRY_SAFE_HEADER],
    },
    sources: [service.source],
  };
}

/** One Envoy route for each match of the rule. `port` is the one that the request came for. */
function resolveRule(rule: RouteRule, port: number, model: MeshModel, read: Reader): readonly RouteIr[] {
  return rule.matches.map((match): RouteIr => {
    const common = {
      name: routeName(match.source),
      match: { path: match.path, headers: match.headers },
      sources: [match.source],
    };
    if (rule.action.type === 'redirect') return { ...common, action: resolveRedirect(rule.action, port) };
    return { ...common, action: resolveForward(rule.action, match, port, model, read) };
  });
}

/** `default/reviews http[0].match[1]`, as access logs show it. */
function routeName(source: SourceRef): string {
  return `${source.namespace}/${source.name} ${(source.path ?? '').replace(/^spec\./, '')}`.trim();
}

/** The port stays by itself where the answer repeats host and scheme of the request. */
function resolveRedirect({ port, ...action }: RedirectAction, requestPort: number): RedirectActionIr {
  if (port !== 'from-request') return port === undefined ? action : { ...action, port };
  return action.authority === undefined && action.scheme === undefined ? action : { ...action, port: requestPort };
}

function resolveForward(action: ForwardAction, match: RouteMatch, port: number, model: MeshModel, read: Reader) {
  const rewrite = resolveRewrite(action.rewrite, match.path);
  return {
    type: 'forward' as const,
    destinations: action.destinations
      .filter(({ weight }) => weight > 0)
      .map((destination): WeightedDestinationIr => {
        const service = serviceSeenFrom(read.get(model.servicesByHost, destination.host), destination.source.namespace);
        const wanted = destinationPort(destination, service, port);
        return { cluster: clusterName(destination.host, wanted, destination.subset), weight: destination.weight };
      }),
    ...(rewrite === undefined ? {} : { rewrite }),
    ...(action.timeoutMs === undefined ? {} : { timeoutMs: action.timeoutMs }),
    retry: action.retry,
    stripResponseHeaders: [RETRY_SAFE_HEADER],
  };
}

function destinationPort(destination: Destination, service: Service | undefined, requestPort: number): number {
  if (destination.port !== undefined) return destination.port;
  const [only, ...others] = service?.ports ?? [];
  return only !== undefined && others.length === 0 ? only.port : requestPort;
}

function resolveRewrite(rewrite: RewriteRule | undefined, path: PathMatchIr): RewriteIr | undefined {
  if (rewrite === undefined) return undefined;
  const authority = rewrite.authority === undefined ? {} : { authority: rewrite.authority };
  if (rewrite.regex !== undefined) return { ...authority, path: { type: 'regex', ...rewrite.regex } };
  if (rewrite.uri === undefined) return authority;
  // A rewrite of a prefix keeps the rest of the path; every path matches the prefix `/` where none was asked for.
  const prefix = path.type === 'prefix' || path.type === 'any';
  return { ...authority, path: { type: prefix ? 'prefix' : 'full', value: rewrite.uri } };
}

/** How a client stands to a service: short names hold in the service's own namespace only. */
type Nearness = 'near' | 'far';

/**
 * The virtual host of each service port in the tables of HTTP proxy listeners, by `NEARNESS|` and `servicePortKey`. Tables
 * of all clients are made of these, so a change of one host leaves the others as they are, encoded once.
 */
export function resolveVirtualHosts(
  graph: Graph,
  model: MeshModel,
  routes: Collection<readonly RouteIr[]>,
): Collection<VirtualHostIr> {
  return graph.expand('virtual hosts', model.services, (service, read) =>
    service.ports.flatMap(({ port }) => {
      const key = servicePortKey(service, port);
      const shared = read.get(routes, key);
      if (shared === undefined) return [];
      return (['near', 'far'] as const).map(
        (nearness) => [`${nearness}|${key}`, proxyVirtualHost(service, port, shared, nearness)] as const,
      );
    }),
  );
}

function proxyVirtualHost(
  service: Service,
  port: number,
  routes: readonly RouteIr[],
  nearness: Nearness,
): VirtualHostIr {
  const connect: RouteIr = {
    name: 'connect',
    match: { path: { type: 'connect' }, headers: [] },
    action: { type: 'tunnel', cluster: loopbackClusterName(service.hostname, port) },
    sources: [service.source],
  };
  return {
    name: serviceTableName(service.hostname, port),
    domains: serviceDomains(service, port, nearness),
    routes: [connect, ...routes],
  };
}

/** The table behind the HTTP proxy listeners of one class of clients, for the services that it sees. */
export function resolveProxyTable(
  client: ClientClass,
  services: readonly Service[],
  hosts: Collection<VirtualHostIr>,
  model: MeshModel,
  read: Reader,
): RouteTableIr {
  const virtualHosts = services.flatMap((service) => {
    const nearness: Nearness = service.namespace === client.namespace ? 'near' : 'far';
    return service.ports.map(
      (port) =>
        read.get(hosts, `${nearness}|${servicePortKey(service, port.port)}`) ??
        proxyVirtualHost(service, port.port, routesForClient(service, port, client, model, read), nearness),
    );
  });
  return { name: HTTP_PROXY_TABLE, virtualHosts: [...virtualHosts, OUTSIDE], ignorePortInHost: false };
}

/** Hosts that are not in the mesh are reached as they would be without it (`outboundTrafficPolicy` ALLOW_ANY). */
const OUTSIDE: VirtualHostIr = {
  name: 'allow_any',
  domains: ['*'],
  routes: [
    {
      name: 'outside connect',
      match: { path: { type: 'connect' }, headers: [] },
      action: { type: 'tunnel', cluster: DYNAMIC_FORWARD_CLUSTER },
      sources: [],
    },
    {
      name: 'outside',
      match: { path: { type: 'any' }, headers: [] },
      action: {
        type: 'forward',
        destinations: [{ cluster: DYNAMIC_FORWARD_CLUSTER, weight: 1 }],
        retry: { type: 'off' },
        stripResponseHeaders: [],
      },
      sources: [],
    },
  ],
};

function serviceDomains(service: Service, port: number, nearness: Nearness): readonly string[] {
  const { name, namespace, hostname } = service;
  const names = [...(nearness === 'near' ? [name] : []), `${name}.${namespace}`, `${name}.${namespace}.svc`, hostname];
  // Clients leave the port out where it is HTTP's own.
  return names.flatMap((host) => (port === 80 ? [host, `${host}:80`] : [`${host}:${port}`]));
}

/** The table of a service port's own listener: whatever the Host header says, it is that service that is called. */
export function resolveServiceTable(name: string, routes: readonly RouteIr[]): RouteTableIr {
  return { name, virtualHosts: [{ name, domains: ['*'], routes }], ignorePortInHost: false };
}

/** Where a gateway's servers and the rule sets attached to it meet: a virtual host for each host that both name. */
export function resolveGatewayTable(
  port: number,
  gateways: readonly { readonly key: string; readonly hosts: readonly { namespace?: string; host: string }[] }[],
  model: MeshModel,
  read: Reader,
): RouteTableIr {
  const byDomain = new Map<string, RouteRuleSet[]>();
  for (const gateway of gateways) {
    for (const ruleSet of read.get(model.gatewayRoutes, gateway.key) ?? []) {
      for (const server of gateway.hosts) {
        if (server.namespace !== undefined && server.namespace !== ruleSet.source.namespace) continue;
        for (const host of ruleSet.hosts) {
          const domain = intersectHosts(server.host, host);
          if (domain === undefined) continue;
          const sets = byDomain.get(domain) ?? [];
          if (!sets.includes(ruleSet)) sets.push(ruleSet);
          byDomain.set(domain, sets);
        }
      }
    }
  }
  const virtualHosts = [...byDomain]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(
      ([domain, sets]): VirtualHostIr => ({
        name: `${domain}:${port}`,
        domains: [domain],
        routes: orderedRules(bySource(sets)).flatMap((rule) => resolveRule(rule, port, model, read)),
      }),
    );
  return { name: `http.${port}`, virtualHosts, ignorePortInHost: true };
}

function bySource(sets: readonly RouteRuleSet[]): readonly RouteRuleSet[] {
  const key = ({ source }: RouteRuleSet) => `${source.namespace}/${source.name}`;
  return [...sets].sort((a, b) => (key(a) < key(b) ? -1 : 1));
}
