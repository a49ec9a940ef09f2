import type { HTTPRoute } from '@lateen/api/kinds.ts';
import { escapeRegex } from '@lateen/api/re2-syntax.ts';
import type { CorsIr } from '../../proxy/ir/route-filters.ts';
import type { StringMatchIr } from '../../proxy/ir/route-match.ts';
import type { ExternalAuth } from '../external-auth.ts';
import { buildHeaderOperations, type HeaderOperations } from '../header-operations.ts';
import type { Mirror } from '../mirror.ts';
import type { RedirectAction } from '../route-action.ts';
import type { RewriteRule } from '../route-options.ts';
import { ALL } from '../share.ts';
import { type BackendContext, resolveBackend } from './backend.ts';
import type { Problem } from './conditions.ts';
import { buildExternalAuth } from './external-auth.ts';

type Rule = NonNullable<HTTPRoute['spec']['rules']>[number];
export type HttpFilter = NonNullable<Rule['filters']>[number];
type HeaderFilter = NonNullable<HttpFilter['requestHeaderModifier']>;
type CorsFilter = NonNullable<HttpFilter['cors']>;
type MirrorFilter = NonNullable<HttpFilter['requestMirror']>;

/** What the filters of a rule, or of a backend, ask for. */
export interface FilterEffects {
  readonly headers?: HeaderOperations;
  readonly redirect?: RedirectAction;
  readonly rewrite?: RewriteRule;
  readonly cors?: CorsIr;
  readonly auth?: ExternalAuth;
  /** Nobody can be asked whether requests may go on, so none may. */
  readonly isBlocked?: true;
  readonly mirrors: readonly Mirror[];
  readonly problems: readonly Problem[];
}

export function buildFilters(filters: readonly HttpFilter[], path: string, context: BackendContext): FilterEffects {
  const problems: Problem[] = [];
  const mirrors: Mirror[] = [];
  let request: HeaderFilter | undefined;
  let response: HeaderFilter | undefined;
  let effects: Pick<FilterEffects, 'redirect' | 'rewrite' | 'cors' | 'auth' | 'isBlocked'> = {};
  for (const [i, filter] of filters.entries()) {
    const at = `${path}[${i}]`;
    if (filter.requestHeaderModifier !== undefined) request = filter.requestHeaderModifier;
    else if (filter.responseHeaderModifier !== undefined) response = filter.responseHeaderModifier;
    else if (filter.requestRedirect !== undefined) {
      effects = { ...effects, redirect: buildRedirect(filter.requestRedirect) };
    } else if (filter.urlRewrite !== undefined) effects = { ...effects, rewrite: buildRewrite(filter.urlRewrite) };
    else if (filter.cors !== undefined) effects = { ...effects, cors: buildCors(filter.cors) };
    else if (filter.requestMirror !== undefined) {
      const backend = resolveBackend(filter.requestMirror.backendRef, `${at}.requestMirror.backendRef`, context);
      if (backend.problem !== undefined) problems.push(backend.problem);
      else mirrors.push({ destination: backend.destination, perMillion: mirroredShare(filter.requestMirror) });
    } else if (filter.externalAuth !== undefined) {
      const { auth, problem } = buildExternalAuth(filter.externalAuth, `${at}.externalAuth`, context);
      if (problem !== undefined) problems.push(problem);
      effects = { ...effects, ...(auth === undefined ? { isBlocked: true } : { auth }) };
    } else problems.push(unsupportedFilter(filter.type, at));
  }
  const headers = buildHeaderOperations({ request: changesOf(request), response: changesOf(response) });
  return {
    ...(request === undefined && response === undefined ? {} : { headers }),
    ...effects,
    mirrors: mirrors.filter(({ perMillion }) => perMillion > 0),
    problems,
  };
}

function unsupportedFilter(type: string, path: string): Problem {
  return {
    type: 'Accepted',
    reason: 'UnsupportedValue',
    message: `filters of the type ${type} are not supported here`,
    path: `${path}.type`,
  };
}

/** Of several entries for one header, the first counts. */
function changesOf({ set = [], add = [], remove = [] }: HeaderFilter = {}) {
  const first = (entries: NonNullable<HeaderFilter['set']>) => {
    const seen = new Set<string>();
    return Object.fromEntries(
      entries
        .filter(({ name }) => !seen.has(name.toLowerCase()) && seen.add(name.toLowerCase()))
        // Values are meant as they stand; Envoy's have variables in percent signs.
        .map(({ name, value }) => [name, value.replaceAll('%', '%%')]),
    );
  };
  return { set: first(set), add: first(add), remove: [...remove] };
}

type PathModifier = NonNullable<NonNullable<HttpFilter['urlRewrite']>['path']>;

/** The prefix that replaces the matched one has no slash at its end: the slash that follows belongs to the rest. */
function buildPath({ type, replaceFullPath, replacePrefixMatch }: PathModifier) {
  return type === 'ReplaceFullPath'
    ? { type: 'full' as const, value: replaceFullPath ?? '/' }
    : { type: 'prefix' as const, value: (replacePrefixMatch ?? '').replace(/\/+$/, '') || '/' };
}

function buildRedirect(filter: NonNullable<HttpFilter['requestRedirect']>): RedirectAction {
  const { scheme, hostname, path, port, statusCode = 302 } = filter;
  return {
    type: 'redirect',
    ...(path === undefined ? {} : { path: buildPath(path) }),
    ...(hostname === undefined ? {} : { authority: hostname }),
    ...(scheme === undefined ? {} : { scheme }),
    port: port === undefined ? 'from-scheme-or-listener' : { unlessUsual: port },
    status: statusCode as RedirectAction['status'],
  };
}

function buildRewrite({ hostname, path }: NonNullable<HttpFilter['urlRewrite']>): RewriteRule {
  return {
    ...(hostname === undefined ? {} : { authority: hostname }),
    ...(path === undefined ? {} : { path: buildPath(path) }),
  };
}

/** A percentage, or a fraction; all if neither is said. */
function mirroredShare({ percent, fraction }: MirrorFilter): number {
  if (fraction !== undefined) return Math.round((ALL * fraction.numerator) / (fraction.denominator ?? 100));
  return percent === undefined ? ALL : percent * (ALL / 100);
}

/** Headers that pages may read, or send, without being allowed to are not listed; `*` is every one. */
function buildCors(filter: CorsFilter): CorsIr {
  const { allowOrigins = [], allowMethods = [], allowHeaders = [], exposeHeaders = [] } = filter;
  return {
    origins: allowOrigins.map(originMatch),
    methods: allowMethods,
    headers: allowHeaders,
    exposedHeaders: exposeHeaders,
    maxAgeSeconds: filter.maxAge ?? 5,
    credentials: filter.allowCredentials ?? false,
    forwardOthers: false,
  };
}

/** `*`, or an origin in whose host `*` stands for any characters, dots too. */
function originMatch(origin: string): StringMatchIr {
  if (!origin.includes('*')) return { type: 'exact', value: origin };
  return { type: 'regex', value: origin.split('*').map(escapeRegex).join('.*') };
}
