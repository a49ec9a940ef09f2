import { create } from '@bufbuild/protobuf';
import { CompositeSchema } from '@lateen/envoy-api/envoy/extensions/filters/http/composite/v3/composite_pb.js';
import { CorsSchema } from '@lateen/envoy-api/envoy/extensions/filters/http/cors/v3/cors_pb.js';
import { FilterConfigSchema } from '@lateen/envoy-api/envoy/extensions/filters/http/dynamic_forward_proxy/v3/dynamic_forward_proxy_pb.js';
import { HTTPFaultSchema } from '@lateen/envoy-api/envoy/extensions/filters/http/fault/v3/fault_pb.js';
import { GrpcWebSchema } from '@lateen/envoy-api/envoy/extensions/filters/http/grpc_web/v3/grpc_web_pb.js';
import { OnDemandSchema } from '@lateen/envoy-api/envoy/extensions/filters/http/on_demand/v3/on_demand_pb.js';
import { RouterSchema } from '@lateen/envoy-api/envoy/extensions/filters/http/router/v3/router_pb.js';
import { ConfigSchema as FilterStateSchema } from '@lateen/envoy-api/envoy/extensions/filters/http/set_filter_state/v3/set_filter_state_pb.js';
import { StatefulSessionSchema } from '@lateen/envoy-api/envoy/extensions/filters/http/stateful_session/v3/stateful_session_pb.js';
import {
  type HttpFilter,
  HttpFilterSchema,
} from '@lateen/envoy-api/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js';
import type { HttpConnectionIr } from '../../proxy/ir/listener.ts';
import { dnsCache } from './dns-cache.ts';
import { extension } from './values.ts';

export const CORS = 'envoy.filters.http.cors';
export const FAULT = 'envoy.filters.http.fault';
export const GRPC_WEB = 'envoy.filters.http.grpc_web';
export const EXTERNAL_AUTH = 'lateen.external_auth';
export const STATEFUL_SESSION = 'envoy.filters.http.stateful_session';
export const FILTER_STATE = 'envoy.filters.http.set_filter_state';

/**
 * Every HTTP filter, in the order that a request passes them. The router is the last. CORS and gRPC-Web come before
 * faults, so that browsers can read those.
 */
const ORDER: readonly ((ir: HttpConnectionIr) => HttpFilter | undefined)[] = [
  onDemand,
  cors,
  grpcWeb,
  externalAuth,
  fault,
  statefulSession,
  lookUp,
  dynamicForwardProxy,
  router,
];

export function httpFilters(ir: HttpConnectionIr): HttpFilter[] {
  return ORDER.map((filter) => filter(ir)).filter((filter) => filter !== undefined);
}

/** The others ask the route what they are to do, so it must be there. */
function onDemand(ir: HttpConnectionIr): HttpFilter | undefined {
  return ir.onDemand === true
    ? create(HttpFilterSchema, extension('envoy.filters.http.on_demand', OnDemandSchema))
    : undefined;
}

/** Off, but for the requests of routes that turn them on. */
function cors({ routeFilters }: HttpConnectionIr): HttpFilter | undefined {
  if (!routeFilters?.includes('cors')) return undefined;
  return create(HttpFilterSchema, { ...extension(CORS, CorsSchema), disabled: true });
}

function grpcWeb({ routeFilters }: HttpConnectionIr): HttpFilter | undefined {
  if (!routeFilters?.includes('grpc-web')) return undefined;
  return create(HttpFilterSchema, { ...extension(GRPC_WEB, GrpcWebSchema), disabled: true });
}

/** A place for a filter that a route brings along, which asks another service. */
function externalAuth({ routeFilters }: HttpConnectionIr): HttpFilter | undefined {
  if (!routeFilters?.includes('external-auth')) return undefined;
  return create(HttpFilterSchema, { ...extension(EXTERNAL_AUTH, CompositeSchema), disabled: true });
}

function fault({ routeFilters }: HttpConnectionIr): HttpFilter | undefined {
  if (!routeFilters?.includes('fault')) return undefined;
  return create(HttpFilterSchema, { ...extension(FAULT, HTTPFaultSchema), disabled: true });
}

/** Keeps sessions with endpoints. */
function statefulSession({ routeFilters }: HttpConnectionIr): HttpFilter | undefined {
  if (!routeFilters?.includes('session')) return undefined;
  return create(HttpFilterSchema, { ...extension(STATEFUL_SESSION, StatefulSessionSchema), disabled: true });
}

/** The cluster looks the host up that is set here. */
function lookUp({ routeFilters }: HttpConnectionIr): HttpFilter | undefined {
  if (!routeFilters?.includes('look-up')) return undefined;
  return create(HttpFilterSchema, { ...extension(FILTER_STATE, FilterStateSchema), disabled: true });
}

/** Looks the host up that the request names, before a cluster is asked for it, unless it is set already. */
function dynamicForwardProxy(ir: HttpConnectionIr): HttpFilter | undefined {
  if (!ir.dynamicForward) return undefined;
  return create(
    HttpFilterSchema,
    extension('envoy.filters.http.dynamic_forward_proxy', FilterConfigSchema, {
      implementationSpecifier: { case: 'dnsCacheConfig', value: dnsCache(ir.dnsRefreshMs) },
      allowDynamicHostFromFilterState: true,
    }),
  );
}

function router(): HttpFilter {
  return create(HttpFilterSchema, extension('envoy.filters.http.router', RouterSchema));
}
