import { describe, expect, test } from 'vitest';
import { type RequestOptions, request, routesOf } from '../testing/envoy-yaml.ts';
import { httpOf, trialsOf } from '../testing/verdicts.ts';

/** Why a route with such a match does not take the request; undefined if it does. */
function failure(match: string, path: string, options: RequestOptions = {}): string | undefined {
  const proxy = routesOf(`[{match: ${match}, route: {cluster: a}}]`);
  return httpOf(proxy, request(path, options)).routes[0]?.reason;
}

describe('the path', () => {
  test.each([
    ['{prefix: /a}', '/a/b', undefined],
    ['{prefix: /a}', '/ab?x=1', undefined],
    ['{prefix: /a}', '/b', 'path is "/b", wanted starting with "/a"'],
    ['{prefix: /A, case_sensitive: false}', '/ab', undefined],
    ['{prefix: "/a?x"}', '/a?x', 'path is "/a", wanted starting with "/a?x"'],
    ['{path: /a}', '/a?x=1', undefined],
    ['{path: /a}', '/a/', 'path is "/a/", wanted exactly "/a"'],
    ['{path_separated_prefix: /a}', '/a', undefined],
    ['{path_separated_prefix: /a}', '/a/b', undefined],
    ['{path_separated_prefix: /a}', '/ab', 'path is "/ab", wanted "/a" or below it'],
    ['{safe_regex: {regex: "/[0-9]+"}}', '/12?x', undefined],
    ['{safe_regex: {regex: "/[0-9]+"}}', '/12a', 'path is "/12a", wanted matching /[0-9]+'],
    ['{connect_matcher: {}}', '/', 'method is "GET", wanted CONNECT'],
  ])('%s for %s: %s', (match, path, expected) => {
    expect(failure(match, path)).toBe(expected);
  });
});

describe('a header', () => {
  const cases: [matcher: string, headers: Record<string, string>, expected: string | undefined][] = [
    ['string_match: {exact: jason}', { a: 'jason' }, undefined],
    ['string_match: {exact: jason}', { a: 'kate' }, 'header a is "kate", wanted exactly "jason"'],
    ['string_match: {exact: jason}', {}, 'header a is not there, wanted exactly "jason"'],
    ['string_match: {exact: JASON, ignore_case: true}', { a: 'jason' }, undefined],
    ['string_match: {prefix: ja}', { a: 'jason' }, undefined],
    ['string_match: {suffix: on}', { a: 'jason' }, undefined],
    ['string_match: {contains: as}', { a: 'jason' }, undefined],
    ['string_match: {safe_regex: {regex: "j.*"}}', { a: 'xj' }, 'header a is "xj", wanted something that matches j.*'],
    ['present_match: true', { a: '' }, undefined],
    ['present_match: true', {}, 'header a is not there'],
    ['present_match: false', { a: '1' }, 'header a is there, wanted none'],
    ['present_match: true, invert_match: true', {}, undefined],
    ['range_match: {start: -1, end: 10}', { a: '9' }, undefined],
    ['range_match: {start: 1, end: 10}', { a: '10' }, 'header a is "10", wanted a number from 1 to less than 10'],
    ['range_match: {start: 1, end: 10}', { a: 'x' }, 'header a is "x", wanted a number from 1 to less than 10'],
    ['string_match: {exact: x}, invert_match: true', { a: 'y' }, undefined],
    ['string_match: {exact: x}, invert_match: true', { a: 'x' }, 'header a is "x", wanted anything but exactly "x"'],
    // Not even that.
    ['string_match: {exact: x}, invert_match: true', {}, 'header a is not there, wanted anything but exactly "x"'],
    ['string_match: {exact: x}, invert_match: true, treat_missing_header_as_empty: true', {}, undefined],
    ['string_match: {exact: ""}, treat_missing_header_as_empty: true', {}, undefined],
  ];
  test.each(cases)('{%s} for %j: %s', (matcher, headers, expected) => {
    expect(failure(`{prefix: /, headers: [{name: A, ${matcher}}]}`, '/', { headers })).toBe(expected);
  });

  test('of several values is one with commas', () => {
    const proxy = routesOf(
      '[{match: {prefix: /, headers: [{name: a, string_match: {exact: "1,2"}}]}, route: {cluster: a}}]',
    );
    const call = request('/');
    if (call.payload.type !== 'http') throw new Error();
    const { payload } = call;
    const headers = [['a', '1'] as const, ['a', '2'] as const];
    const twice = { ...call, payload: { ...payload, request: { ...payload.request, headers } } };
    expect(httpOf(proxy, twice).routes[0]?.matched).toBe('yes');
  });

  test.each([
    [':method', 'exact: POST', 'method is "GET", wanted exactly "POST"'],
    [':authority', 'exact: b', 'host is "example.com", wanted exactly "b"'],
    ['host', 'exact: example.com', undefined],
    [':scheme', 'exact: https', 'scheme is "http", wanted exactly "https"'],
    [':path', 'exact: "/a?b"', undefined],
  ])('%s with %s', (name, matcher, expected) => {
    expect(failure(`{prefix: /, headers: [{name: "${name}", string_match: {${matcher}}}]}`, '/a?b')).toBe(expected);
  });
});

describe('the query', () => {
  test.each([
    ['{name: a, string_match: {exact: "1"}}', '/?a=1&a=2', undefined],
    ['{name: a, string_match: {exact: "2"}}', '/?a=1&a=2', 'query parameter a is "1", wanted exactly "2"'],
    ['{name: a, string_match: {exact: ""}}', '/?a', undefined],
    ['{name: a, string_match: {exact: "1"}}', '/', 'query parameter a is not there, wanted exactly "1"'],
    ['{name: a, present_match: true}', '/?b=1&a', undefined],
    ['{name: a, present_match: true}', '/?aa=1', 'query parameter a is not there'],
    ['{name: a, present_match: false}', '/?a=', 'query parameter a is there, wanted none'],
    ['{name: a, string_match: {exact: "%20"}}', '/?a=%20', undefined],
  ])('%s for %s: %s', (matcher, path, expected) => {
    expect(failure(`{prefix: /, query_parameters: [${matcher}]}`, path)).toBe(expected);
  });
});

test('cookies, gRPC and certificates', () => {
  const cookie = '{prefix: /, cookies: [{name: s, string_match: {exact: "1"}}]}';
  expect(failure(cookie, '/', { headers: { cookie: 'a=2; s="1"' } })).toBe(undefined);
  expect(failure(cookie, '/', { headers: { cookie: 'as=1' } })).toBe('cookie s is not there, wanted exactly "1"');
  expect(failure('{prefix: /, grpc: {}}', '/', { headers: { 'content-type': 'application/grpc+proto' } })).toBe(
    undefined,
  );
  expect(failure('{prefix: /, grpc: {}}', '/', { headers: { 'content-type': 'application/grpc-web' } })).toBe(
    'it is not gRPC',
  );
  expect(failure('{prefix: /, tls_context: {presented: false}}', '/')).toBe(undefined);
  expect(failure('{prefix: /, tls_context: {validated: true}}', '/')).toBe('no client certificate was checked');
});

test('the first condition that fails is told, the path before all others', () => {
  const proxy = routesOf(`
- {name: one, match: {path: /x, headers: [{name: a, present_match: true}]}, route: {cluster: a}}
- {name: two, match: {prefix: /, headers: [{name: a, present_match: true}], query_parameters: [{name: q, present_match: true}]}, route: {cluster: a}}
- {match: {prefix: /}, route: {cluster: a}}
- {name: never, match: {prefix: /}, route: {cluster: a}}
`);
  expect(trialsOf(proxy, request('/y', { headers: { a: '1' } }))).toEqual([
    'one: path is "/y", wanted exactly "/x"',
    'two: query parameter q is not there',
    '#3: yes',
  ]);
});

test('requests without a path only go to routes for CONNECT', () => {
  const proxy = routesOf(
    '[{name: any, match: {prefix: /}, route: {cluster: a}}, {name: connect, match: {connect_matcher: {}}, route: {cluster: a}}]',
    {
      manager: 'upgrade_configs: [{upgrade_type: CONNECT}]',
    },
  );
  expect(trialsOf(proxy, request('', { method: 'CONNECT' }))).toEqual([
    'any: CONNECT has no path, wanted path starting with "/"',
    'connect: yes',
  ]);
});

test('what cannot be simulated is named, unless another condition fails for certain', () => {
  const match = '{prefix: /a, dynamic_metadata: [{filter: jwt, path: [{key: k}], value: {present_match: true}}]}';
  const proxy = routesOf(
    `[{name: claims, match: ${match}, route: {cluster: a}}, {match: {prefix: /}, route: {cluster: b}}]`,
  );
  const stuck = httpOf(proxy, request('/a'));
  expect(stuck.routes).toMatchObject([{ name: 'claims', matched: 'undecided', reason: 'dynamic metadata of jwt' }]);
  expect(stuck.choices).toEqual([
    { share: 1, route: 0, action: { type: 'undecided', reason: 'dynamic metadata of jwt' } },
  ]);
  expect(trialsOf(proxy, request('/b'))).toEqual(['claims: path is "/b", wanted starting with "/a"', '#2: yes']);
});

test('a request draws one lot for all routes for a share of requests', () => {
  const below = (percent: number) => `match: {prefix: /, runtime_fraction: {default_value: {numerator: ${percent}}}}`;
  const proxy = routesOf(
    `[{${below(25)}, route: {cluster: a}}, {${below(20)}, route: {cluster: b}}, {${below(75)}, route: {cluster: c}}]`,
  );
  const { routes, choices } = httpOf(proxy, request('/'));
  expect(routes.map(({ matched }) => matched)).toEqual(['sometimes', 'no', 'sometimes']);
  expect(choices.map(({ share, route }) => [share, route])).toEqual([
    [0.25, 0],
    [0.5, 2],
    [0.25, undefined],
  ]);
});
