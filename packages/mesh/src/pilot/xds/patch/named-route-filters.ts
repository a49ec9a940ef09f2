import type { ConfigObject } from '@lateen/api/kinds.ts';
import type { Collection } from '../../incremental/collection.ts';
import type { Graph } from '../../incremental/graph.ts';
import type { RouteFilterIr } from '../../proxy/ir/route-filters.ts';
import { CORS, EXTERNAL_AUTH, FAULT, FILTER_STATE, GRPC_WEB, STATEFUL_SESSION } from '../translate/http-filters.ts';

/** In today's spelling and in that of old versions. */
const NAMES: readonly (readonly [RouteFilterIr, readonly string[]])[] = [
  ['cors', [CORS, 'envoy.cors']],
  ['grpc-web', [GRPC_WEB, 'envoy.grpc_web']],
  ['external-auth', [EXTERNAL_AUTH]],
  ['fault', [FAULT, 'envoy.fault']],
  ['session', [STATEFUL_SESSION]],
  ['look-up', [FILTER_STATE]],
];

/**
 * Filters that EnvoyFilters name, as the place for one of their own or in a route that they alter: they expect them in
 * every chain, as in Istio.
 */
export function namedRouteFilters(graph: Graph, objects: Collection<ConfigObject>): Collection<readonly unknown[]> {
  const named = graph.derive('filters named by EnvoyFilters', objects, (object) => {
    if (object.kind !== 'EnvoyFilter') return undefined;
    const text = JSON.stringify(object.spec);
    return NAMES.filter(([, names]) => names.some((name) => text.includes(`"${name}"`))).map(([filter]) => filter);
  });
  return graph.index('EnvoyFilters by named filter', named, (filters) => filters);
}
