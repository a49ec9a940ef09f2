import { optionalDurationMs } from '@lateen/api/duration.ts';
import type { VirtualService } from '@lateen/api/kinds.ts';
import type { RetryIr } from '../proxy/ir/route-action.ts';
import type { CorsIr, FaultIr } from '../proxy/ir/route-filters.ts';
import type { SourceRef } from '../proxy/ir/source.ts';
import { buildCors } from './cors.ts';
import type { ExternalAuth } from './external-auth.ts';
import { buildFault } from './fault.ts';
import { buildHeaderOperations, type HeaderOperations } from './header-operations.ts';
import { buildMirrors, type Mirror } from './mirror.ts';
import { buildRetry } from './retry.ts';
import type { Session } from './session.ts';

/** What a rule says beside its match and its action. A delegate takes from its root what it does not say itself. */
export interface RouteOptions {
  readonly rewrite?: RewriteRule;
  readonly timeoutMs?: number;
  /** Absent: retries where they are safe. */
  readonly retry?: RetryIr;
  readonly fault?: FaultIr;
  readonly cors?: CorsIr;
  readonly headers?: HeaderOperations;
  readonly mirrors?: readonly Mirror[];
  readonly session?: Session;
  readonly auth?: ExternalAuth;
}

/** `uri` replaces the matched prefix, or the whole path if the match was not for a prefix; `path` says which it is. */
export interface RewriteRule {
  readonly path?: { readonly type: 'full' | 'prefix'; readonly value: string };
  readonly uri?: string;
  readonly regex?: { readonly pattern: string; readonly substitution: string };
  readonly authority?: string;
}

type HttpRoute = NonNullable<VirtualService['spec']['http']>[number];

export function buildOptions(route: HttpRoute, source: SourceRef, clusterDomain: string): RouteOptions {
  const { rewrite, retries, fault, corsPolicy, headers } = route;
  const timeoutMs = optionalDurationMs(route.timeout);
  const mirrors = buildMirrors(route, source, clusterDomain);
  return {
    ...(rewrite === undefined ? {} : { rewrite: buildRewrite(rewrite) }),
    ...(timeoutMs === undefined || timeoutMs === 0 ? {} : { timeoutMs }),
    ...(retries === undefined ? {} : { retry: buildRetry(retries) }),
    ...(fault === undefined ? {} : { fault: buildFault(fault) }),
    ...(corsPolicy === undefined ? {} : { cors: buildCors(corsPolicy) }),
    ...(headers === undefined ? {} : { headers: buildHeaderOperations(headers) }),
    ...(mirrors === undefined ? {} : { mirrors }),
  };
}

function buildRewrite({ uri, authority, uriRegexRewrite: regex }: NonNullable<HttpRoute['rewrite']>): RewriteRule {
  return {
    ...(uri === undefined ? {} : { uri }),
    ...(regex === undefined ? {} : { regex: { pattern: regex.match, substitution: regex.rewrite } }),
    ...(authority === undefined ? {} : { authority }),
  };
}
