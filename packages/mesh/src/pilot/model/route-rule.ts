import { optionalDurationMs } from '@lateen/api/duration.ts';
import type { VirtualService as VirtualServiceObject } from '@lateen/api/kinds.ts';
import type { HeaderMatchIr, PathMatchIr, RedirectActionIr, RetryIr, StringMatchIr } from '../proxy/ir/route.ts';
import type { SourceRef } from '../proxy/ir/source.ts';
import { resolveHost } from './hostname.ts';
import { buildRetry } from './retry.ts';
import { buildVisibility, type Visibility } from './visibility.ts';

/** The gateway name that stands for all sidecars. */
export const MESH_GATEWAY = 'mesh';

/** Routes for some hosts, at some gateways or in the sidecars: one VirtualService. */
export interface RouteRuleSet {
  readonly hosts: readonly string[];
  /** `mesh`, or `NAMESPACE/NAME` of a Gateway. */
  readonly gateways: readonly string[];
  readonly rules: readonly RouteRule[];
  readonly visibility: Visibility;
  /** Keys of labels of the caller that rules ask for. */
  readonly askedLabels: readonly string[];
  /** Whether clients of different namespaces or labels are under different rules. */
  readonly dependsOnClient: boolean;
  readonly source: SourceRef;
}

/** If one of the matches holds, the action is taken; rules are tried in order. */
export interface RouteRule {
  readonly name?: string;
  /** Never empty: a rule for everything has one match for any path. */
  readonly matches: readonly RouteMatch[];
  readonly action: RouteAction;
  readonly source: SourceRef;
}

export interface RouteMatch {
  readonly path: PathMatchIr;
  readonly headers: readonly HeaderMatchIr[];
  readonly source: SourceRef;
}

export type RouteAction = ForwardAction | RedirectAction;

export interface ForwardAction {
  readonly type: 'forward';
  readonly destinations: readonly Destination[];
  readonly rewrite?: RewriteRule;
  readonly timeoutMs?: number;
  readonly retry: RetryIr;
}

export interface Destination {
  readonly host: string;
  /** Absent: the service's only port, or the one that the request came for. */
  readonly port?: number;
  readonly subset?: string;
  readonly weight: number;
  readonly source: SourceRef;
}

/** `uri` replaces the matched prefix, or the whole path if the match was not for a prefix. */
export interface RewriteRule {
  readonly uri?: string;
  readonly regex?: { readonly pattern: string; readonly substitution: string };
  readonly authority?: string;
}

export interface RedirectAction extends Omit<RedirectActionIr, 'port'> {
  /** `from-request` is the port that the request came for. */
  readonly port?: RedirectActionIr['port'] | 'from-request';
}

type HttpRoute = NonNullable<VirtualServiceObject['spec']['http']>[number];
type HttpMatch = NonNullable<HttpRoute['match']>[number];

export function buildRouteRules(object: VirtualServiceObject, clusterDomain: string): RouteRuleSet {
  const { name, namespace } = object.metadata;
  const source = { kind: 'VirtualService', namespace, name };
  const gateways = object.spec.gateways ?? [];
  const visibility = buildVisibility(object.spec.exportTo, namespace);
  const matches = (object.spec.http ?? []).flatMap(({ match = [] }) => match);
  const askedLabels = [...new Set(matches.flatMap(({ sourceLabels = {} }) => Object.keys(sourceLabels)))].sort();
  return {
    hosts: (object.spec.hosts ?? []).map((host) => resolveHost(host, namespace, clusterDomain)),
    gateways: gateways.length === 0 ? [MESH_GATEWAY] : gateways.map((gateway) => gatewayKey(gateway, namespace)),
    rules: (object.spec.http ?? []).map((route, i) =>
      buildRule(route, { ...source, path: `spec.http[${i}]` }, namespace, clusterDomain),
    ),
    visibility,
    askedLabels,
    dependsOnClient:
      visibility !== 'all' ||
      askedLabels.length > 0 ||
      matches.some(({ sourceNamespace }) => sourceNamespace !== undefined),
    source,
  };
}

function gatewayKey(gateway: string, namespace: string): string {
  return gateway === MESH_GATEWAY || gateway.includes('/') ? gateway : `${namespace}/${gateway}`;
}

function buildRule(route: HttpRoute, source: SourceRef, namespace: string, clusterDomain: string): RouteRule {
  const matches = route.match ?? [];
  return {
    ...(route.name === undefined ? {} : { name: route.name }),
    matches:
      matches.length === 0
        ? [{ path: { type: 'any' }, headers: [], source }]
        : matches.map((match, i) => buildMatch(match, { ...source, path: `${source.path}.match[${i}]` })),
    action:
      route.redirect === undefined
        ? buildForward(route, source, namespace, clusterDomain)
        : buildRedirect(route.redirect),
    source,
  };
}

function buildMatch(match: HttpMatch, source: SourceRef): RouteMatch {
  const headers: HeaderMatchIr[] = Object.entries(match.headers ?? {}).map(([name, value]) => ({
    name: name.toLowerCase(),
    value: stringMatch(value) ?? { type: 'present' },
  }));
  const method = stringMatch(match.method);
  if (method !== undefined) headers.push({ name: ':method', value: method });
  return { path: stringMatch(match.uri) ?? { type: 'any' }, headers, source };
}

function stringMatch(
  match: { exact?: string | undefined; prefix?: string | undefined; regex?: string | undefined } | undefined,
): StringMatchIr | undefined {
  if (match?.exact !== undefined) return { type: 'exact', value: match.exact };
  if (match?.prefix !== undefined) return { type: 'prefix', value: match.prefix };
  return match?.regex === undefined ? undefined : { type: 'regex', value: match.regex };
}

function buildForward(route: HttpRoute, source: SourceRef, namespace: string, clusterDomain: string): ForwardAction {
  const destinations = route.route ?? [];
  const timeoutMs = optionalDurationMs(route.timeout);
  const rewrite = buildRewrite(route.rewrite);
  return {
    type: 'forward',
    destinations: destinations.map(({ destination, weight }, i) => ({
      host: resolveHost(destination.host, namespace, clusterDomain),
      ...(destination.port?.number === undefined ? {} : { port: destination.port.number }),
      ...(destination.subset === undefined ? {} : { subset: destination.subset }),
      // A weight may be left out where there is only one destination.
      weight: destinations.length === 1 ? 1 : (weight ?? 0),
      source: { ...source, path: `${source.path}.route[${i}].destination` },
    })),
    ...(rewrite === undefined ? {} : { rewrite }),
    ...(timeoutMs === undefined || timeoutMs === 0 ? {} : { timeoutMs }),
    retry: buildRetry(route.retries),
  };
}

function buildRewrite(rewrite: HttpRoute['rewrite']): RewriteRule | undefined {
  if (rewrite === undefined) return undefined;
  const regex = rewrite.uriRegexRewrite;
  return {
    ...(rewrite.uri === undefined ? {} : { uri: rewrite.uri }),
    ...(regex?.match === undefined ? {} : { regex: { pattern: regex.match, substitution: regex.rewrite ?? '' } }),
    ...(rewrite.authority === undefined ? {} : { authority: rewrite.authority }),
  };
}

const DERIVED_PORTS: Readonly<Record<string, RedirectAction['port']>> = {
  FROM_PROTOCOL_DEFAULT: 'from-protocol-default',
  FROM_REQUEST_PORT: 'from-request',
};

function buildRedirect(redirect: NonNullable<HttpRoute['redirect']>): RedirectAction {
  const port = redirect.port ?? DERIVED_PORTS[redirect.derivePort ?? ''];
  return {
    type: 'redirect',
    ...(redirect.uri === undefined ? {} : { path: redirect.uri }),
    ...(redirect.authority === undefined ? {} : { authority: redirect.authority }),
    ...(redirect.scheme === undefined ? {} : { scheme: redirect.scheme }),
    ...(port === undefined ? {} : { port }),
    status: (redirect.redirectCode ?? 301) as RedirectAction['status'],
  };
}
