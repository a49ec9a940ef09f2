import type { Collection, Reader } from '../incremental/collection.ts';
import type { Graph } from '../incremental/graph.ts';
import type { FilterChainIr, ListenerIr } from './ir/listener.ts';
import type { RouteIr, RouteTableIr, TableHostIr } from './ir/route.ts';
import type { RouteFilterIr } from './ir/route-filters.ts';
import type { PortRoutes } from './service-routes.ts';

/** How a route asks for each filter. */
const ASKS: Readonly<Record<RouteFilterIr, (route: RouteIr) => boolean>> = {
  cors: ({ cors }) => cors !== undefined,
  'grpc-web': ({ grpcWeb }) => grpcWeb === true,
  'external-auth': ({ auth }) => auth !== undefined,
  fault: ({ fault }) => fault !== undefined,
  session: ({ action }) =>
    action.type === 'forward' && action.destinations.some(({ session }) => session !== undefined),
  'look-up': ({ action }) =>
    action.type === 'forward' && action.destinations.some(({ lookUpPort }) => lookUpPort !== undefined),
};

export const ROUTE_FILTERS = Object.keys(ASKS) as readonly RouteFilterIr[];

function askedByRoutes(routes: readonly RouteIr[]): RouteFilterIr[] {
  return ROUTE_FILTERS.filter((filter) => routes.some(ASKS[filter]));
}

export function askedByTables(tables: readonly RouteTableIr[]): RouteFilterIr[] {
  return askedByRoutes(tables.flatMap(({ virtualHosts }) => virtualHosts.flatMap(({ routes }) => routes)));
}

/**
 * The filters that routes of any sidecar ask for. All outbound chains have them: a route that is new to a proxy, or that it
 * learns when it is called, finds its filter there, and only the first of its kind in the mesh and the last change listeners.
 */
export function askedInMesh(
  graph: Graph,
  shared: Collection<PortRoutes>,
  tables: Collection<RouteTableIr>,
  hosts: Collection<TableHostIr>,
  named: Collection<readonly unknown[]>,
): Collection<true> {
  const present = <V>(name: string, input: Collection<V>, asked: (value: V) => readonly RouteFilterIr[]) =>
    graph.index(
      name,
      graph.derive(`filters of ${name}`, input, (value) => some(asked(value))),
      (filters) => filters,
    );
  const byFilter: readonly Collection<readonly unknown[]>[] = [
    named,
    present('service routes by filter', shared, ({ routes }) => askedByRoutes(routes)),
    present('tables by filter', tables, (table) => askedByTables([table])),
    present('virtual hosts by filter', hosts, ({ host }) => askedByRoutes(host.routes)),
  ];
  const prefixed = byFilter.map((each, index) =>
    graph.expand(`filters asked for ${index}`, each, (_, __, filter) => [[`${index} ${filter}`, filter] as const]),
  );
  const all = graph.index('sources by filter', graph.union('filters asked for', prefixed), (filter) => [filter]);
  return graph.derive('filters of routes', all, () => true as const);
}

function some<T>(list: readonly T[]): readonly T[] | undefined {
  return list.length === 0 ? undefined : list;
}

export function askedFilters(asked: Collection<unknown>, read: Reader): RouteFilterIr[] {
  return ROUTE_FILTERS.filter((filter) => read.get(asked, filter) !== undefined);
}

/** Gives the chains of a listener the filters that their routes may turn on. */
export function withRouteFilters(listener: ListenerIr, asked: readonly RouteFilterIr[]): ListenerIr {
  const chain = (each: FilterChainIr): FilterChainIr => {
    if (each.handler.type !== 'http') return each;
    const { http } = each.handler;
    const routeFilters = http.routes.type === 'inline' ? askedByTables([http.routes.table]) : asked;
    return routeFilters.length === 0 ? each : { ...each, handler: { type: 'http', http: { ...http, routeFilters } } };
  };
  const { chains, fallback } = listener;
  return { ...listener, chains: chains.map(chain), ...(fallback === undefined ? {} : { fallback: chain(fallback) }) };
}
