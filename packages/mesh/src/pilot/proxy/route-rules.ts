import type { Reader } from '../incremental/collection.ts';
import type { ClientClass } from '../model/client.ts';
import type { ExternalAuth } from '../model/external-auth.ts';
import { byRank } from '../model/gateway-api/precedence.ts';
import type { HeaderOperations } from '../model/header-operations.ts';
import { defaultsOf, type MeshModel } from '../model/mesh.ts';
import { RETRY_SAFE_HEADER } from '../model/retry.ts';
import type { Destination, ForwardAction, RedirectAction } from '../model/route-action.ts';
import type { RouteMatch } from '../model/route-match.ts';
import type { RewriteRule, RouteOptions } from '../model/route-options.ts';
import type { RouteRule, RouteRuleSet } from '../model/route-rule.ts';
import { hasLabels, type Service, type ServicePort, serviceSeenFrom } from '../model/service.ts';
import { clusterName, NO_BACKEND_CLUSTER } from './clusters.ts';
import { lookUpPort } from './discovery.ts';
import { withinOneLabel } from './ingress-hosts.ts';
import type { RouteIr } from './ir/route.ts';
import type { ForwardActionIr, RedirectActionIr, RewriteIr, WeightedDestinationIr } from './ir/route-action.ts';
import type { ExternalAuthIr } from './ir/route-filters.ts';
import type { PathMatchIr, RouteMatchIr } from './ir/route-match.ts';
import type { SourceRef } from './ir/source.ts';
import { partsOf } from './rule-parts.ts';
import { meantBy } from './service-names.ts';
import { sessionIn } from './sessions.ts';

/** Where a request stands when the rules are asked. */
export interface RouteContext {
  /** The port that it came for: of a service, or of a gateway. */
  readonly port: number;
  /** `mesh`, or the Gateways through which it may have come. */
  readonly gateways: readonly string[];
  /** Whoever sends it; absent where no rule asks. */
  readonly client?: Pick<ClientClass, 'namespace' | 'labels'>;
  /** It came over TLS that ends here. */
  readonly tls?: true;
  /** Of a gateway: the ports at which clients find those that it opens. Others are found as they are. */
  readonly hostPorts?: Readonly<Record<number, number>>;
}

/**
 * One Envoy route for each match that can hold here. Of several rule sets for one host, those come first whose namespace
 * and name do, but routes for every request come last, so that none hides those of another set. Rules of the Gateway API,
 * which ranks them, come before all others.
 */
export function resolveRules(
  ruleSets: readonly RouteRuleSet[],
  context: RouteContext,
  model: MeshModel,
  read: Reader,
): readonly RouteIr[] {
  const ranked = ruleSets
    .filter(({ age }) => age !== undefined)
    .flatMap(({ rules }) =>
      rules.flatMap((rule) => rule.matches.map((match) => ({ rule, match, rank: match.rank ?? [] }))),
    )
    .sort(byRank)
    .flatMap(({ rule, match }) => resolveRule({ ...rule, matches: [match] }, context, model, read));
  return [
    ...ranked,
    ...resolveWritten(
      ruleSets.filter(({ age }) => age === undefined),
      context,
      model,
      read,
    ),
  ];
}

/** In the order in which they are written. */
function resolveWritten(
  ruleSets: readonly RouteRuleSet[],
  context: RouteContext,
  model: MeshModel,
  read: Reader,
): readonly RouteIr[] {
  const routes = ruleSets.flatMap((set) =>
    set.rules
      .flatMap((rule) => resolveRule(rule, context, model, read))
      .map((route) => ({ route: withinOneLabel(route, set), isLast: isCatchAll(route.match) })),
  );
  const sorted =
    ruleSets.length < 2
      ? routes
      : [...routes.filter(({ isLast }) => !isLast), ...routes.filter(({ isLast }) => isLast)];
  return sorted.map(({ route }) => route);
}

function isCatchAll({ path, headers, query = [] }: RouteMatchIr): boolean {
  if (headers.length + query.length > 0) return false;
  switch (path.type) {
    case 'any':
      return true;
    case 'prefix':
      return path.value === '/';
    case 'regex':
      return path.value === '.*' || path.value === '/.*';
    default:
      return false;
  }
}

function resolveRule(rule: RouteRule, context: RouteContext, model: MeshModel, read: Reader): readonly RouteIr[] {
  return rule.matches
    .filter((match) => canHold(match, context))
    .flatMap((match) => partsOf(rule).map((part) => ({ ...part, match })))
    .flatMap(({ rule: part, match, lotBelow, name: ofPart }) => {
      const action = resolveAction(part, match, context, model, read);
      if (action === undefined) return [];
      const { headers, cors, fault, auth } = part.options;
      const query = match.query.length === 0 ? {} : { query: match.query };
      return [
        {
          name: [routeName(part, match), ofPart].filter((each) => each !== undefined).join(' '),
          match: {
            path: match.path,
            headers: match.headers,
            ...query,
            ...(lotBelow === undefined ? {} : { lotBelow }),
          },
          action: action.ir,
          ...(headers === undefined ? {} : { headers: headers.operations }),
          ...(cors === undefined ? {} : { cors }),
          ...(fault === undefined ? {} : { fault }),
          ...(auth === undefined ? {} : { auth: resolveAuth(auth, context.port, model, read) }),
          ...(action.grpcWeb ? { grpcWeb: true as const } : {}),
          ...(match.statPrefix === undefined ? {} : { statPrefix: match.statPrefix }),
          sources: [match.source, ...(match.delegatedFrom === undefined ? [] : [match.delegatedFrom])],
        },
      ];
    });
}

function resolveAuth(
  { destination, ...auth }: ExternalAuth,
  requestPort: number,
  model: MeshModel,
  read: Reader,
): ExternalAuthIr {
  return { ...auth, cluster: targetOf(destination, requestPort, model, read).cluster };
}

/** What is known before a request comes is decided here, the rest by Envoy. */
function canHold({ port, gateways, client }: RouteMatch, context: RouteContext): boolean {
  if (port !== undefined && port !== context.port) return false;
  if (gateways !== undefined && !gateways.some((gateway) => context.gateways.includes(gateway))) return false;
  if (client === undefined) return true;
  const { namespace, labels } = context.client ?? { namespace: '', labels: {} };
  return hasLabels(labels, client.labels) && (client.namespace ?? namespace) === namespace;
}

/** `default/reviews http[0].match[1] RULE.MATCH`, as access logs show it; the last part as far as they have names. */
function routeName(rule: RouteRule, { name, source }: RouteMatch): string {
  const place = `${source.namespace}/${source.name} ${pathInSpec(source)}`;
  return [place, [rule.name, name].filter((each) => each !== undefined).join('.')].join(' ').trim();
}

function pathInSpec({ path = '' }: SourceRef): string {
  return path.replace(/^spec\./, '');
}

interface ResolvedAction {
  readonly ir: RouteIr['action'];
  readonly grpcWeb: boolean;
}

function resolveAction(
  { action, options }: RouteRule,
  match: RouteMatch,
  context: RouteContext,
  model: MeshModel,
  read: Reader,
): ResolvedAction | undefined {
  switch (action.type) {
    case 'forward':
      return resolveForward(action, options, match.path, context.port, model, read);
    case 'redirect':
      return { ir: resolveRedirect(action, match.path, context), grpcWeb: false };
    case 'direct-response':
      return { ir: action, grpcWeb: false };
    case 'delegate':
      // The model has put the delegate's rules in this place; where it did not, there is no delegate.
      return undefined;
  }
}

function resolveRedirect(
  { port, path, ...action }: RedirectAction,
  match: PathMatchIr,
  context: RouteContext,
): RedirectActionIr {
  const redirected = redirectPort(port, action, context);
  return {
    ...action,
    ...(path === undefined ? {} : { path: { ...path, type: replacesPrefix(path, match) ? 'prefix' : 'full' } }),
    ...(redirected === undefined ? {} : { port: redirected }),
  };
}

/**
 * Undefined: as it follows from the host, or from the request where scheme and host are repeated. Whoever is sent to the
 * same host again comes back to this gateway, so a port that follows from the listener is that at which clients find it.
 */
function redirectPort(
  port: RedirectAction['port'],
  given: Pick<RedirectAction, 'authority' | 'scheme'>,
  context: RouteContext,
): number | undefined {
  const { authority, scheme } = given;
  const found = (own: number) => context.hostPorts?.[own] ?? own;
  const usual = usualPort(scheme ?? schemeOf(context));
  switch (port) {
    case 'from-request':
      if (authority === undefined) return scheme === undefined ? undefined : found(context.port);
      return context.port;
    case 'from-protocol-default':
      return authority === undefined ? found(usual) : undefined;
    case 'from-scheme-or-listener':
      if (scheme === undefined && authority === undefined) return undefined;
      return portUnlessUsual(scheme === undefined ? context.port : usual, given, context);
    case undefined:
      // Envoy leaves out the usual port of the scheme before; that of the other one may be found somewhere else.
      return authority === undefined && scheme !== undefined && listensAsUsual(context) && found(usual) !== usual
        ? found(usual)
        : undefined;
    default:
      return typeof port === 'object' ? portUnlessUsual(port.unlessUsual, given, context) : port;
  }
}

/** Undefined where the port is not written. */
function portUnlessUsual(
  wanted: number,
  { authority, scheme }: Pick<RedirectAction, 'authority' | 'scheme'>,
  context: RouteContext,
): number | undefined {
  const hostPort = context.hostPorts?.[wanted];
  if (authority === undefined && hostPort !== undefined && hostPort !== wanted) return hostPort;
  // The host of the request has a port only where the listener does not have the usual one.
  const isLeftOut = authority !== undefined || listensAsUsual(context);
  return isLeftOut && wanted === usualPort(scheme ?? schemeOf(context)) ? undefined : wanted;
}

function listensAsUsual(context: RouteContext): boolean {
  return context.port === usualPort(schemeOf(context));
}

function schemeOf({ tls }: RouteContext): string {
  return tls ? 'https' : 'http';
}

function usualPort(scheme: string): number {
  return scheme === 'https' ? 443 : 80;
}

function resolveForward(
  action: ForwardAction,
  options: RouteOptions,
  path: PathMatchIr,
  requestPort: number,
  model: MeshModel,
  read: Reader,
): ResolvedAction {
  const rewrite = resolveRewrite(options.rewrite, options.headers, path);
  const { timeoutMs, retry = defaultsOf(model, read).retry, mirrors = [] } = options;
  const used = action.destinations.filter(({ weight }) => weight > 0);
  const targets = used.map((destination) => targetOf(destination, requestPort, model, read));
  const ir: ForwardActionIr = {
    type: 'forward',
    destinations: [
      ...used.map(({ weight, headers }, i) => ({
        cluster: targets[i]?.cluster ?? '',
        weight,
        ...(headers === undefined ? {} : { headers: headers.operations }),
        ...(headers?.authority === undefined || rewrite?.authority !== undefined
          ? {}
          : { authority: headers.authority }),
        ...targets[i]?.lookedUp,
        ...sessionIn(options.session ?? targets[i]?.service?.backendTraffic?.session),
      })),
      ...(action.refused === undefined ? [] : [{ cluster: NO_BACKEND_CLUSTER, weight: action.refused.weight }]),
    ],
    ...(action.refused === undefined ? {} : { noClusterStatus: action.refused.status }),
    ...(rewrite === undefined ? {} : { rewrite }),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    retry,
    ...(mirrors.length === 0
      ? {}
      : {
          mirrors: mirrors.map(({ destination, perMillion }) => ({
            cluster: targetOf(destination, requestPort, model, read).cluster,
            perMillion,
          })),
        }),
    stripResponseHeaders: [RETRY_SAFE_HEADER],
  };
  return { ir, grpcWeb: targets.length > 0 && targets.every(({ port }) => port?.grpcWeb === true) };
}

function targetOf(
  { host, port, subset, source }: Destination,
  requestPort: number,
  model: MeshModel,
  read: Reader,
): {
  readonly cluster: string;
  readonly port: ServicePort | undefined;
  readonly service: Service | undefined;
  readonly lookedUp: Pick<WeightedDestinationIr, 'lookUpPort'>;
} {
  const found = serviceSeenFrom(read.get(model.servicesByHost, host), source.namespace);
  const service = found === undefined ? undefined : meantBy(found, model, read);
  const ports = service?.ports ?? [];
  const wanted = port ?? (ports.length === 1 ? ports[0]?.port : undefined) ?? requestPort;
  const cluster = clusterName(service?.hostname ?? host, wanted, subset);
  const lookedUp = service === undefined ? {} : lookUpPort(service, wanted);
  return { cluster, service, port: ports.find((each) => each.port === wanted), lookedUp };
}

function resolveRewrite(
  rewrite: RewriteRule = {},
  headers: HeaderOperations | undefined,
  path: PathMatchIr,
): RewriteIr | undefined {
  const authority = rewrite.authority ?? headers?.authority;
  const rewritten = rewrittenPath(rewrite, path);
  if (authority === undefined && rewritten === undefined) return undefined;
  return {
    ...(authority === undefined ? {} : { authority }),
    ...(rewritten === undefined ? {} : { path: rewritten }),
  };
}

function rewrittenPath({ uri, regex, path: replaced }: RewriteRule, path: PathMatchIr): RewriteIr['path'] {
  if (replaced !== undefined) return { ...replaced, type: replacesPrefix(replaced, path) ? 'prefix' : 'full' };
  if (regex !== undefined) return { type: 'regex', ...regex };
  if (uri === undefined) return undefined;
  return { type: replacesPrefix({ type: 'prefix' }, path) ? 'prefix' : 'full', value: uri };
}

/** The rest of the path stays where a prefix was matched; where nothing was asked for, that is `/`. */
function replacesPrefix({ type }: { readonly type: 'prefix' | 'full' }, match: PathMatchIr): boolean {
  return type === 'prefix' && (match.type === 'prefix' || match.type === 'separated-prefix' || match.type === 'any');
}
