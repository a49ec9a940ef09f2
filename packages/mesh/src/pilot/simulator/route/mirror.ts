import type { MirrorVerdict } from '@lateen/api/verdict.ts';
import type {
  RouteAction,
  RouteAction_RequestMirrorPolicy,
} from '@lateen/envoy-api/envoy/config/route/v3/route_components_pb.js';
import { portStart } from '../http/normalize.ts';
import { headerValue, type RoutedRequest } from '../http/request.ts';
import { runtimeShare } from './chance.ts';
import type { RouteScope } from './scope.ts';

/** The route's own, else the virtual host's, else the table's. */
export function mirrorsOf(scope: RouteScope, action: RouteAction, request: RoutedRequest): MirrorVerdict[] {
  const levels = [
    action.requestMirrorPolicies,
    scope.host.host.requestMirrorPolicies,
    scope.table.table.requestMirrorPolicies,
  ];
  const policies = levels.find((each) => each.length > 0) ?? [];
  return policies
    .map((policy): MirrorVerdict => {
      const authority = mirrorAuthority(policy, request.authority);
      const name =
        policy.cluster === '' ? (headerValue(request, policy.clusterHeader.toLowerCase()) ?? '') : policy.cluster;
      return {
        share: runtimeShare(policy.runtimeFraction, 1),
        cluster: scope.proxy.clusterVerdict(name, (each) =>
          each.forHttp(request.connection.protocol, authority, scope.destination),
        ),
        authority,
      };
    })
    .filter(({ share }) => share > 0);
}

function mirrorAuthority(policy: RouteAction_RequestMirrorPolicy, authority: string): string {
  if (policy.hostRewriteLiteral !== '') return policy.hostRewriteLiteral;
  if (policy.disableShadowHostSuffixAppend) return authority;
  const at = portStart(authority);
  return at === -1 ? `${authority}-shadow` : `${authority.slice(0, at)}-shadow${authority.slice(at)}`;
}
