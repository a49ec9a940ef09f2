import fc from 'fast-check';
import { HEADER_NAMES, HEADER_VALUES, METHODS, PATH_REGEXES, plainPath, VALUE_REGEXES } from './random-rules.ts';

/**
 * Rules of HTTPRoutes, of the same few words as those of VirtualServices. What is not valid is left out by who uses these.
 */

/** `empty` has no instances, and `nobody` is no Service. */
const SERVICES = ['echo', 'echo', 'other', 'empty', 'nobody'];

const path = fc.oneof(
  fc.record({ type: fc.constant('Exact'), value: plainPath }),
  fc.record({ type: fc.constant('PathPrefix'), value: plainPath }),
  fc.record({ type: fc.constant('RegularExpression'), value: fc.constantFrom(...PATH_REGEXES) }),
);

function valueMatch(values: readonly string[], regexes: readonly string[]) {
  return fc.oneof(
    fc.record({ value: fc.constantFrom(...values) }),
    fc.record({ type: fc.constant('RegularExpression'), value: fc.constantFrom(...regexes) }),
  );
}

const headerMatch = fc
  .tuple(fc.constantFrom(...HEADER_NAMES, 'X-User'), valueMatch(HEADER_VALUES, VALUE_REGEXES))
  .map(([name, match]) => ({ name, ...match }));
const queryMatch = fc
  .tuple(fc.constantFrom('q', 'r'), valueMatch(['1', '2', '12', '%31'], ['1.*', '\\d']))
  .map(([name, match]) => ({ name, ...match }));

const match = fc.record(
  {
    path,
    method: fc.constantFrom(...METHODS),
    headers: fc.array(headerMatch, { minLength: 1, maxLength: 2 }),
    queryParams: fc.array(queryMatch, { minLength: 1, maxLength: 1 }),
  },
  { requiredKeys: [] },
);

/** Most conditions are left out, or hardly anything would match. */
const sparseMatch = fc
  .tuple(match, fc.infiniteStream(fc.nat(2)))
  .map(([fields, dice]) => Object.fromEntries(Object.entries(fields).filter(() => dice.next().value === 0)));

const changedName = fc.constantFrom(...HEADER_NAMES, 'x-new', 'X-Mixed-Case');
const header = fc.record({ name: changedName, value: fc.constantFrom('one', 'two words', 'a%b') });
const headerModifier = fc.record(
  {
    set: fc.array(header, { minLength: 1, maxLength: 2 }),
    add: fc.array(header, { minLength: 1, maxLength: 2 }),
    remove: fc.uniqueArray(changedName, { minLength: 1, maxLength: 2 }),
  },
  { requiredKeys: [] },
);

const requestHeaders = headerModifier.map((requestHeaderModifier) => ({
  type: 'RequestHeaderModifier',
  requestHeaderModifier,
}));
const responseHeaders = headerModifier.map((responseHeaderModifier) => ({
  type: 'ResponseHeaderModifier',
  responseHeaderModifier,
}));

const pathModifier = fc.oneof(
  fc.record({ type: fc.constant('ReplaceFullPath'), replaceFullPath: fc.constantFrom('/', '/new', '/a/b') }),
  fc.record({
    type: fc.constant('ReplacePrefixMatch'),
    replacePrefixMatch: fc.constantFrom('/', '/new', '/new/', '', '/a.b'),
  }),
);

const redirect = fc
  .record(
    {
      scheme: fc.constantFrom('http', 'https'),
      hostname: fc.constant('new.test'),
      port: fc.constantFrom(80, 443, 8080),
      path: pathModifier,
      statusCode: fc.constantFrom(301, 302, 303, 307, 308),
    },
    { requiredKeys: [] },
  )
  .map((requestRedirect) => ({ type: 'RequestRedirect', requestRedirect }));

const rewrite = fc
  .record({ hostname: fc.constant('rewritten.test'), path: pathModifier }, { requiredKeys: [] })
  .map((urlRewrite) => ({ type: 'URLRewrite', urlRewrite }));

const filters = fc.oneof(
  { weight: 3, arbitrary: fc.constant([]) },
  fc.tuple(requestHeaders, responseHeaders),
  fc.tuple(rewrite, responseHeaders),
  fc.tuple(redirect),
  fc.tuple(rewrite),
);

const backendRef = fc.record(
  {
    name: fc.constantFrom(...SERVICES),
    port: fc.constant(80),
    weight: fc.nat(3),
    filters: fc.oneof(fc.tuple(requestHeaders), fc.tuple(rewrite), fc.tuple(responseHeaders)),
  },
  { requiredKeys: ['name', 'port'] },
);

const rule = fc
  .record({
    matches: fc.array(sparseMatch, { maxLength: 2 }),
    filters,
    backendRefs: fc.array(backendRef, { minLength: 1, maxLength: 3 }),
  })
  .map(({ matches, filters: applied, backendRefs }) => {
    const all: readonly { readonly type: string }[] = applied;
    const redirects = all.some(({ type }) => type === 'RequestRedirect');
    return { matches, filters: all, ...(redirects ? {} : { backendRefs }) };
  });

export const anyHttpRouteRules = fc.array(rule, { minLength: 1, maxLength: 4 });
