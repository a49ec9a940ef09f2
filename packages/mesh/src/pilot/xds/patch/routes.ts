import type { Route, VirtualHost } from '@lateen/envoy-api/envoy/config/route/v3/route_components_pb.js';
import type { RouteConfiguration } from '@lateen/envoy-api/envoy/config/route/v3/route_pb.js';
import { mergeMessage } from '@lateen/envoy-api/merge';
import { addSources } from '../translate/metadata.ts';
import { editList } from './edit-list.ts';
import {
  type HostNames,
  matchesHost,
  matchesRoute,
  matchesTable,
  matchesWholeTable,
  type TableFacts,
} from './match.ts';
import { type Applied, type Patch, type Patches, patchesFor } from './patch.ts';

/** A whole route configuration; the same message where no patch is for it. */
export function patchRouteConfiguration(
  table: RouteConfiguration,
  facts: TableFacts,
  patches: Patches,
  applied: Applied,
): RouteConfiguration {
  const merged = patchTable(table, facts, patches, applied);
  const hosts = merged.virtualHosts.map((host) => patchHost(host, facts, patches, applied));
  const added = addedHosts(facts, patches, applied);
  const isSame = added.length === 0 && hosts.every((host, index) => host === merged.virtualHosts[index]);
  if (isSame) return merged;
  return { ...merged, virtualHosts: [...hosts.filter((host) => host !== undefined), ...added] };
}

/** The table without a look at its virtual hosts. */
export function patchTable(
  table: RouteConfiguration,
  facts: TableFacts,
  patches: Patches,
  applied: Applied,
): RouteConfiguration {
  let current = table;
  for (const patch of patchesFor(patches, 'ROUTE_CONFIGURATION', facts.context)) {
    if (patch.value === undefined || !matchesWholeTable(facts, patch.routes)) continue;
    current = addSources(mergeMessage(current, patch.value), [patch.source]);
    applied.add(patch);
  }
  return current;
}

/** Virtual hosts that patches add to a table. */
export function addedHosts(facts: TableFacts, patches: Patches, applied: Applied): VirtualHost[] {
  return patchesFor(patches, 'VIRTUAL_HOST', facts.context).flatMap((patch) => {
    if (patch.operation !== 'ADD' || patch.value === undefined || !matchesWholeTable(facts, patch.routes)) return [];
    applied.add(patch);
    return [addSources(patch.value.message as VirtualHost, [patch.source])];
  });
}

/** Whether `patchHost` could change a host of this name. It is much cheaper to ask than to try. */
export function concernsHost(host: HostNames, facts: TableFacts, patches: Patches): boolean {
  return (['VIRTUAL_HOST', 'HTTP_ROUTE'] as const).some((target) =>
    patchesFor(patches, target, facts.context).some((patch) => isForHost(patch, host, facts)),
  );
}

/** `undefined` if a patch removes it; the same message if none is for it. */
export function patchHost(
  host: VirtualHost,
  facts: TableFacts,
  patches: Patches,
  applied: Applied,
): VirtualHost | undefined {
  let current = host;
  for (const patch of patchesFor(patches, 'VIRTUAL_HOST', facts.context)) {
    if (patch.operation === 'ADD' || !isForHost(patch, current, facts)) continue;
    applied.add(patch);
    if (patch.operation === 'REMOVE') return undefined;
    if (patch.value === undefined) continue;
    const next =
      patch.operation === 'MERGE' ? mergeMessage(current, patch.value) : (patch.value.message as VirtualHost);
    current = addSources(next, [patch.source]);
  }
  const forRoutes = patchesFor(patches, 'HTTP_ROUTE', facts.context).filter((patch) =>
    isForHost(patch, current, facts),
  );
  const routes = patchRoutes(current.routes, facts, forRoutes, applied);
  return routes === current.routes ? current : { ...current, routes: [...routes] };
}

function isForHost({ routes }: Patch, host: HostNames, facts: TableFacts): boolean {
  return matchesTable(facts, routes) && matchesHost(host, facts, routes);
}

/** Routes are changed and removed first, then others are put beside them. */
function patchRoutes(
  routes: readonly Route[],
  facts: TableFacts,
  patches: readonly Patch[],
  applied: Applied,
): readonly Route[] {
  let current = routes;
  for (const patch of patches) {
    if (patch.operation !== 'MERGE' && patch.operation !== 'REMOVE') continue;
    const isMeant = (route: Route) => matchesRoute(route, facts, patch.routes?.host?.route);
    if (!current.some(isMeant)) continue;
    applied.add(patch);
    current = current.flatMap((route) => {
      if (!isMeant(route)) return [route];
      return patch.value === undefined ? [] : [addSources(mergeMessage(route, patch.value), [patch.source])];
    });
  }
  for (const patch of patches) {
    if (patch.operation === 'MERGE' || patch.operation === 'REMOVE' || patch.value === undefined) continue;
    const wanted = patch.routes?.host?.route;
    const next = editList(current, {
      // For routes the first that matches decides, so the front is where to stand before the one that was asked for.
      operation: patch.operation === 'INSERT_FIRST' ? 'INSERT_BEFORE' : patch.operation,
      ...(wanted === undefined ? {} : { matches: (route) => matchesRoute(route, facts, wanted) }),
      value: addSources(patch.value.message as Route, [patch.source]),
    });
    if (next === current) continue;
    current = next;
    applied.add(patch);
  }
  return current;
}
