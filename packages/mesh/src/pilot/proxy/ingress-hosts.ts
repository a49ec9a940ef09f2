import { hostCovers } from '../model/hostname.ts';
import type { RouteRuleSet } from '../model/route-rule.ts';
import type { RouteIr, VirtualHostIr } from './ir/route.ts';
import type { HeaderMatchIr } from './ir/route-match.ts';

/** A virtual host of a gateway, and the rule sets that it is made of. */
export interface ResolvedHost {
  readonly sets: readonly RouteRuleSet[];
  readonly virtualHost: VirtualHostIr;
}

/** Of what Ingresses say, only the rules for the narrowest host count: a request's host is looked at before its path. */
export function withoutWiderIngresses(sets: readonly RouteRuleSet[]): readonly RouteRuleSet[] {
  const lengths = sets.filter(({ isIngress }) => isIngress).map(hostLength);
  const narrowest = Math.max(...lengths);
  return sets.filter((set) => set.isIngress !== true || hostLength(set) === narrowest);
}

/** Those of Ingresses are for one host each. */
function hostLength({ hosts: [host = ''] }: RouteRuleSet): number {
  return host.length;
}

/** A wildcard of an Ingress stands for one label, but Envoy's for any number. */
export function withinOneLabel(route: RouteIr, { isIngress, hosts: [host = ''] }: RouteRuleSet): RouteIr {
  if (isIngress !== true || !host.startsWith('*.')) return route;
  return { ...route, match: { ...route.match, headers: [...route.match.headers, oneLabelBelow(host)] } };
}

function oneLabelBelow(wildcard: string): HeaderMatchIr {
  const suffix = wildcard.slice(1).replaceAll('.', '\\.');
  return { name: ':authority', value: { type: 'regex', value: `(?i)[^.]+${suffix}(:\\d+)?` } };
}

/**
 * In a virtual host for `*.example.com` that only an Ingress is for, requests for `a.b.example.com` go where they would
 * go without it.
 */
export function withDeeperHosts({ sets, virtualHost }: ResolvedHost, all: readonly ResolvedHost[]): VirtualHostIr {
  const [domain = ''] = virtualHost.domains;
  const set = sets.find(({ hosts: [host = ''] }) => host.startsWith('*.'));
  if (set === undefined || sets.some(({ isIngress }) => isIngress !== true) || !domain.startsWith('*.')) {
    return virtualHost;
  }
  const wider = all
    .filter(({ virtualHost: other }) => other !== virtualHost && hostCovers(other.domains[0] ?? '', domain))
    .sort((a, b) => (b.virtualHost.domains[0] ?? '').length - (a.virtualHost.domains[0] ?? '').length);
  const [next] = wider;
  if (next === undefined) return virtualHost;
  const { source } = set;
  const unmatched: RouteIr = {
    name: `${source.namespace}/${source.name} no rule`,
    match: { path: { type: 'any' }, headers: [] },
    action: { type: 'direct-response', status: 404 },
    sources: [source],
  };
  const rest = withDeeperHosts(next, all).routes;
  return { ...virtualHost, routes: [...virtualHost.routes, withinOneLabel(unmatched, set), ...rest] };
}
