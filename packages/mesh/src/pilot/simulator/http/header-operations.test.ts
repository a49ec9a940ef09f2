import { describe, expect, test } from 'vitest';
import { request, routesOf } from '../testing/envoy-yaml.ts';
import { choiceOf, targetOf } from '../testing/verdicts.ts';

/** What the endpoint gets of the headers that begin with `x-` and are not Envoy's. */
function seen(proxy: ReturnType<typeof routesOf>, headers: Record<string, string> = {}): string[] {
  return targetOf(proxy, request('/', { headers }))
    .request.headers.filter(([name]) => /^x-(?!envoy|forwarded)/.test(name))
    .map(([name, value]) => `${name}: ${value}`);
}

function add(name: string, value: string, more = ''): string {
  return `{header: {key: ${name}, value: "${value}"}${more}}`;
}

describe('request headers', () => {
  test.each([
    ['APPEND_IF_EXISTS_OR_ADD', { 'x-a': '1' }, ['x-a: 1', 'x-a: 2']],
    ['ADD_IF_ABSENT', { 'x-a': '1' }, ['x-a: 1']],
    ['ADD_IF_ABSENT', {}, ['x-a: 2']],
    ['OVERWRITE_IF_EXISTS_OR_ADD', { 'x-a': '1' }, ['x-a: 2']],
    ['OVERWRITE_IF_EXISTS_OR_ADD', {}, ['x-a: 2']],
    ['OVERWRITE_IF_EXISTS', {}, []],
    ['OVERWRITE_IF_EXISTS', { 'x-a': '1' }, ['x-a: 2']],
  ])('%s to %j', (action, headers: Record<string, string>, expected) => {
    const proxy = routesOf(
      `[{match: {prefix: /}, route: {cluster: a}, request_headers_to_add: [${add('X-A', '2', `, append_action: ${action}`)}]}]`,
    );
    expect(seen(proxy, headers)).toEqual(expected);
  });

  test('are removed before others are added, and not without', () => {
    const proxy = routesOf(
      `[{match: {prefix: /}, route: {cluster: a}, request_headers_to_remove: [X-A], request_headers_to_add: [${add('x-a', '2')}, ${add('x-b', '')}]}]`,
    );
    expect(seen(proxy, { 'x-a': '1' })).toEqual(['x-a: 2']);
  });

  const levels = {
    routes: `[{match: {prefix: /}, request_headers_to_add: [${add('x-a', 'route', ', append_action: OVERWRITE_IF_EXISTS_OR_ADD')}], route: {weighted_clusters: {clusters: [
      {name: a, weight: 1, request_headers_to_add: [${add('x-a', 'cluster', ', append_action: OVERWRITE_IF_EXISTS_OR_ADD')}]}]}}}]`,
    host: `request_headers_to_add: [${add('x-a', 'host', ', append_action: OVERWRITE_IF_EXISTS_OR_ADD')}]`,
    table: `request_headers_to_add: [${add('x-a', 'table', ', append_action: OVERWRITE_IF_EXISTS_OR_ADD')}]`,
  };

  test('of the table come last, unless the most specific ones are to win', () => {
    expect(seen(routesOf(levels.routes, levels))).toEqual(['x-a: table']);
    const table = `${levels.table}\nmost_specific_header_mutations_wins: true`;
    expect(seen(routesOf(levels.routes, { ...levels, table }))).toEqual(['x-a: cluster']);
  });

  test('can refer to the request', () => {
    const value = '%REQ(:path)% %REQ(missing?x-b)% %REQ(x-b):2% 100%% %PROTOCOL% %ROUTE_NAME%';
    const proxy = routesOf(
      `[{name: r, match: {prefix: /}, route: {cluster: a}, request_headers_to_add: [${add('x-a', value)}]}]`,
    );
    expect(seen(proxy, { 'x-b': 'abc' })).toEqual(['x-b: abc', 'x-a: / abc ab 100% HTTP/1.1 r']);
  });

  test('whose values nobody can know are named', () => {
    const proxy = routesOf(
      `[{match: {prefix: /}, route: {cluster: a}, request_headers_to_add: [${add('x-a', '%START_TIME%')}]}]`,
    );
    expect(targetOf(proxy, request('/')).request.madeUpHeaders).toEqual(['x-a', 'x-request-id']);
  });
});

test('response headers are those of all levels, for answers of the proxy as well', () => {
  const more = {
    host: `response_headers_to_remove: [server]`,
    table: `response_headers_to_add: [${add('x-t', '1')}]`,
  };
  const own = `response_headers_to_add: [${add('x-r', '%REQ(:method)%')}]`;
  const proxy = routesOf(
    `[{match: {path: /direct}, direct_response: {status: 418, body: {inline_string: tea}}, ${own}}, {match: {prefix: /}, route: {cluster: a}, ${own}}]`,
    more,
  );
  const changes = [
    { action: 'append', name: 'x-r', value: 'GET' },
    { action: 'remove', name: 'server', value: null },
    { action: 'append', name: 'x-t', value: '1' },
  ];
  expect(targetOf(proxy, request('/')).responseHeaders).toEqual(changes);
  expect(choiceOf(proxy, request('/direct')).action).toEqual({
    type: 'respond',
    by: 'route',
    status: 418,
    reason: 'the route answers by itself',
    headers: [],
    responseHeaders: changes,
    body: 'tea',
  });
});

test('the answer of a fault sees the request as it came', () => {
  const proxy = routesOf(
    `[{match: {prefix: /}, route: {cluster: a}, request_headers_to_add: [${add('x-a', 'new')}], response_headers_to_add: [${add('x-r', '%REQ(x-a)%')}]}]`,
  );
  const { responseHeaders, abortHeaders } = targetOf(proxy, request('/'));
  expect([responseHeaders, abortHeaders]).toEqual([[{ action: 'append', name: 'x-r', value: 'new' }], []]);
});
