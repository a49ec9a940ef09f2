import type * as z from 'zod/mini';
import { objectSchema } from '../kubernetes/metadata.ts';
import { object, optional, type Report, required } from '../schema/field.ts';
import * as v from '../schema/values.ts';
import { headerName, hostname, namedUpTo, sectionName, textUpTo } from './common.ts';
import { checkFilter, checkRepeatedFilters } from './filter-rules.ts';
import { headerModifier } from './header-modifier.ts';
import { checkRegex, valueMatchType } from './http-match.ts';
import { checkRules } from './http-route.ts';
import { backendFields, checkBackendPort, checkParentRefs, localObjectRef, routeFields, weight } from './references.ts';
import { requestMirror } from './request-mirror.ts';
import { sessionPersistence } from './session-persistence.ts';

const SERVICE = /^\.?[a-z_][a-z_0-9]*(\.[a-z_][a-z_0-9]*)*$/i;
const METHOD = /^[A-Za-z_][A-Za-z_0-9]*$/;

const methodMatch = object(
  {
    type: valueMatchType,
    service: optional(textUpTo(1024), 'gRPC service with its package, such as grpc.health.v1.Health; any by default.'),
    method: optional(textUpTo(1024), 'Method of the service; any by default.'),
  },
  {
    rules({ type = 'Exact', service, method }, report) {
      if (service === undefined && method === undefined) report('one of service or method must be set');
      if (type === 'RegularExpression') {
        checkRegex({ type, ...(service !== undefined && { value: service }) }, report, 'service');
        checkRegex({ type, ...(method !== undefined && { value: method }) }, report, 'method');
        return;
      }
      if (service !== undefined && !SERVICE.test(service)) {
        report(`must be a service such as grpc.health.v1.Health, not ${v.quote(service)}`, ['service']);
      }
      if (method !== undefined && !METHOD.test(method)) {
        report(`must be a method such as Check, not ${v.quote(method)}`, ['method']);
      }
    },
  },
);

const headerMatch = object(
  {
    type: valueMatchType,
    name: required(headerName(), 'Name of the header, in any case.'),
    value: required(textUpTo(4096, 1), 'Value that it must have.'),
  },
  { rules: (match, report) => checkRegex(match, report) },
);

const grpcMatch = object({
  method: optional(methodMatch, 'Service and method of the request; all of them by default.'),
  headers: optional(namedUpTo(16, headerMatch), 'Headers that the request must have, all of them.'),
});

const FIELD_OF_TYPE = {
  RequestHeaderModifier: 'requestHeaderModifier',
  ResponseHeaderModifier: 'responseHeaderModifier',
  RequestMirror: 'requestMirror',
  ExtensionRef: 'extensionRef',
} as const;

const grpcFilter = object(
  {
    type: required(
      v.oneOf(Object.keys(FIELD_OF_TYPE) as (keyof typeof FIELD_OF_TYPE)[]),
      'What the filter does; the field of the same name says more.',
    ),
    requestHeaderModifier: optional(headerModifier, 'Changes headers of the request.'),
    responseHeaderModifier: optional(headerModifier, 'Changes headers of the response.'),
    requestMirror: optional(requestMirror, 'Sends a copy of the request to another backend as well.'),
    extensionRef: optional(localObjectRef, 'A filter of an implementation.'),
  },
  { rules: checkFilter(FIELD_OF_TYPE) },
);

const filters = () => optional(v.arrayUpTo(16, grpcFilter), 'What is done with the requests.');

const ONCE: ReadonlySet<string> = new Set(['RequestHeaderModifier', 'ResponseHeaderModifier']);

function checkFilters(value: { readonly filters?: readonly { readonly type: string }[] }, report: Report): void {
  checkRepeatedFilters(value.filters ?? [], ONCE, ['filters'], report);
}

const grpcBackendRef = object(
  { ...backendFields, weight, filters: filters() },
  {
    rules(backend, report) {
      checkBackendPort(backend, report);
      checkFilters(backend, report);
    },
  },
);

const rule = object(
  {
    name: optional(sectionName(), 'Name of the rule, unique in the route.'),
    matches: optional(
      v.arrayUpTo(64, grpcMatch),
      'Requests that the rule is for: one of these must match. All by default.',
    ),
    filters: filters(),
    backendRefs: optional(
      v.arrayUpTo(16, grpcBackendRef),
      'Where the requests go, in shares by weight. Without any the answer is UNAVAILABLE.',
    ),
    sessionPersistence: optional(sessionPersistence, 'Requests of one session go to one endpoint.'),
  },
  { rules: checkFilters },
);

const grpcRouteSpec = object(
  {
    ...routeFields,
    hostnames: optional(v.arrayUpTo(16, hostname()), 'Hosts of the requests; those of the listener by default.'),
    rules: optional(v.arrayUpTo(16, rule), 'What becomes of the requests.'),
  },
  {
    rules(spec, report) {
      checkParentRefs(spec, report);
      checkRules(spec.rules ?? [], 0, report);
    },
  },
);

export const grpcRoute = objectSchema('gateway.networking.k8s.io/v1', 'GRPCRoute', grpcRouteSpec);

export type GRPCRoute = z.infer<typeof grpcRoute>;
