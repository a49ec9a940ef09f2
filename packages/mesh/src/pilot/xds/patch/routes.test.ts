import { type RouteConfiguration, RouteConfigurationSchema } from '@lateen/envoy-api/envoy/config/route/v3/route_pb.js';
import { describe, expect, test } from 'vitest';
import { sourcesIn } from '../translate/metadata.ts';
import type { TableFacts } from './match.ts';
import { concernsHost, patchRouteConfiguration } from './routes.ts';
import { messageOf, patchesOf, plain } from './testing/patches-of.ts';

const BEFORE = `
name: http.80
virtual_hosts:
  - name: a:80
    domains: [a, "a:80"]
    routes:
      - {name: one, match: {prefix: /one}, route: {cluster: c}}
      - {name: two, match: {prefix: /two}, redirect: {host_redirect: b}}
      - {name: three, match: {prefix: /}, direct_response: {status: 204}}
  - name: b:81
    domains: [b]
    routes: [{name: four, match: {prefix: /}, route: {cluster: c}}]
`;

const facts: TableFacts = {
  context: 'GATEWAY',
  names: ['http.80'],
  ports: [80],
  portNames: ['http'],
  gateways: ['default/bookinfo'],
  routeNames: ({ name }) => (name === 'one' ? ['of the rule'] : []),
};

function patched(patches: string, with_: Partial<TableFacts> = {}) {
  const before = messageOf<RouteConfiguration>(RouteConfigurationSchema, BEFORE);
  const applied = new Set<never>();
  const after = patchRouteConfiguration(before, { ...facts, ...with_ }, patchesOf(patches), applied as never);
  return { after, applied: applied.size, isSame: after === before };
}

const hostNames = ({ after }: { after: RouteConfiguration }) => after.virtualHosts.map(({ name }) => name);
const routeNames = ({ after }: { after: RouteConfiguration }, host = 0) =>
  after.virtualHosts[host]?.routes.map(({ name }) => name);

describe('a route configuration is found by', () => {
  const merge = (match: string) =>
    `[{applyTo: ROUTE_CONFIGURATION, match: {${match}}, patch: {operation: MERGE, value: {max_direct_response_body_size_bytes: 7}}}]`;

  test.each([
    'context: GATEWAY',
    'routeConfiguration: {name: http.80}',
    'routeConfiguration: {portNumber: 80}',
    'routeConfiguration: {portName: HTTP}',
    'routeConfiguration: {gateway: default/bookinfo}',
  ])('%s', (match) => {
    const { after, applied } = patched(merge(match));
    expect(applied).toBe(1);
    expect(after.maxDirectResponseBodySizeBytes).toBe(7);
    expect(sourcesIn(after.metadata)).toHaveLength(1);
  });

  test.each([
    'context: SIDECAR_OUTBOUND',
    'routeConfiguration: {name: http.81}',
    'routeConfiguration: {portNumber: 81}',
    'routeConfiguration: {portName: grpc}',
    'routeConfiguration: {gateway: default/other}',
  ])('not by %s', (match) => {
    expect(patched(merge(match))).toMatchObject({ applied: 0, isSame: true });
  });
});

describe('virtual hosts', () => {
  test.each([
    ['{name: "a:80"}', ['b:81']],
    ['{domainName: b}', ['a:80']],
    ['{domainName: c}', ['a:80', 'b:81']],
    ['{}', []],
  ])('%s can be removed', (vhost, left) => {
    const patch = `[{applyTo: VIRTUAL_HOST, match: {routeConfiguration: {vhost: ${vhost}}}, patch: {operation: REMOVE}}]`;
    expect(hostNames(patched(patch))).toEqual(left);
  });

  test('are added, replaced and merged', () => {
    const result = patched(`
- {applyTo: VIRTUAL_HOST, match: {routeConfiguration: {vhost: {name: "a:80"}}}, patch: {operation: MERGE, value: {include_request_attempt_count: true}}}
- {applyTo: VIRTUAL_HOST, match: {routeConfiguration: {vhost: {name: "b:81"}}}, patch: {operation: REPLACE, value: {name: B, domains: [bb]}}}
- {applyTo: VIRTUAL_HOST, patch: {operation: ADD, value: {name: c, domains: [c]}}}`);
    expect(hostNames(result)).toEqual(['a:80', 'B', 'c']);
    expect(result.applied).toBe(3);
    expect(result.after.virtualHosts[0]).toMatchObject({ includeRequestAttemptCount: true, domains: ['a', 'a:80'] });
    expect(result.after.virtualHosts.map(({ metadata }) => sourcesIn(metadata)[0]?.path)).toEqual(
      [0, 1, 2].map((index) => `spec.configPatches[${index}]`),
    );
  });
});

describe('routes', () => {
  const edit = (operation: string, route?: string) =>
    `[{applyTo: HTTP_ROUTE, match: {routeConfiguration: {vhost: {name: "a:80"${route === undefined ? '' : `, route: ${route}`}}}}, patch: {operation: ${operation}, value: {name: new, match: {prefix: /new}, direct_response: {status: 200}}}}]`;

  test.each([
    ['ADD', undefined, ['one', 'two', 'three', 'new']],
    ['INSERT_AFTER', undefined, ['one', 'two', 'three', 'new']],
    ['INSERT_FIRST', undefined, ['new', 'one', 'two', 'three']],
    ['INSERT_BEFORE', undefined, ['new', 'one', 'two', 'three']],
    ['INSERT_BEFORE', '{name: two}', ['one', 'new', 'two', 'three']],
    ['INSERT_AFTER', '{name: of the rule}', ['one', 'new', 'two', 'three']],
    ['INSERT_AFTER', '{name: nowhere}', ['one', 'two', 'three']],
    ['INSERT_FIRST', '{action: DIRECT_RESPONSE}', ['one', 'two', 'new', 'three']],
    ['REMOVE', '{name: two}', ['one', 'three']],
    ['REMOVE', '{action: REDIRECT}', ['one', 'three']],
    ['REMOVE', '{action: ROUTE}', ['two', 'three']],
    ['REMOVE', '{action: ANY}', []],
    ['REMOVE', undefined, []],
  ])('%s %s', (operation, route, expected) => {
    expect(routeNames(patched(edit(operation, route)))).toEqual(expected);
    expect(routeNames(patched(edit(operation, route)), 1)).toEqual(['four']);
  });

  test('are merged, and say who did it', () => {
    const { after } = patched(`
- applyTo: HTTP_ROUTE
  match: {routeConfiguration: {vhost: {route: {action: ROUTE}}}}
  patch: {operation: MERGE, value: {route: {timeout: 3s}, request_headers_to_remove: [x]}}`);
    const [first, second] = after.virtualHosts[0]?.routes ?? [];
    expect(plain(first)).toEqual({
      ...{ name: 'one', match: { prefix: '/one' } },
      ...{ route: { cluster: 'c', timeout: '3s' }, request_headers_to_remove: ['x'] },
    });
    expect(sourcesIn(first?.metadata)).toHaveLength(1);
    expect(second?.metadata).toBeUndefined();
  });
});

describe('a table for all ports', () => {
  const byHost = { ports: 'by-host', context: 'SIDECAR_OUTBOUND', names: ['http_proxy'] } as const;
  const removal = (match: string) =>
    `[{applyTo: VIRTUAL_HOST, match: {routeConfiguration: {${match}}}, patch: {operation: REMOVE}}]`;

  test.each([
    ['portNumber: 81', ['a:80']],
    ['name: "81"', ['a:80']],
    ['name: http_proxy', []],
    ['name: http_proxy, portNumber: 80', ['b:81']],
    ['portNumber: 82', ['a:80', 'b:81']],
    ['name: http.80', ['a:80', 'b:81']],
  ])('%s is asked of its hosts', (match, left) => {
    expect(hostNames(patched(removal(match), byHost))).toEqual(left);
  });

  test('is not meant by a patch for one port', () => {
    const add =
      '[{applyTo: VIRTUAL_HOST, match: {routeConfiguration: {portNumber: 81}}, patch: {operation: ADD, value: {name: c}}}]';
    expect(patched(add, byHost)).toMatchObject({ applied: 0, isSame: true });
  });
});

test('it can be told without a look at the routes that no patch is for a host', () => {
  const patches = patchesOf(`
- {applyTo: HTTP_ROUTE, match: {routeConfiguration: {vhost: {name: "a:80", route: {name: x}}}}, patch: {operation: REMOVE}}
- {applyTo: VIRTUAL_HOST, match: {context: SIDECAR_INBOUND}, patch: {operation: REMOVE}}`);
  const { virtualHosts } = messageOf<RouteConfiguration>(RouteConfigurationSchema, BEFORE);
  expect(virtualHosts.map((host) => concernsHost(host, facts, patches))).toEqual([true, false]);
});
