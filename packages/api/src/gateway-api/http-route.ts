import type * as z from 'zod/mini';
import { durationMs } from '../duration.ts';
import { objectSchema } from '../kubernetes/metadata.ts';
import { object, optional, type Report } from '../schema/field.ts';
import * as v from '../schema/values.ts';
import { arrayOfOneTo, distinct, duration, hostname, sectionName } from './common.ts';
import { checkHttpFilters, type HttpFilter, httpFilters } from './http-filter.ts';
import { type HttpMatch, httpMatch } from './http-match.ts';
import { backendFields, checkBackendPort, checkParentRefs, checkRuleNames, routeFields, weight } from './references.ts';
import { sessionPersistence } from './session-persistence.ts';

const httpBackendRef = object(
  {
    ...backendFields,
    weight,
    filters: optional(httpFilters(), 'What is done with requests that go to this backend.'),
  },
  {
    rules(backend, report) {
      checkBackendPort(backend, report);
      checkHttpFilters(backend.filters ?? [], ['filters'], report);
    },
  },
);

const timeouts = object(
  {
    request: optional(duration(), 'Until the client has its answer, with all retries. 0s: no limit.'),
    backendRequest: optional(duration(), 'Until the backend has answered one attempt. 0s: no limit.'),
  },
  {
    rules({ request, backendRequest }, report) {
      const limit = durationMs(request ?? '0s') ?? 0;
      if (limit > 0 && (durationMs(backendRequest ?? '0s') ?? 0) > limit) {
        report(`must not be longer than the timeout of the request, ${request}`, ['backendRequest']);
      }
    },
  },
);

const retry = object({
  codes: optional(distinct(v.array(v.int(400, 599)), String), 'Status codes after which a request is tried again.'),
  attempts: optional(v.int(1), 'How many times it is tried again at most.'),
  backoff: optional(duration(), 'How long to wait before that, at least.'),
});

const rule = object(
  {
    name: optional(sectionName(), 'Name of the rule, unique in the route.'),
    matches: optional(
      v.arrayUpTo(64, httpMatch),
      'Requests that the rule is for: one of these must match. All by default.',
    ),
    filters: optional(httpFilters(), 'What is done with the requests.'),
    backendRefs: optional(
      v.arrayUpTo(16, httpBackendRef),
      'Where the requests go, in shares by weight. Without any the answer is 500, unless a filter answers.',
    ),
    timeouts: optional(timeouts, 'How long a request may take.'),
    retry: optional(retry, 'When a request is tried again.'),
    sessionPersistence: optional(sessionPersistence, 'Requests of one session go to one endpoint.'),
  },
  {
    rules(value, report) {
      const { filters = [], backendRefs = [] } = value;
      checkHttpFilters(filters, ['filters'], report);
      const redirect = filters.findIndex(({ requestRedirect }) => requestRedirect !== undefined);
      if (redirect >= 0 && backendRefs.length > 0) {
        report('RequestRedirect and backendRefs exclude each other', ['filters', redirect, 'requestRedirect']);
      }
      checkPrefixes(filters, ['filters'], value, report);
      backendRefs.forEach((backend, index) => {
        checkPrefixes(backend.filters ?? [], ['backendRefs', index, 'filters'], value, report);
      });
    },
  },
);

/** What replaces a prefix needs one match, by a prefix. */
function checkPrefixes(
  filters: readonly HttpFilter[],
  path: readonly (string | number)[],
  { matches = [{}] }: { readonly matches?: readonly HttpMatch[] },
  report: Report,
): void {
  const [first, ...more] = matches;
  if (first !== undefined && more.length === 0 && (first.path?.type ?? 'PathPrefix') === 'PathPrefix') return;
  filters.forEach((filter, index) => {
    for (const field of ['requestRedirect', 'urlRewrite'] as const) {
      if (filter[field]?.path?.replacePrefixMatch === undefined) continue;
      report('needs a rule with exactly one match, and that by PathPrefix', [
        ...path,
        ...[index, field, 'path', 'replacePrefixMatch'],
      ]);
    }
  });
}

const MAX_MATCHES = 128;

/** The rules of a route and their matches, as far as they depend on each other. */
export function checkRules(
  rules: readonly { readonly name?: string; readonly matches?: readonly unknown[] }[],
  matchesByDefault: 0 | 1,
  report: Report,
): void {
  checkRuleNames(rules, report);
  const count = rules.reduce((sum, { matches }) => sum + (matches?.length ?? matchesByDefault), 0);
  if (count > MAX_MATCHES) report(`must have at most ${MAX_MATCHES} matches in all, not ${count}`, ['rules']);
}

const httpRouteSpec = object(
  {
    ...routeFields,
    hostnames: optional(v.arrayUpTo(16, hostname()), 'Hosts of the requests; those of the listener by default.'),
    rules: optional(arrayOfOneTo(16, rule), 'What becomes of the requests; by default one rule for all of them.'),
  },
  {
    rules(spec, report) {
      checkParentRefs(spec, report);
      checkRules(spec.rules ?? [], 1, report);
    },
  },
);

export const httpRoute = objectSchema('gateway.networking.k8s.io/v1', 'HTTPRoute', httpRouteSpec);

export type HTTPRoute = z.infer<typeof httpRoute>;
