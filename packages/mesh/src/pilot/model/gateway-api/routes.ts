import type { ConfigObject, GRPCRoute, HTTPRoute, TCPRoute, TLSRoute, UDPRoute } from '@lateen/api/kinds.ts';
import type { Collection } from '../../incremental/collection.ts';
import type { Graph } from '../../incremental/graph.ts';
import { MESH_GATEWAY, type RouteRuleSet } from '../route-rule.ts';
import type { Service } from '../service.ts';
import { type Attachment, attach, type ServiceParent } from './attachment.ts';
import type { BackendContext } from './backend.ts';
import type { Problem } from './conditions.ts';
import type { KubernetesGateways } from './gateways.ts';
import { buildL4RouteRules } from './l4-route.ts';
import { ageRank } from './precedence.ts';
import { type Rules, withoutRefused } from './refused-rules.ts';
import { buildRequestRules } from './request-rules.ts';
import { isRouteKind } from './route-kind.ts';
import { deriveRivals, type RequestRoute, routeName, withoutRivals } from './route-rivals.ts';

/** What routes of the Kubernetes Gateway API ask for, and how they stand. */
export interface KubernetesRoutes {
  /** By object key of the route. */
  readonly states: Collection<RouteState>;
  readonly ruleSets: Collection<RouteRuleSet>;
  /** Under `MESH_GATEWAY`: there are routes for requests to Services. Nothing: there are none. */
  readonly forServices: Collection<true>;
  /** How many routes a listener has, by `Listener.key`. */
  readonly attached: Collection<number>;
}

/** A route with its parents. */
export interface RouteState {
  readonly attachments: readonly Attachment[];
  readonly ruleSets: readonly RouteRuleSet[];
  /** What is wrong with the route itself, whatever its parents. */
  readonly problems: readonly Problem[];
  /** Problems of the type Accepted keep all rules, or some of them, from being obeyed. */
  readonly refusal?: 'all' | 'some';
}

export interface RoutesContext extends Pick<KubernetesGateways, 'listeners' | 'placed' | 'grants' | 'byDefaultScope'> {
  readonly servicesByHost: Collection<readonly Service[]>;
  readonly clusterDomain: string;
}

/** @param apiObjects those of `objects` that are of the Gateway API */
export function deriveKubernetesRoutes(
  graph: Graph,
  apiObjects: Collection<ConfigObject>,
  objects: Collection<ConfigObject>,
  { listeners, placed, grants, byDefaultScope, servicesByHost, clusterDomain }: RoutesContext,
): KubernetesRoutes {
  const attaching = graph.derive('attachments of routes', apiObjects, (object, read) => {
    if (!isRoute(object)) return undefined;
    const { kind, metadata, spec } = object;
    const { namespace } = metadata;
    const parentRefs = spec.parentRefs ?? [];
    const context = { objects, listeners, servicesByHost, clusterDomain, read };
    const { useDefaultGateways = 'None' } = spec;
    const defaultGateways = read.get(byDefaultScope, useDefaultGateways) ?? [];
    return attach({ kind, namespace, hostnames: hostnamesOf(object), parentRefs, defaultGateways }, context);
  });
  const requests = graph.derive(
    'routes for requests',
    attaching,
    (attachments, read, key): RequestRoute | undefined => {
      const object = read.get(apiObjects, key);
      if (object?.kind !== 'HTTPRoute' && object?.kind !== 'GRPCRoute') return undefined;
      const { kind, metadata } = object;
      const name = `${metadata.namespace}/${metadata.name}`;
      const age = ageRank(metadata);
      return { kind, name, hostnames: hostnamesOf(object), age, listeners: listenersOf(attachments) };
    },
  );
  const rivals = deriveRivals(graph, requests, (listener, read) => read.get(placed, listener)?.listener.hostname);
  const states = graph.derive('routes of Kubernetes', attaching, (attachedAlone, read, key): RouteState | undefined => {
    const object = read.get(apiObjects, key);
    if (object === undefined || !isRoute(object)) return undefined;
    const { kind, metadata } = object;
    const { namespace, name } = metadata;
    const own = routeName({ kind, name: `${namespace}/${name}` });
    const attachments = attachedAlone.map((attachment) => withoutRivals(attachment, own, rivals, read));
    const context = { route: { kind, namespace, name }, clusterDomain, servicesByHost, grants, read };
    const { problems, ...built } = buildRules(object, context);
    const { rules, refusal } = withoutRefused(built, problems);
    return {
      attachments,
      ruleSets: refusal === 'all' ? [] : ruleSetsOf(object, attachments, rules),
      problems,
      ...(refusal === undefined ? {} : { refusal }),
    };
  });
  const byListener = graph.index('routes by listener', states, ({ attachments, refusal }) =>
    refusal === 'all' ? [] : listenersOf(attachments),
  );
  const byService = graph.index('routes by service', states, ({ ruleSets }) =>
    ruleSets.some(({ gateways, rules }) => rules.length > 0 && gateways.includes(MESH_GATEWAY)) ? [MESH_GATEWAY] : [],
  );
  return {
    states,
    ruleSets: graph.expand('rule sets of routes', states, ({ ruleSets }, _, key) =>
      ruleSets.map((set, i) => [`${key} ${i}`, set] as const),
    ),
    forServices: graph.derive('routes for services', byService, () => true as const),
    attached: graph.derive('attached routes', byListener, (list) => list.length),
  };
}

export type RouteObject = HTTPRoute | GRPCRoute | TLSRoute | TCPRoute | UDPRoute;

function isRoute(object: ConfigObject): object is RouteObject {
  return isRouteKind(object.kind);
}

function hostnamesOf({ spec }: RouteObject): readonly string[] {
  return 'hostnames' in spec ? (spec.hostnames ?? []) : [];
}

function listenersOf(attachments: readonly Attachment[]): string[] {
  return [...new Set(attachments.flatMap((each) => each.listeners))];
}

function buildRules(object: RouteObject, context: BackendContext): Rules & { readonly problems: readonly Problem[] } {
  if (object.kind === 'HTTPRoute' || object.kind === 'GRPCRoute') {
    return { tls: [], tcp: [], ...buildRequestRules(object, context) };
  }
  const { rules, problems } = buildL4RouteRules(object, context);
  // A listener that ends TLS asks the rules for what is in it.
  return { rules: [], tls: object.kind === 'TLSRoute' ? rules : [], tcp: rules, problems };
}

/** One set for all listeners, and one for each service whose callers the route is for. */
function ruleSetsOf(object: RouteObject, attachments: readonly Attachment[], rules: Rules): readonly RouteRuleSet[] {
  const { kind, metadata } = object;
  const { namespace, name } = metadata;
  const common = { askedLabels: [], age: ageRank(metadata), source: { kind, namespace, name } };
  const listeners = listenersOf(attachments);
  const hostnames = hostnamesOf(object);
  const ofListeners = {
    ...common,
    ...rules,
    hosts: hostnames.length === 0 ? ['*'] : hostnames,
    gateways: listeners,
    visibility: 'all' as const,
  };
  const ofServices = attachments.flatMap(({ service }) =>
    service === undefined
      ? []
      : [
          {
            ...common,
            ...rulesForService(rules, service, kind),
            hosts: [service.host],
            gateways: [MESH_GATEWAY],
            visibility: service.consumers === undefined ? ('all' as const) : [service.consumers],
            ...(service.consumers === undefined ? {} : { isConsumer: true as const }),
          },
        ],
  );
  return [...(listeners.length === 0 ? [] : [ofListeners]), ...ofServices];
}

function rulesForService({ rules, tls, tcp }: Rules, { port }: ServiceParent, kind: RouteObject['kind']): Rules {
  const at = <R extends { readonly matches: readonly object[] }>(list: readonly R[]): readonly R[] =>
    port === undefined
      ? list
      : list.map((rule) => ({ ...rule, matches: rule.matches.map((match) => ({ ...match, port })) }));
  return { rules: at(rules), tls: at(tls), tcp: kind === 'TLSRoute' ? [] : at(tcp) };
}
