import type { Listener } from '@lateen/envoy-api/envoy/config/listener/v3/listener_pb.js';
import { ListenerSchema } from '@lateen/envoy-api/envoy/config/listener/v3/listener_pb.js';
import { describe, expect, test } from 'vitest';
import { patchListener } from './listeners.ts';
import type { ListenerFacts } from './match.ts';
import { messageOf, patchesOf, plain } from './testing/patches-of.ts';

const HCM = 'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager';
const facts = {
  context: 'SIDECAR_INBOUND',
  names: ['in'],
  ports: [9080],
  portNames: ['http'],
} as const satisfies ListenerFacts;
const table = { ...facts, gateways: [], routeNames: () => [] };

/** A listener with an HTTP connection manager that has these filters, a router being the last. */
function listener(names: readonly string[], last = 'envoy.filters.http.router'): Listener {
  const filters = [
    ...names.map((name) => ({
      name,
      typed_config: { '@type': 'type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua', stat_prefix: name },
    })),
    { name: last, typed_config: { '@type': 'type.googleapis.com/envoy.extensions.filters.http.router.v3.Router' } },
  ];
  const manager = { '@type': HCM, stat_prefix: 'x', http_filters: filters };
  return messageOf(
    ListenerSchema,
    JSON.stringify({
      name: 'in',
      filter_chains: [
        { name: 'http', filters: [{ name: 'envoy.filters.network.http_connection_manager', typed_config: manager }] },
      ],
    }),
  );
}

interface PlainFilter {
  readonly name: string;
  readonly typed_config: { readonly http_filters: readonly PlainFilter[]; readonly stat_prefix?: string };
}

function httpFilters(patched: Listener | undefined): readonly PlainFilter[] {
  const { filter_chains } = plain(patched) as { filter_chains: { filters: PlainFilter[] }[] };
  return filter_chains[0]?.filters.at(-1)?.typed_config.http_filters ?? [];
}

/** An HTTP_FILTER patch that puts a Lua filter of this name somewhere. */
function patchFor(operation: string, name: string, more: { subFilter?: string; filterClass?: string } = {}): string {
  const match =
    more.subFilter === undefined
      ? {}
      : { filter: { name: 'envoy.filters.network.http_connection_manager', subFilter: { name: more.subFilter } } };
  const lua = { '@type': 'type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua', stat_prefix: `of ${name}` };
  return JSON.stringify({
    applyTo: 'HTTP_FILTER',
    match: { listener: { filterChain: match } },
    patch: {
      operation,
      ...(more.filterClass === undefined ? {} : { filterClass: more.filterClass }),
      ...(operation === 'REMOVE' ? {} : { value: { name, typed_config: lua } }),
    },
  });
}

function applied(before: Listener, ...patches: string[]) {
  const done = new Set<{ readonly source: { readonly path?: string } }>();
  const patched = patchListener(before, facts, () => table, patchesOf(`[${patches.join(',')}]`), done as never);
  return {
    names: httpFilters(patched).map(({ name }) => name),
    done: [...done].map(({ source }) => source.path),
    isSame: patched === before,
  };
}

describe('in a chain [a, b, router],', () => {
  test.each([
    ['ADD puts a filter in front of the one that ends the chain', patchFor('ADD', 'new'), ['a', 'b', 'new', 'router']],
    ['INSERT_FIRST puts it at the front', patchFor('INSERT_FIRST', 'new'), ['new', 'a', 'b', 'router']],
    ['INSERT_BEFORE without a filter named, too', patchFor('INSERT_BEFORE', 'new'), ['new', 'a', 'b', 'router']],
    ['INSERT_AFTER without a filter named is ADD', patchFor('INSERT_AFTER', 'new'), ['a', 'b', 'new', 'router']],
    ['INSERT_BEFORE one', patchFor('INSERT_BEFORE', 'new', { subFilter: 'b' }), ['a', 'new', 'b', 'router']],
    ['INSERT_AFTER one', patchFor('INSERT_AFTER', 'new', { subFilter: 'a' }), ['a', 'new', 'b', 'router']],
    ['REPLACE one', patchFor('REPLACE', 'new', { subFilter: 'a' }), ['new', 'b', 'router']],
    ['REMOVE one', patchFor('REMOVE', '', { subFilter: 'b' }), ['a', 'router']],
    ['MERGE can give another name', patchFor('MERGE', 'new', { subFilter: 'b' }), ['a', 'new', 'router']],
    [
      'the names of old versions are known',
      patchFor('INSERT_BEFORE', 'new', { subFilter: 'envoy.router' }),
      ['a', 'b', 'new', 'router'],
    ],
  ])('%s', (_, patch, expected) => {
    const { names, done } = applied(listener(['a', 'b']), patch);
    expect(names).toEqual(expected.map((name) => (name === 'router' ? 'envoy.filters.http.router' : name)));
    expect(done).toEqual(['spec.configPatches[0]']);
  });

  test.each(['INSERT_BEFORE', 'INSERT_AFTER', 'REPLACE', 'REMOVE', 'MERGE'])(
    '%s beside nothing changes nothing',
    (operation) => {
      expect(applied(listener(['a', 'b']), patchFor(operation, 'new', { subFilter: 'c' }))).toMatchObject({
        done: [],
        isSame: true,
      });
    },
  );
});

test('a filter that ends the chain is added behind all others', () => {
  const router = JSON.stringify({
    applyTo: 'HTTP_FILTER',
    patch: {
      operation: 'ADD',
      value: { name: 'r2', typed_config: { '@type': 'a/envoy.extensions.filters.http.router.v3.Router' } },
    },
  });
  expect(applied(listener(['a']), router).names).toEqual(['a', 'envoy.filters.http.router', 'r2']);
});

test('filters of a class stand in the order of the patches, relative to those of the mesh', () => {
  const classes = ['AUTHN', 'STATS', 'AUTHZ', 'AUTHN', 'STATS', 'AUTHZ'];
  const patches = classes.map((filterClass, index) => patchFor('ADD', `${filterClass}-${index}`, { filterClass }));
  expect(
    applied(
      listener(['cors', 'envoy.filters.http.jwt_authn', 'envoy.filters.http.rbac', 'fault', 'istio.stats']),
      ...patches,
    ).names,
  ).toEqual([
    ...['cors', 'envoy.filters.http.jwt_authn', 'AUTHN-0', 'AUTHN-3', 'envoy.filters.http.rbac', 'AUTHZ-2', 'AUTHZ-5'],
    ...['fault', 'STATS-1', 'STATS-4', 'istio.stats', 'envoy.filters.http.router'],
  ]);
  expect(applied(listener(['fault']), ...patches).names).toEqual([
    ...['AUTHN-0', 'AUTHN-3', 'AUTHZ-2', 'AUTHZ-5', 'fault', 'STATS-1', 'STATS-4', 'envoy.filters.http.router'],
  ]);
});

test('what one patch inserts, a later one can find, and MERGE comes after all of them', () => {
  const { names, done } = applied(
    listener([]),
    patchFor('MERGE', 'c', { subFilter: 'b' }),
    patchFor('INSERT_FIRST', 'a'),
    patchFor('INSERT_AFTER', 'b', { subFilter: 'a' }),
  );
  expect(names).toEqual(['a', 'c', 'envoy.filters.http.router']);
  expect(done).toHaveLength(3);
});

describe('MERGE', () => {
  const merge = (applyTo: string, match: object, value: object) =>
    patchesOf(
      JSON.stringify([{ applyTo, match: { listener: { filterChain: match } }, patch: { operation: 'MERGE', value } }]),
    );

  test('puts fields into the configuration of a filter', () => {
    const value = {
      typed_config: { '@type': 'a/envoy.extensions.filters.http.router.v3.Router', suppress_envoy_headers: true },
    };
    const patched = patchListener(listener(['a']), facts, () => table, merge('HTTP_FILTER', {}, value), new Set());
    expect(httpFilters(patched).map(({ typed_config }) => typed_config)).toEqual([
      { '@type': 'type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua', stat_prefix: 'a' },
      { '@type': 'type.googleapis.com/envoy.extensions.filters.http.router.v3.Router', suppress_envoy_headers: true },
    ]);
  });

  test('reaches into the connection manager, whose HTTP filters and routes stay', () => {
    const value = { typed_config: { '@type': HCM, server_name: 'mesh', http_filters: [{ name: 'more' }] } };
    const match = { filter: { name: 'envoy.http_connection_manager' } };
    const patched = patchListener(
      listener(['a']),
      facts,
      () => table,
      merge('NETWORK_FILTER', match, value),
      new Set(),
    );
    expect(plain(patched)).toMatchObject({
      filter_chains: [
        {
          filters: [
            {
              typed_config: {
                stat_prefix: 'x',
                server_name: 'mesh',
                http_filters: [{ name: 'a' }, {}, { name: 'more' }],
              },
            },
          ],
        },
      ],
    });
  });

  test('replaces the configuration of a filter that was named, if it is of another type', () => {
    const value = {
      typed_config: { '@type': 'a/envoy.extensions.filters.http.buffer.v3.Buffer', max_request_bytes: 1 },
    };
    const match = { filter: { name: 'envoy.filters.network.http_connection_manager', subFilter: { name: 'a' } } };
    const patched = patchListener(listener(['a']), facts, () => table, merge('HTTP_FILTER', match, value), new Set());
    expect(httpFilters(patched)[0]).toEqual({
      name: 'a',
      typed_config: {
        '@type': 'type.googleapis.com/envoy.extensions.filters.http.buffer.v3.Buffer',
        max_request_bytes: 1,
      },
    });
  });
});
