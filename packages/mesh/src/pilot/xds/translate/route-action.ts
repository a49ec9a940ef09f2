import type { MessageInitShape } from '@bufbuild/protobuf';
import { base64Decode } from '@bufbuild/protobuf/wire';
import {
  type DirectResponseActionSchema,
  RedirectAction_RedirectResponseCode,
  type RedirectActionSchema,
  RouteAction_ClusterNotFoundResponseCode,
  type RouteAction_RequestMirrorPolicySchema,
  type RouteActionSchema,
  type WeightedCluster_ClusterWeightSchema,
} from '@lateen/envoy-api/envoy/config/route/v3/route_components_pb.js';
import type {
  DirectResponseActionIr,
  ForwardActionIr,
  MirrorIr,
  RedirectActionIr,
  RewriteIr,
  TunnelActionIr,
  WeightedDestinationIr,
} from '../../proxy/ir/route-action.ts';
import type { PathMatchIr } from '../../proxy/ir/route-match.ts';
import { translateHeaderOperations } from './header-operations.ts';
import type { Init } from './init.ts';
import { translateLookUp } from './look-up.ts';
import { translatePathRewrite } from './path-rewrite.ts';
import { translateRetry } from './retry-policy.ts';
import { translateSession } from './session.ts';
import { duration, shareOf } from './values.ts';

type RouteActionInit = Init<typeof RouteActionSchema>;

const NO_CLUSTER_CODES = {
  500: RouteAction_ClusterNotFoundResponseCode.INTERNAL_SERVER_ERROR,
  503: RouteAction_ClusterNotFoundResponseCode.SERVICE_UNAVAILABLE,
} as const;

export function translateForward(action: ForwardActionIr, path: PathMatchIr): RouteActionInit {
  const timeout = duration(action.timeoutMs ?? 0);
  return {
    clusterSpecifier: translateDestinations(action),
    ...(action.noClusterStatus === undefined
      ? {}
      : { clusterNotFoundResponseCode: NO_CLUSTER_CODES[action.noClusterStatus] }),
    // Zero is Envoy's "no limit"; left out it would be 15 s.
    timeout,
    // Callers of gRPC say themselves how long they wait, but the rule's limit holds for them too.
    maxGrpcTimeout: timeout,
    ...(action.retry.type === 'off' ? {} : { retryPolicy: translateRetry(action.retry) }),
    ...translateRewrite(action.rewrite, path),
    requestMirrorPolicies: (action.mirrors ?? []).map(translateMirror),
  };
}

function translateDestinations({
  destinations,
  rewrite,
}: ForwardActionIr): NonNullable<RouteActionInit['clusterSpecifier']> {
  const [only, ...others] = destinations;
  return only !== undefined && others.length === 0 && only.headers === undefined && only.authority === undefined
    ? { case: 'cluster', value: only.cluster }
    : { case: 'weightedClusters', value: { clusters: destinations.map((each) => translateWeighted(each, rewrite)) } };
}

function translateWeighted(
  destination: WeightedDestinationIr,
  rewrite: RewriteIr | undefined,
): MessageInitShape<typeof WeightedCluster_ClusterWeightSchema> {
  const { cluster, weight, headers, authority } = destination;
  return {
    name: cluster,
    weight,
    ...translateHeaderOperations(headers),
    ...(authority === undefined ? {} : { hostRewriteSpecifier: { case: 'hostRewriteLiteral', value: authority } }),
    typedPerFilterConfig: { ...translateLookUp(destination, rewrite?.authority), ...translateSession(destination) },
  };
}

function translateMirror({
  cluster,
  perMillion,
}: MirrorIr): MessageInitShape<typeof RouteAction_RequestMirrorPolicySchema> {
  return { cluster, runtimeFraction: { defaultValue: shareOf(perMillion) } };
}

function translateRewrite(rewrite: RewriteIr | undefined, match: PathMatchIr): RouteActionInit {
  if (rewrite === undefined) return {};
  const path = rewrite.path === undefined ? undefined : translatePathRewrite(rewrite.path, match);
  return {
    ...(rewrite.authority === undefined
      ? {}
      : { hostRewriteSpecifier: { case: 'hostRewriteLiteral' as const, value: rewrite.authority } }),
    ...(path?.type === 'prefix' ? { prefixRewrite: path.value } : {}),
    ...(path?.type === 'regex' ? { regexRewrite: path.value } : {}),
  };
}

const REDIRECT_CODES: Readonly<Record<RedirectActionIr['status'], RedirectAction_RedirectResponseCode>> = {
  301: RedirectAction_RedirectResponseCode.MOVED_PERMANENTLY,
  302: RedirectAction_RedirectResponseCode.FOUND,
  303: RedirectAction_RedirectResponseCode.SEE_OTHER,
  307: RedirectAction_RedirectResponseCode.TEMPORARY_REDIRECT,
  308: RedirectAction_RedirectResponseCode.PERMANENT_REDIRECT,
};

export function translateRedirect(
  action: RedirectActionIr,
  match: PathMatchIr,
): MessageInitShape<typeof RedirectActionSchema> {
  return {
    responseCode: REDIRECT_CODES[action.status],
    ...(action.authority === undefined ? {} : { hostRedirect: action.authority }),
    ...(action.port === undefined ? {} : { portRedirect: action.port }),
    ...(action.path === undefined ? {} : { pathRewriteSpecifier: redirectedPath(action.path, match) }),
    ...(action.scheme === undefined
      ? {}
      : { schemeRewriteSpecifier: { case: 'schemeRedirect' as const, value: action.scheme } }),
  };
}

function redirectedPath(path: NonNullable<RedirectActionIr['path']>, match: PathMatchIr) {
  if (path.type === 'full') return { case: 'pathRedirect' as const, value: path.value };
  const rewrite = translatePathRewrite(path, match);
  return rewrite.type === 'prefix'
    ? { case: 'prefixRewrite' as const, value: rewrite.value }
    : { case: 'regexRewrite' as const, value: rewrite.value };
}

export function translateDirectResponse({
  status,
  body,
}: DirectResponseActionIr): MessageInitShape<typeof DirectResponseActionSchema> {
  if (body === undefined) return { status };
  return {
    status,
    body: {
      specifier:
        body.type === 'text'
          ? { case: 'inlineString', value: body.value }
          : { case: 'inlineBytes', value: base64Decode(body.value) },
    },
  };
}

export function translateTunnel({ cluster }: TunnelActionIr): RouteActionInit {
  return {
    clusterSpecifier: { case: 'cluster', value: cluster },
    timeout: duration(0),
    upgradeConfigs: [{ upgradeType: 'CONNECT', connectConfig: {} }],
  };
}
