import { intersectHosts } from '../hostname.ts';

/** The hosts that a route and a listener share; none: they have nothing to do with each other. */
export function sharedHosts(routeHosts: readonly string[], listenerHost: string | undefined): readonly string[] {
  if (listenerHost === undefined) return routeHosts.length === 0 ? ['*'] : routeHosts;
  if (routeHosts.length === 0) return [listenerHost];
  return routeHosts.flatMap((host) => intersectHosts(host, listenerHost) ?? []);
}
