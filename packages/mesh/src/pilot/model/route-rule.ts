import type { VirtualService as VirtualServiceObject } from '@lateen/api/kinds.ts';
import type { SourceRef } from '../proxy/ir/source.ts';
import type { Rank } from './gateway-api/precedence.ts';
import { gatewayKey, resolveHost } from './hostname.ts';
import { buildL4Rules, type L4Rule } from './l4-rule.ts';
import { buildAction, type Destination, type RouteAction } from './route-action.ts';
import { buildMatch, type RouteMatch } from './route-match.ts';
import { buildOptions, type RouteOptions } from './route-options.ts';
import { buildVisibility, said, type Visibility } from './visibility.ts';

/** The gateway name that stands for all sidecars. */
export const MESH_GATEWAY = 'mesh';

/** Routes for some hosts, at some gateways or in the sidecars: one VirtualService. */
export interface RouteRuleSet {
  /** None: the rules hold where another set delegates to this one. */
  readonly hosts: readonly string[];
  /** `mesh`, or `NAMESPACE/NAME` of a Gateway. */
  readonly gateways: readonly string[];
  readonly rules: readonly RouteRule[];
  /** For TLS connections that are not ended, by server name. */
  readonly tls: readonly L4Rule[];
  readonly tcp: readonly L4Rule[];
  readonly visibility: Visibility;
  /** Written by who calls, not by who answers: it counts in the place of what the latter wrote (Gateway API). */
  readonly isConsumer?: true;
  /** Of the Gateway API: its matches have ranks; where that does not help, this tells whose rules come first. */
  readonly age?: Rank;
  /** Keys of labels of the caller that rules ask for. */
  readonly askedLabels: readonly string[];
  /**
   * Hosts are as in Kubernetes' Ingress: a wildcard stands for one label, and rules for a host leave no request for it to
   * those for a wider one.
   */
  readonly isIngress?: true;
  readonly source: SourceRef;
}

/** If one of the matches holds, the action is taken; rules are tried in order. */
export interface RouteRule {
  readonly name?: string;
  /** Never empty: a rule for everything has one match for any path. */
  readonly matches: readonly RouteMatch[];
  readonly action: RouteAction;
  readonly options: RouteOptions;
  readonly source: SourceRef;
}

/** Of a match of any kind, whom it asks for. */
interface AskingMatch {
  readonly sourceLabels?: Readonly<Record<string, string>>;
}

/** @param exportedTo where the object does not say it */
export function buildRouteRules(
  object: VirtualServiceObject,
  clusterDomain: string,
  exportedTo?: readonly string[],
): RouteRuleSet {
  const { name, namespace } = object.metadata;
  const source = { kind: 'VirtualService', namespace, name };
  const { hosts = [], gateways = [], http = [], tls = [], tcp = [], exportTo } = object.spec;
  const rules: readonly { readonly match?: readonly AskingMatch[] }[] = [...http, ...tls, ...tcp];
  const asking = rules.flatMap(({ match = [] }) => match);
  return {
    hosts: hosts.map((host) => resolveHost(host, namespace, clusterDomain)),
    gateways: gateways.length === 0 ? [MESH_GATEWAY] : gateways.map((gateway) => gatewayKey(gateway, namespace)),
    rules: http.map((route, i) => buildRule(route, { ...source, path: `spec.http[${i}]` }, clusterDomain)),
    ...buildL4Rules(object, clusterDomain, (gateway) => gatewayKey(gateway, namespace)),
    visibility: buildVisibility(said(exportTo) ?? exportedTo, namespace),
    askedLabels: [...new Set(asking.flatMap(({ sourceLabels = {} }) => Object.keys(sourceLabels)))].sort(),
    source,
  };
}

type HttpRoute = NonNullable<VirtualServiceObject['spec']['http']>[number];

function buildRule(route: HttpRoute, source: SourceRef, clusterDomain: string): RouteRule {
  const matches = route.match ?? [];
  return {
    ...(route.name === undefined || route.name === '' ? {} : { name: route.name }),
    matches:
      matches.length === 0
        ? [{ path: { type: 'any' }, headers: [], query: [], source }]
        : matches.map((match, i) => buildMatch(match, { ...source, path: `${source.path}.match[${i}]` })),
    action: buildAction(route, source, clusterDomain),
    options: buildOptions(route, source, clusterDomain),
    source,
  };
}

/** Whether clients that see the rules are under different ones, by their namespace or labels. */
export function asksWhoCalls({ rules }: RouteRuleSet): boolean {
  return rules.some(({ matches }) => matches.some(({ client }) => client !== undefined));
}

/** Every service that rules of the set send requests or connections to, copies included. */
export function destinationsOf({ rules, tls, tcp }: RouteRuleSet): readonly Destination[] {
  const ofRequests = rules.flatMap(({ action, options: { mirrors = [], auth } }) => [
    ...(auth === undefined ? [] : [auth.destination]),
    ...(action.type === 'forward' ? action.destinations.flatMap(({ own }) => own?.auth?.destination ?? []) : []),
    ...(action.type === 'forward' ? action.destinations : []),
    ...(action.type === 'forward' ? action.destinations.flatMap(({ own }) => own?.mirrors ?? []) : []).map(
      ({ destination }) => destination,
    ),
    ...mirrors.map(({ destination }) => destination),
  ]);
  return [...ofRequests, ...[...tls, ...tcp].flatMap(({ destinations }) => destinations)];
}
