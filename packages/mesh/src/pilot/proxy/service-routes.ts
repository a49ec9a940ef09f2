import type { Collection, Reader } from '../incremental/collection.ts';
import type { Graph } from '../incremental/graph.ts';
import type { ClientClass } from '../model/client.ts';
import { defaultsOf, type MeshModel, meshRoutesFor } from '../model/mesh.ts';
import { mayBeHttp } from '../model/protocol.ts';
import { RETRY_SAFE_HEADER } from '../model/retry.ts';
import { asksWhoCalls, MESH_GATEWAY, type RouteRuleSet } from '../model/route-rule.ts';
import type { Service, ServicePort } from '../model/service.ts';
import { isVisible } from '../model/visibility.ts';
import { clusterName } from './clusters.ts';
import { lookUpPort } from './discovery.ts';
import type { RouteIr } from './ir/route.ts';
import type { RetryIr } from './ir/route-action.ts';
import { type RouteContext, resolveRules } from './route-rules.ts';
import { meantBy } from './service-names.ts';
import { sessionIn } from './sessions.ts';

/** What sidecars do with calls to the services. */
export interface ServiceRoutes {
  /** By `portRoutesKey`: for all clients that see the same rules. Absent where one of those asks who calls. */
  readonly shared: Collection<PortRoutes>;
  /** By key of the service. */
  readonly views: Collection<RuleViews>;
}

export interface PortRoutes {
  readonly service: Service;
  readonly port: ServicePort;
  readonly routes: readonly RouteIr[];
}

/** Which rule sets clients of a namespace see for a service (`exportTo`). */
export interface RuleViews {
  readonly byNamespace: ReadonlyMap<string, RuleView>;
  /** Of all other namespaces. */
  readonly others: RuleView;
}

export interface RuleView {
  /** Tells one choice from another. */
  readonly key: string;
  /** Whether all clients with this view share what becomes of their calls; else some rule asks who calls. */
  readonly isShared: boolean;
}

/** Of a service port, among all services. */
export function servicePortKey(service: Service, port: number): string {
  return `${service.key}:${port}`;
}

/**
 * Key in `ServiceRoutes.shared` of what a client shares with others: the service port, and the rules that it sees.
 * Undefined where one of those asks who calls.
 */
export function portRoutesKey(
  service: Service,
  port: number,
  client: Pick<ClientClass, 'namespace'>,
  { views }: ServiceRoutes,
  read: Reader,
): string | undefined {
  const known = read.get(views, service.key);
  const view = known?.byNamespace.get(client.namespace) ?? known?.others ?? NO_RULES;
  return view.isShared ? `${servicePortKey(service, port)}${view.key}` : undefined;
}

const NO_RULES: RuleView = { key: '', isShared: true };

export function resolveServiceRoutes(graph: Graph, model: MeshModel): ServiceRoutes {
  return {
    views: graph.derive('rule views', model.services, (service, read): RuleViews => {
      const { hostname } = meantBy(service, model, read);
      const views = [...viewsOf(meshRoutesFor(hostname, model, read))].map(
        ([namespace, sets]) => [namespace, { key: viewKey(sets), isShared: !sets.some(asksWhoCalls) }] as const,
      );
      const others = views.find(([namespace]) => namespace === OTHERS)?.[1] ?? NO_RULES;
      return { byNamespace: new Map(views.filter(([namespace]) => namespace !== OTHERS)), others };
    }),
    shared: graph.expand('service routes', model.services, (service, read) => {
      const called = meantBy(service, model, read);
      const bySets = viewsOf(meshRoutesFor(called.hostname, model, read)).values();
      const views = new Map([...bySets].map((sets) => [viewKey(sets), sets]));
      return [...views].flatMap(([view, sets]) =>
        sets.some(asksWhoCalls)
          ? []
          : service.ports.map((port): [string, PortRoutes] => [
              `${servicePortKey(service, port.port)}${view}`,
              { service, port, routes: resolvePort(called, port, sets, undefined, model, read) },
            ]),
      );
    }),
  };
}

/** Stands for every namespace that no rule set is exported to by name. */
const OTHERS = '';

/**
 * Rule sets by namespace of the client, which takes those for the narrowest pattern of what it sees.
 *
 * @param byPattern all for one host, those for the narrowest pattern first
 */
export function viewsOf(byPattern: readonly (readonly RouteRuleSet[])[]): ReadonlyMap<string, readonly RouteRuleSet[]> {
  const named = byPattern.flat().flatMap(({ visibility }) => (visibility === 'all' ? [] : visibility));
  return new Map([...named, OTHERS].map((namespace) => [namespace, seenFrom(namespace, byPattern)]));
}

function seenFrom(namespace: string, byPattern: readonly (readonly RouteRuleSet[])[]): readonly RouteRuleSet[] {
  const seen = byPattern.map((sets) => sets.filter(({ visibility }) => isVisible(visibility, namespace)));
  return seen.find((sets) => sets.length > 0) ?? [];
}

/** Tells rule sets for one host from others. */
export function viewKey(sets: readonly RouteRuleSet[]): string {
  return sets.map(({ source }) => ` ${source.kind} ${source.namespace}/${source.name}`).join('');
}

/** As `client` calls a service port. */
export function routesForClient(
  service: Service,
  port: ServicePort,
  client: ClientClass,
  model: MeshModel,
  read: Reader,
): readonly RouteIr[] {
  const called = meantBy(service, model, read);
  const sets = seenFrom(client.namespace, meshRoutesFor(called.hostname, model, read));
  return resolvePort(called, port, sets, client, model, read);
}

function resolvePort(
  service: Service,
  port: ServicePort,
  ruleSets: readonly RouteRuleSet[],
  client: ClientClass | undefined,
  model: MeshModel,
  read: Reader,
): readonly RouteIr[] {
  const context = sidecarContext(port.port, client);
  const routes = mayBeHttp(port.protocol) ? resolveRules(heldAt(port.port, ruleSets), context, model, read) : [];
  // As if there were no rules for a client or a port that none of them is for.
  return routes.length === 0 ? [defaultRoute(service, port, defaultsOf(model, read).retry)] : routes;
}

/** Where callers have rules of their own for a port, those of who answers do not count. */
function heldAt(port: number, sets: readonly RouteRuleSet[]): readonly RouteRuleSet[] {
  const speaksOf = ({ rules }: RouteRuleSet) =>
    rules.some(({ matches }) => matches.some((match) => match.port === undefined || match.port === port));
  if (!sets.some((set) => set.isConsumer === true && speaksOf(set))) return sets;
  return sets.filter(({ age, isConsumer }) => age === undefined || isConsumer === true);
}

export function sidecarContext(port: number, client: ClientClass | undefined): RouteContext {
  return { port, gateways: [MESH_GATEWAY], ...(client === undefined ? {} : { client }) };
}

function defaultRoute(service: Service, port: ServicePort, retry: RetryIr): RouteIr {
  return {
    name: 'default',
    match: { path: { type: 'any' }, headers: [] },
    action: {
      type: 'forward',
      destinations: [
        {
          cluster: clusterName(service.hostname, port.port),
          weight: 1,
          ...lookUpPort(service, port.port),
          ...sessionIn(service.backendTraffic?.session),
        },
      ],
      retry,
      stripResponseHeaders: [RETRY_SAFE_HEADER],
    },
    ...(port.grpcWeb ? { grpcWeb: true as const } : {}),
    sources: [service.source],
  };
}
