import { byNarrowness, hostCovers } from '../model/hostname.ts';
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
  const [narrowest] = sets
    .filter(({ isIngress }) => isIngress)
    .map(hostOf)
    .sort(byNarrowness);
  return sets.filter((set) => set.isIngress !== true || hostOf(set) === narrowest);
}

/** Those of Ingresses are for one host each. */
function hostOf({ hosts: [host = ''] }: RouteRuleSet): string {
  return host;
}

/** A wildcard of an Ingress stands for one label, but Envoy's for any number. */
export function withinOneLabel(route: RouteIr, set: RouteRuleSet): RouteIr {
  const host = hostOf(set);
  if (set.isIngress !== true || !host.startsWith('*.')) return route;
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
  const domain = domainOf(virtualHost);
  const set = sets.find((each) => hostOf(each).startsWith('*.'));
  const isShared = sets.some(({ isIngress }) => isIngress !== true);
  if (set === undefined || isShared || !domain.startsWith('*.')) return virtualHost;
  const [next] = all
    .filter(({ virtualHost: other }) => other !== virtualHost && hostCovers(domainOf(other), domain))
    .sort((a, b) => byNarrowness(domainOf(a.virtualHost), domainOf(b.virtualHost)));
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

/** Those of a gateway have one each. */
function domainOf({ domains: [domain = ''] }: VirtualHostIr): string {
  return domain;
}
