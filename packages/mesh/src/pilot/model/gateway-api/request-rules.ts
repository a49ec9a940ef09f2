import { optionalDurationMs } from '@lateen/api/duration.ts';
import type { GRPCRoute, HTTPRoute } from '@lateen/api/kinds.ts';
import type { RetryIr } from '../../proxy/ir/route-action.ts';
import type { SourceRef } from '../../proxy/ir/source.ts';
import type { OwnTreatment, RouteAction } from '../route-action.ts';
import type { RouteMatch } from '../route-match.ts';
import type { RouteOptions } from '../route-options.ts';
import type { RouteRule } from '../route-rule.ts';
import type { BackendContext } from './backend.ts';
import { type Split, type SplitRef, splitRequests } from './backend-split.ts';
import type { Problem } from './conditions.ts';
import { buildGrpcMatch } from './grpc-match.ts';
import { buildFilters, type FilterEffects } from './http-filters.ts';
import { buildHttpMatch, type MatchPlace } from './http-match.ts';
import { ageRank } from './precedence.ts';
import { buildSession } from './session.ts';

/** The rules of a route, whatever parents it has, and what is wrong with them. */
export interface BuiltRules {
  readonly rules: readonly RouteRule[];
  readonly problems: readonly Problem[];
}

type HttpRule = NonNullable<HTTPRoute['spec']['rules']>[number];
type GrpcRule = NonNullable<GRPCRoute['spec']['rules']>[number];

/** All that rules of both kinds may say, but for their matches. */
type Rule = Omit<HttpRule, 'matches'> | Omit<GrpcRule, 'matches'>;

export function buildRequestRules(object: HTTPRoute | GRPCRoute, context: BackendContext): BuiltRules {
  const problems: Problem[] = [];
  const { kind, metadata } = object;
  const { namespace, name } = metadata;
  const age = ageRank(metadata);
  const source: SourceRef = { kind, namespace, name };
  const build = <M>(
    rule: Rule & { readonly matches?: readonly M[] | undefined },
    index: number,
    matchOf: (match: M | undefined, place: MatchPlace) => RouteMatch,
  ): RouteRule => {
    const ofRule = { ...source, path: `spec.rules[${index}]` };
    const { matches = [] } = rule;
    const place = { age, rule: index };
    return {
      matches:
        matches.length === 0
          ? [matchOf(undefined, { ...place, match: 0, source: ofRule })]
          : matches.map((match, i) =>
              matchOf(match, { ...place, match: i, source: { ...ofRule, path: `${ofRule.path}.matches[${i}]` } }),
            ),
      ...buildRule(rule, ofRule, context, problems),
    };
  };
  // A route without rules has one for every request, which leads nowhere.
  const rules =
    object.kind === 'HTTPRoute'
      ? (object.spec.rules ?? [{}]).map((rule, i) => build(rule, i, buildHttpMatch))
      : (object.spec.rules ?? [{}]).map((rule, i) => build(rule, i, buildGrpcMatch));
  return { rules, problems };
}

function buildRule(
  rule: Rule,
  source: SourceRef,
  context: BackendContext,
  problems: Problem[],
): Omit<RouteRule, 'matches'> {
  const { filters = [], backendRefs = [] } = rule;
  const effects = buildFilters(filters, `${source.path}.filters`, context);
  const split = splitRequests(backends(backendRefs, source, context, problems), `${source.path}.backendRefs`, context);
  const { session, problems: ofSession } = sessionOf(rule, source, split);
  problems.push(...effects.problems, ...ofSession);
  if (effects.redirect === undefined) problems.push(...split.problems);
  return {
    ...(rule.name === undefined ? {} : { name: rule.name }),
    action: effects.isBlocked
      ? { type: 'direct-response', status: NO_BACKEND_STATUS.HTTPRoute }
      : (effects.redirect ?? actionOf(split, context.route.kind === 'GRPCRoute' ? 'GRPCRoute' : 'HTTPRoute')),
    options: { ...buildOptions(rule, effects), ...(session === undefined ? {} : { session }) },
    source,
  };
}

/**
 * What requests get whose share is of a backend that cannot be reached, as the Gateway API says. 503 is what becomes of
 * UNAVAILABLE where a call is not answered in gRPC (https://github.com/grpc/grpc/blob/master/doc/http-grpc-status-mapping.md).
 */
const NO_BACKEND_STATUS = { HTTPRoute: 500, GRPCRoute: 503 } as const;

function actionOf({ destinations, refused }: Split, kind: keyof typeof NO_BACKEND_STATUS): RouteAction {
  const status = NO_BACKEND_STATUS[kind];
  if (destinations.length === 0) return { type: 'direct-response', status };
  return { type: 'forward', destinations, ...(refused === 0 ? {} : { refused: { weight: refused, status } }) };
}

/** What filters of a backend do holds for its share of the requests only. */
function backends(
  refs: NonNullable<Rule['backendRefs']>,
  { path }: SourceRef,
  context: BackendContext,
  problems: Problem[],
): readonly SplitRef[] {
  return refs.map((ref, i) => {
    const at = `${path}.backendRefs[${i}].filters`;
    const { headers, rewrite, redirect, cors, auth, isBlocked, mirrors, ...others } = buildFilters(
      ref.filters ?? [],
      at,
      context,
    );
    problems.push(...others.problems);
    const own: OwnTreatment = {
      ...(redirect === undefined ? {} : { redirect }),
      ...(cors === undefined ? {} : { cors }),
      ...(auth === undefined ? {} : { auth }),
      ...(isBlocked ? { isBlocked } : {}),
      ...(mirrors.length === 0 ? {} : { mirrors }),
      ...(rewrite?.path === undefined ? {} : { rewrite }),
    };
    return {
      ref,
      ...(headers === undefined ? {} : { headers }),
      ...(rewrite?.authority === undefined ? {} : { authority: rewrite.authority }),
      ...(Object.keys(own).length === 0 ? {} : { own }),
    };
  });
}

function buildOptions(rule: Rule, effects: FilterEffects): RouteOptions {
  const { timeouts = {}, retry } = 'timeouts' in rule || 'retry' in rule ? rule : {};
  const timeoutMs = optionalDurationMs(timeouts.request);
  const perTryMs = optionalDurationMs(timeouts.backendRequest);
  const { rewrite, cors, headers, mirrors, auth } = effects;
  // Without retries there is one try, so its limit is that of the request too. 0 is none.
  const limits = [timeoutMs, retry === undefined ? perTryMs : undefined].filter((ms) => ms !== undefined && ms > 0);
  const limit = limits.length === 0 ? undefined : Math.min(...limits.map(Number));
  const retries = buildRetry(retry, perTryMs);
  return {
    ...(rewrite === undefined ? {} : { rewrite }),
    ...(limit === undefined ? {} : { timeoutMs: limit }),
    ...(retries === undefined ? {} : { retry: retries }),
    ...(cors === undefined ? {} : { cors }),
    ...(auth === undefined ? {} : { auth }),
    ...(headers === undefined ? {} : { headers }),
    ...(mirrors.length === 0 ? {} : { mirrors }),
  };
}

/** What a retry is for, whatever codes are asked for: the request was not answered. */
const UNANSWERED = ['connect-failure', 'refused-stream', 'reset-before-request', 'retriable-headers'];

/** Undefined: as the mesh does it where nobody says anything. */
function buildRetry(retry: HttpRule['retry'], perTryMs: number | undefined): RetryIr | undefined {
  if (retry === undefined) return undefined;
  const { attempts = 1, codes = [], backoff } = retry;
  if (attempts === 0) return { type: 'off' };
  const baseIntervalMs = optionalDurationMs(backoff);
  const limited = perTryMs !== undefined && perTryMs > 0;
  return {
    type: 'on',
    attempts,
    ...(limited ? { perTryTimeoutMs: perTryMs } : {}),
    // A backend that took too long did not answer either.
    conditions: [...UNANSWERED, ...(limited ? ['reset'] : []), ...(codes.length > 0 ? ['retriable-status-codes'] : [])],
    statusCodes: codes,
    ...(baseIntervalMs === undefined || baseIntervalMs === 0 ? {} : { baseIntervalMs }),
    avoidTriedHosts: true,
    otherLocalities: false,
  };
}

/** What the client is told of is an endpoint, which another backend does not have. */
function sessionOf(
  rule: Rule,
  { kind, namespace, name, path }: SourceRef,
  { destinations }: Split,
): ReturnType<typeof buildSession> {
  const { sessionPersistence } = rule;
  if (sessionPersistence === undefined) return { problems: [] };
  const at = `${path}.sessionPersistence`;
  if (destinations.length > 1) {
    const message = 'sessions are kept in rules with one backend only; for several, keep them with each Service';
    return { problems: [{ type: 'Accepted', reason: 'UnsupportedValue', message, path: at }] };
  }
  return buildSession(sessionPersistence, at, `${kind}/${namespace}/${name} ${path}`, sharedPath(rule));
}

/** Where a cookie is for one path. */
function sharedPath(rule: Rule): string | undefined {
  const [only, ...others] = 'matches' in rule ? ((rule.matches as HttpRule['matches']) ?? []) : [];
  const { type = 'PathPrefix', value } = only?.path ?? {};
  return others.length > 0 || type === 'RegularExpression' ? undefined : value;
}
