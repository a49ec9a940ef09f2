import { create, type MessageInitShape } from '@bufbuild/protobuf';
import {
  type HeaderMatcherSchema,
  RedirectAction_RedirectResponseCode,
  type RetryPolicySchema,
  type RouteActionSchema,
  type RouteMatchSchema,
  type RouteSchema,
  type VirtualHost,
  VirtualHostSchema,
} from '@lateen/envoy-api/envoy/config/route/v3/route_components_pb.js';
import { type RouteConfiguration, RouteConfigurationSchema } from '@lateen/envoy-api/envoy/config/route/v3/route_pb.js';
import { PreviousHostsPredicateSchema } from '@lateen/envoy-api/envoy/extensions/retry/host/previous_hosts/v3/previous_hosts_pb.js';
import { PreviousPrioritiesConfigSchema } from '@lateen/envoy-api/envoy/extensions/retry/priority/previous_priorities/v3/previous_priorities_config_pb.js';
import { RETRY_SAFE_HEADER } from '../../model/retry.ts';
import type {
  ForwardActionIr,
  HeaderMatchIr,
  RedirectActionIr,
  RetryIr,
  RewriteIr,
  RouteIr,
  RouteMatchIr,
  RouteTableIr,
  TunnelActionIr,
  VirtualHostIr,
} from '../../proxy/ir/route.ts';
import type { Init } from './init.ts';
import { sourceMetadata } from './metadata.ts';
import { duration, extension } from './values.ts';

type RouteInit = MessageInitShape<typeof RouteSchema>;
type RouteActionInit = Init<typeof RouteActionSchema>;

export function translateRouteTable(ir: RouteTableIr): RouteConfiguration {
  return create(RouteConfigurationSchema, {
    name: ir.name,
    ignorePortInHostMatching: ir.ignorePortInHost,
    // Routes may arrive before a cluster that they name; Envoy would otherwise refuse all of them.
    validateClusters: false,
    virtualHosts: ir.virtualHosts.map(translateVirtualHost),
  });
}

export function translateVirtualHost(ir: VirtualHostIr): VirtualHost {
  return create(VirtualHostSchema, {
    name: ir.name,
    domains: [...ir.domains],
    routes: ir.routes.map(translateRoute),
  });
}

function translateRoute(ir: RouteIr): RouteInit {
  return {
    name: ir.name,
    match: translateMatch(ir.match),
    action: translateAction(ir),
    ...(ir.action.type === 'forward' && ir.action.stripResponseHeaders.length > 0
      ? { responseHeadersToRemove: [...ir.action.stripResponseHeaders] }
      : {}),
    ...sourceMetadata(ir.sources),
  };
}

function translateMatch({ path, headers }: RouteMatchIr): MessageInitShape<typeof RouteMatchSchema> {
  return { pathSpecifier: translatePath(path), headers: headers.map(translateHeader) };
}

function translatePath(
  path: RouteMatchIr['path'],
): NonNullable<MessageInitShape<typeof RouteMatchSchema>['pathSpecifier']> {
  switch (path.type) {
    case 'any':
      return { case: 'prefix', value: '/' };
    case 'exact':
      return { case: 'path', value: path.value };
    case 'prefix':
      return { case: 'prefix', value: path.value };
    case 'regex':
      return { case: 'safeRegex', value: { regex: path.value } };
    case 'connect':
      return { case: 'connectMatcher', value: {} };
  }
}

export function translateHeader({ name, value }: HeaderMatchIr): MessageInitShape<typeof HeaderMatcherSchema> {
  if (value.type === 'present') return { name, headerMatchSpecifier: { case: 'presentMatch', value: true } };
  const matchPattern =
    value.type === 'regex'
      ? { case: 'safeRegex' as const, value: { regex: value.value } }
      : { case: value.type, value: value.value };
  return { name, headerMatchSpecifier: { case: 'stringMatch', value: { matchPattern } } };
}

function translateAction({ action, match }: RouteIr): NonNullable<RouteInit['action']> {
  switch (action.type) {
    case 'forward':
      return { case: 'route', value: translateForward(action, match) };
    case 'redirect':
      return { case: 'redirect', value: translateRedirect(action) };
    case 'tunnel':
      return { case: 'route', value: translateTunnel(action) };
  }
}

function translateForward(action: ForwardActionIr, match: RouteMatchIr): RouteActionInit {
  const [only, ...others] = action.destinations;
  const clusterSpecifier: RouteActionInit['clusterSpecifier'] =
    only !== undefined && others.length === 0
      ? { case: 'cluster', value: only.cluster }
      : {
          case: 'weightedClusters',
          value: { clusters: action.destinations.map(({ cluster, weight }) => ({ name: cluster, weight })) },
        };
  return {
    clusterSpecifier,
    // Zero is Envoy's "no limit"; left out it would be 15 s.
    timeout: duration(action.timeoutMs ?? 0),
    ...(action.retry.type === 'off' ? {} : { retryPolicy: translateRetry(action.retry) }),
    ...translateRewrite(action.rewrite, match),
  };
}

function translateRewrite(rewrite: RewriteIr | undefined, match: RouteMatchIr): RouteActionInit {
  if (rewrite === undefined) return {};
  return {
    ...(rewrite.authority === undefined
      ? {}
      : { hostRewriteSpecifier: { case: 'hostRewriteLiteral' as const, value: rewrite.authority } }),
    ...translatePathRewrite(rewrite.path, match),
  };
}

function translatePathRewrite(path: RewriteIr['path'], match: RouteMatchIr): RouteActionInit {
  if (path === undefined) return {};
  if (path.type === 'regex') {
    return { regexRewrite: { pattern: { regex: path.pattern }, substitution: path.substitution } };
  }
  if (path.type === 'full') return { prefixRewrite: path.value };
  const prefix = match.path.type === 'prefix' ? match.path.value : '/';
  // Exactly one slash between what replaces the prefix and the rest of the path.
  if (prefix.endsWith('/') && !path.value.endsWith('/')) return { prefixRewrite: `${path.value}/` };
  if (!prefix.endsWith('/') && path.value.endsWith('/')) {
    return {
      regexRewrite: {
        pattern: { regex: `^${escapeRegex(prefix)}/?(.*)$` },
        substitution: `${path.value.replaceAll('\\', '\\\\')}\\1`,
      },
    };
  }
  return { prefixRewrite: path.value };
}

function escapeRegex(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}

function translateRetry(retry: Extract<RetryIr, { type: 'on' }>): MessageInitShape<typeof RetryPolicySchema> {
  return {
    retryOn: retry.conditions.join(','),
    numRetries: retry.attempts,
    ...(retry.perTryTimeoutMs === undefined ? {} : { perTryTimeout: duration(retry.perTryTimeoutMs) }),
    retriableStatusCodes: [...retry.statusCodes],
    retriableHeaders: retry.conditions.includes('retriable-headers')
      ? [translateHeader({ name: RETRY_SAFE_HEADER, value: { type: 'present' } })]
      : [],
    ...(retry.baseIntervalMs === undefined ? {} : { retryBackOff: { baseInterval: duration(retry.baseIntervalMs) } }),
    ...(retry.avoidTriedHosts
      ? { retryHostPredicate: [PREVIOUS_HOSTS], hostSelectionRetryMaxAttempts: HOST_SELECTION_ATTEMPTS }
      : {}),
    ...(retry.otherLocalities ? { retryPriority: PREVIOUS_PRIORITIES } : {}),
  };
}

/**
 * How often another endpoint is chosen until one has not failed the request before. An endpoint that fails at once has the
 * fewest requests, so that the load balancer would choose it three times out of four among two; this makes it 1 in 10,000.
 */
const HOST_SELECTION_ATTEMPTS = 32n;

const PREVIOUS_HOSTS = extension('envoy.retry_host_predicates.previous_hosts', PreviousHostsPredicateSchema);
const PREVIOUS_PRIORITIES = extension('envoy.retry_priorities.previous_priorities', PreviousPrioritiesConfigSchema, {
  updateFrequency: 2,
});

const REDIRECT_CODES: Readonly<Record<RedirectActionIr['status'], RedirectAction_RedirectResponseCode>> = {
  301: RedirectAction_RedirectResponseCode.MOVED_PERMANENTLY,
  302: RedirectAction_RedirectResponseCode.FOUND,
  303: RedirectAction_RedirectResponseCode.SEE_OTHER,
  307: RedirectAction_RedirectResponseCode.TEMPORARY_REDIRECT,
  308: RedirectAction_RedirectResponseCode.PERMANENT_REDIRECT,
};

function translateRedirect(action: RedirectActionIr) {
  const port = action.port === 'from-protocol-default' ? (action.scheme === 'https' ? 443 : 80) : action.port;
  return {
    responseCode: REDIRECT_CODES[action.status],
    ...(action.authority === undefined ? {} : { hostRedirect: action.authority }),
    ...(port === undefined ? {} : { portRedirect: port }),
    ...(action.path === undefined
      ? {}
      : { pathRewriteSpecifier: { case: 'pathRedirect' as const, value: action.path } }),
    ...(action.scheme === undefined
      ? {}
      : { schemeRewriteSpecifier: { case: 'schemeRedirect' as const, value: action.scheme } }),
  };
}

function translateTunnel({ cluster }: TunnelActionIr): RouteActionInit {
  return {
    clusterSpecifier: { case: 'cluster', value: cluster },
    timeout: duration(0),
    upgradeConfigs: [{ upgradeType: 'CONNECT', connectConfig: {} }],
  };
}
