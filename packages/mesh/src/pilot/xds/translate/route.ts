import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { DurationSchema } from '@bufbuild/protobuf/wkt';
import { HeaderValueOption_HeaderAppendAction as HeaderAppend } from '@lateen/envoy-api/envoy/config/core/v3/base_pb.js';
import {
  type RouteSchema,
  type VirtualHost,
  VirtualHostSchema,
} from '@lateen/envoy-api/envoy/config/route/v3/route_components_pb.js';
import { type RouteConfiguration, RouteConfigurationSchema } from '@lateen/envoy-api/envoy/config/route/v3/route_pb.js';
import type { RouteIr, RouteTableIr, VirtualHostIr } from '../../proxy/ir/route.ts';
import { translateHeaderOperations } from './header-operations.ts';
import { sourceMetadata } from './metadata.ts';
import { translateDirectResponse, translateForward, translateRedirect, translateTunnel } from './route-action.ts';
import { translateRouteFilters } from './route-filters.ts';
import { translateMatch } from './route-match.ts';
import { ADS } from './values.ts';

type RouteInit = MessageInitShape<typeof RouteSchema>;

/** As large as the schema lets a direct response be; Envoy's default is 4 KiB. */
const MAX_DIRECT_BODY_BYTES = 1_048_576;

export function translateRouteTable(ir: RouteTableIr): RouteConfiguration {
  return create(RouteConfigurationSchema, {
    name: ir.name,
    ignorePortInHostMatching: ir.ignorePortInHost,
    maxDirectResponseBodySizeBytes: MAX_DIRECT_BODY_BYTES,
    ...(ir.altSvc === undefined
      ? {}
      : {
          responseHeadersToAdd: [
            { header: { key: 'alt-svc', value: ir.altSvc }, appendAction: HeaderAppend.OVERWRITE_IF_EXISTS_OR_ADD },
          ],
        }),
    // Routes may arrive before a cluster that they name; Envoy would otherwise refuse all of them.
    validateClusters: false,

    ...(ir.hostsApart === undefined ? {} : { vhds: { configSource: virtualHostSource(ir.hostsApart.epoch) } }),
    virtualHosts: ir.virtualHosts.map(translateVirtualHost),
  });
}

/** Envoy's default. */
const INITIAL_FETCH_SECONDS = 15n;

/**
 * Envoy remembers which hosts it has been answered, and does not ask for them again, until the source is another one. So each
 * epoch has a source of its own: a timeout that is longer by as many nanoseconds.
 */
function virtualHostSource(epoch: number) {
  return { ...ADS, initialFetchTimeout: create(DurationSchema, { seconds: INITIAL_FETCH_SECONDS, nanos: epoch }) };
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
    ...translateHeaderOperations(ir.headers, ir.action.type === 'forward' ? ir.action.stripResponseHeaders : []),
    ...translateRouteFilters(ir),
    ...(ir.statPrefix === undefined ? {} : { statPrefix: ir.statPrefix }),
    ...sourceMetadata(ir.sources),
  };
}

function translateAction({ action, match }: RouteIr): NonNullable<RouteInit['action']> {
  switch (action.type) {
    case 'forward':
      return { case: 'route', value: translateForward(action, match.path) };
    case 'redirect':
      return { case: 'redirect', value: translateRedirect(action, match.path) };
    case 'direct-response':
      return { case: 'directResponse', value: translateDirectResponse(action) };
    case 'tunnel':
      return { case: 'route', value: translateTunnel(action) };
  }
}
