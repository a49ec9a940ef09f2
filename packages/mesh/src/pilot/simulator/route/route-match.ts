import type {
  CookieMatcher,
  QueryParameterMatcher,
  RouteMatch,
} from '@lateen/envoy-api/envoy/config/route/v3/route_components_pb.js';
import { headerValue, joinedValue, pathOnly, type RoutedRequest } from '../http/request.ts';
import { type Condition, undecidableCondition } from './condition.ts';
import { headerCondition } from './header-match.ts';
import { asciiLower, isUndecidable, regexTest, stringTest, type TextTest } from './string-match.ts';

/** All conditions of a route but chance, in the order in which they read best: path, headers, query, the rest. */
export function routeConditions(match: RouteMatch, ignorePathParameters: boolean): Condition[] {
  return [
    pathCondition(match, ignorePathParameters),
    ...match.headers.map(headerCondition),
    ...match.queryParameters.map(queryCondition),
    ...match.cookies.map(cookieCondition),
    ...(match.grpc === undefined ? [] : [GRPC]),
    ...(match.tlsContext === undefined ? [] : tlsConditions(match.tlsContext)),
    ...match.dynamicMetadata.map(({ filter }) => undecidableCondition(`dynamic metadata of ${filter}`)),
    ...match.filterState.map(({ key }) => undecidableCondition(`filter state ${key}`)),
  ];
}

/** Only routes for CONNECT take requests without a path. */
function pathCondition(match: RouteMatch, ignoreParameters: boolean): Condition {
  const specifier = match.pathSpecifier;
  const ignoreCase = match.caseSensitive === false;
  switch (specifier.case) {
    case 'prefix':
      return pathTest(
        `path starting with "${specifier.value}"`,
        ignoreParameters,
        ignoreCase,
        specifier.value,
        (path, it) => path.startsWith(it),
      );
    case 'path':
      return pathTest(
        `path exactly "${specifier.value}"`,
        ignoreParameters,
        ignoreCase,
        specifier.value,
        (path, it) => path === it,
      );
    case 'pathSeparatedPrefix':
      return pathTest(
        `path "${specifier.value}" or below it`,
        ignoreParameters,
        ignoreCase,
        specifier.value,
        (path, it) => path.startsWith(it) && (path.length === it.length || path[it.length] === '/'),
      );
    case 'safeRegex': {
      const test = regexTest(specifier.value.regex);
      if (isUndecidable(test)) return undecidableCondition(`path: ${test.undecidable}`);
      return pathTest(`path matching ${specifier.value.regex}`, ignoreParameters, false, '', (path) =>
        test.matches(path),
      );
    }
    case 'connectMatcher':
      return {
        words: 'CONNECT',
        check: ({ method }) => (method === 'CONNECT' ? undefined : `method is "${method}", wanted CONNECT`),
      };
    case 'pathMatchPolicy':
      return undecidableCondition(`path matcher ${specifier.value.name}`);
    case undefined:
      return undecidableCondition('a route without a path to match');
  }
}

function pathTest(
  words: string,
  ignoreParameters: boolean,
  ignoreCase: boolean,
  pattern: string,
  matches: (path: string, pattern: string) => boolean,
): Condition {
  const wanted = ignoreCase ? asciiLower(pattern) : pattern;
  const all = ignoreCase ? `${words} in any case` : words;
  return {
    words: all,
    check({ path, method }) {
      if (path === '') return `${method} has no path, wanted ${all}`;
      const bare = ignoreParameters ? withoutParameters(pathOnly(path)) : pathOnly(path);
      return matches(ignoreCase ? asciiLower(bare) : bare, wanted)
        ? undefined
        : `path is "${bare}", wanted ${all.slice(5)}`;
    },
  };
}

/** `/a;x=1/b` is `/a` to Envoy where path parameters are ignored. */
function withoutParameters(path: string): string {
  const end = path.indexOf(';');
  return end === -1 ? path : path.slice(0, end);
}

function queryCondition({ name, queryParameterMatchSpecifier: specifier }: QueryParameterMatcher): Condition {
  const label = `query parameter ${name}`;
  if (specifier.case === 'stringMatch') {
    const test = stringTest(specifier.value);
    if (isUndecidable(test)) return undecidableCondition(`${label}: ${test.undecidable}`);
    return textCondition(label, test, (request) => queryParameters(request.path).get(name), false);
  }
  const wanted = specifier.case === 'presentMatch' ? specifier.value : true;
  return {
    words: wanted ? label : `no ${label}`,
    check({ path }) {
      if (queryParameters(path).has(name) === wanted) return undefined;
      return wanted ? `${label} is not there` : `${label} is there, wanted none`;
    },
  };
}

/** As written, without decoding; of several with one name, the first. */
export function queryParameters(path: string): ReadonlyMap<string, string> {
  const parameters = new Map<string, string>();
  const start = path.indexOf('?');
  if (start === -1) return parameters;
  const end = path.indexOf('#', start);
  for (const part of path.slice(start + 1, end === -1 ? undefined : end).split('&')) {
    const equals = part.indexOf('=');
    const name = equals === -1 ? part : part.slice(0, equals);
    if (!parameters.has(name)) parameters.set(name, equals === -1 ? '' : part.slice(equals + 1));
  }
  return parameters;
}

function cookieCondition({ name, stringMatch, invertMatch }: CookieMatcher): Condition {
  const label = `cookie ${name}`;
  if (stringMatch === undefined) return undecidableCondition(`${label} without a value to match`);
  const test = stringTest(stringMatch);
  if (isUndecidable(test)) return undecidableCondition(`${label}: ${test.undecidable}`);
  return textCondition(label, test, (request) => cookieValue(request, name), invertMatch);
}

export function cookieValue(request: RoutedRequest, name: string): string | undefined {
  for (const part of (joinedValue(request.headers, 'cookie') ?? '').split(';')) {
    const equals = part.indexOf('=');
    if (equals === -1 || part.slice(0, equals).trim() !== name) continue;
    const value = part.slice(equals + 1).trim();
    return value.length >= 2 && value.startsWith('"') && value.endsWith('"') ? value.slice(1, -1) : value;
  }
  return undefined;
}

function textCondition(
  label: string,
  test: TextTest,
  textOf: (request: RoutedRequest) => string | undefined,
  inverted: boolean,
): Condition {
  const wanted = inverted ? `anything but ${test.wanted}` : test.wanted;
  return {
    words: `${label} ${wanted}`,
    check(request) {
      const value = textOf(request);
      if (value !== undefined ? test.matches(value) !== inverted : inverted) return undefined;
      return `${label} is ${value === undefined ? 'not there' : JSON.stringify(value)}, wanted ${wanted}`;
    },
  };
}

const GRPC: Condition = {
  words: 'gRPC',
  check: (request) => (isGrpc(request) ? undefined : 'it is not gRPC'),
};

export function isGrpc(request: RoutedRequest): boolean {
  return isGrpcType(headerValue(request, 'content-type'));
}

export function isGrpcType(contentType = ''): boolean {
  return /^application\/grpc(?:\+|$)/.test(contentType);
}

function tlsConditions({ presented, validated }: { presented?: boolean | undefined; validated?: boolean | undefined }) {
  const conditions: Condition[] = [];
  const add = (what: string, wanted: boolean | undefined, holds: (request: RoutedRequest) => boolean) => {
    if (wanted === undefined) return;
    conditions.push({
      words: wanted ? `a client certificate that was ${what}` : `no client certificate that was ${what}`,
      check: (request) =>
        holds(request) === wanted ? undefined : `${wanted ? 'no' : 'a'} client certificate was ${what}`,
    });
  };
  add('shown', presented, ({ connection }) => connection.certificate !== 'none');
  add('checked', validated, ({ connection }) => connection.certificate === 'checked');
  return conditions;
}
