import { create } from '@bufbuild/protobuf';
import { type Any, AnySchema } from '@bufbuild/protobuf/wkt';
import { packAny } from '@lateen/envoy-api/encode';
import { FilterConfigSchema } from '@lateen/envoy-api/envoy/config/route/v3/route_components_pb.js';
import { CorsPolicySchema } from '@lateen/envoy-api/envoy/extensions/filters/http/cors/v3/cors_pb.js';
import { HTTPFaultSchema } from '@lateen/envoy-api/envoy/extensions/filters/http/fault/v3/fault_pb.js';
import type { RouteIr } from '../../proxy/ir/route.ts';
import type { CorsIr, FaultIr } from '../../proxy/ir/route-filters.ts';
import { translateExternalAuth } from './external-auth.ts';
import { CORS, FAULT, GRPC_WEB } from './http-filters.ts';
import type { Init } from './init.ts';
import { translateLookUp } from './look-up.ts';
import { translateString } from './route-match.ts';
import { translateSession } from './session.ts';
import { duration, shareOf } from './values.ts';

const ALWAYS = 1_000_000;

/** Turns filters of the chain on for the requests of a route: they are off for all others. */
export function translateRouteFilters({ cors, fault, grpcWeb, auth, action }: RouteIr): {
  typedPerFilterConfig?: Record<string, Any>;
} {
  return {
    typedPerFilterConfig: {
      ...(cors === undefined ? {} : { [CORS]: packAny(CorsPolicySchema, create(CorsPolicySchema, corsPolicy(cors))) }),
      ...(grpcWeb ? { [GRPC_WEB]: ON } : {}),
      ...(fault === undefined ? {} : { [FAULT]: packAny(HTTPFaultSchema, create(HTTPFaultSchema, httpFault(fault))) }),
      ...(auth === undefined ? {} : translateExternalAuth(auth)),
      ...ofOnlyDestination(action),
    },
  };
}

/** Of several destinations, each has its own. */
function ofOnlyDestination(action: RouteIr['action']): Record<string, Any> {
  if (action.type !== 'forward') return {};
  const [only, ...others] = action.destinations;
  if (only === undefined || others.length > 0) return {};
  return { ...translateLookUp(only, action.rewrite?.authority), ...translateSession(only) };
}

/** For a filter that has nothing to be told. */
const ON = packAny(FilterConfigSchema, create(FilterConfigSchema, { config: create(AnySchema) }));

function corsPolicy(cors: CorsIr): Init<typeof CorsPolicySchema> {
  return {
    allowOriginStringMatch: cors.origins.map(translateString),
    allowMethods: cors.methods.join(','),
    allowHeaders: cors.headers.join(','),
    exposeHeaders: cors.exposedHeaders.join(','),
    ...(cors.maxAgeSeconds === undefined ? {} : { maxAge: String(cors.maxAgeSeconds) }),
    allowCredentials: cors.credentials,
    forwardNotMatchingPreflights: cors.forwardOthers,
    filterEnabled: { defaultValue: shareOf(ALWAYS) },
  };
}

function httpFault({ delay, abort }: FaultIr): Init<typeof HTTPFaultSchema> {
  return {
    ...(delay === undefined
      ? {}
      : {
          delay: {
            faultDelaySecifier: { case: 'fixedDelay', value: duration(delay.ms) },
            percentage: shareOf(delay.perMillion),
          },
        }),
    ...(abort === undefined
      ? {}
      : {
          abort: {
            errorType: { case: abort.status.type === 'http' ? 'httpStatus' : 'grpcStatus', value: abort.status.code },
            percentage: shareOf(abort.perMillion),
          },
        }),
  };
}
