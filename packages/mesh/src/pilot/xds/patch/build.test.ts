import { pathText } from '@lateen/api/field-path.ts';
import { expect, test } from 'vitest';
import { built } from './testing/patches-of.ts';

test('reads every field of a patch', () => {
  const { patches, problems } = built(`
- applyTo: HTTP_FILTER
  match:
    context: SIDECAR_INBOUND
    proxy: {proxyVersion: '^1\\.2[0-9]', metadata: {CLUSTER_ID: here}}
    listener:
      name: virtualInbound
      portNumber: 9080
      filterChain:
        name: c
        sni: a.example.com
        transportProtocol: tls
        applicationProtocols: h2, http/1.1
        destinationPort: 81
        filter: {name: envoy.filters.network.http_connection_manager, subFilter: {name: envoy.filters.http.router}}
  patch: {operation: ADD, filterClass: AUTHZ, value: {name: lua}}
- applyTo: HTTP_ROUTE
  match:
    routeConfiguration:
      name: http.80
      portNumber: 80
      portName: HTTP
      gateway: default/bookinfo
      vhost: {name: "a:80", domainName: a, route: {name: default, action: ROUTE}}
  patch: {operation: MERGE, value: {name: x}}
- applyTo: CLUSTER
  match: {cluster: {name: c, service: s, subset: v1, portNumber: 82}}
  patch: {operation: REMOVE}`);
  expect(problems).toEqual([]);
  expect(patches.map(({ value, ...patch }) => ({ ...patch, schema: value?.schema.typeName }))).toEqual([
    {
      source: { kind: 'EnvoyFilter', namespace: 'default', name: 'f', path: 'spec.configPatches[0]' },
      ...{ target: 'HTTP_FILTER', operation: 'ADD', context: 'SIDECAR_INBOUND', filterClass: 'AUTHZ' },
      proxy: { version: /^1\.2[0-9]/, metadata: { CLUSTER_ID: 'here' } },
      listener: {
        ...{ name: 'virtualInbound', port: 9080 },
        chain: {
          ...{ name: 'c', sni: 'a.example.com', transportProtocol: 'tls', destinationPort: 81 },
          applicationProtocols: ['h2', 'http/1.1'],
          ...{ filter: 'envoy.filters.network.http_connection_manager', httpFilter: 'envoy.filters.http.router' },
        },
      },
      schema: 'envoy.extensions.filters.network.http_connection_manager.v3.HttpFilter',
    },
    {
      source: { kind: 'EnvoyFilter', namespace: 'default', name: 'f', path: 'spec.configPatches[1]' },
      ...{ target: 'HTTP_ROUTE', operation: 'MERGE', context: 'ANY', filterClass: 'UNSPECIFIED' },
      proxy: { metadata: {} },
      routes: {
        ...{ name: 'http.80', port: 80, portName: 'http', gateway: 'default/bookinfo' },
        host: { name: 'a:80', domain: 'a', route: { name: 'default', action: 'ROUTE' } },
      },
      schema: 'envoy.config.route.v3.Route',
    },
    {
      source: { kind: 'EnvoyFilter', namespace: 'default', name: 'f', path: 'spec.configPatches[2]' },
      ...{ target: 'CLUSTER', operation: 'REMOVE', context: 'ANY', filterClass: 'UNSPECIFIED' },
      proxy: { metadata: {} },
      cluster: { name: 'c', service: 's', subset: 'v1', port: 82 },
      schema: undefined,
    },
  ]);
});

test.each([
  [
    '{applyTo: CLUSTER, patch: {operation: MERGE, value: {conect_timeout: 1s}}}',
    "patch.value.conect_timeout: unknown field 'conect_timeout' of envoy.config.cluster.v3.Cluster, did you mean 'connect_timeout'?",
  ],
  [
    '{applyTo: HTTP_FILTER, patch: {operation: ADD, value: {name: l, typed_config: {"@type": type.googleapis.com/envoy.config.filter.http.lua.v2.Lua}}}}',
    'patch.value.typed_config["@type"]: this Envoy has no type envoy.config.filter.http.lua.v2.Lua, did you mean \'envoy.extensions.filters.http.lua.v3.Lua\'?',
  ],
  [
    '{applyTo: CLUSTER, patch: {operation: ADD, value: {connect_timeout: 1s}}}',
    'patch.value.name: is required: Envoy knows it by its name',
  ],
])('refuses %s', (patch, problem) => {
  const { problems } = built(`[${patch}]`);
  expect(problems.map((each) => `${pathText(each.path)}: ${each.message}`)).toEqual([
    `spec.configPatches[0].${problem}`,
  ]);
});

test('inserting where there is no order is adding', () => {
  const { patches } = built(`
- {applyTo: CLUSTER, patch: {operation: INSERT_FIRST, value: {name: c}}}
- {applyTo: VIRTUAL_HOST, patch: {operation: INSERT_BEFORE, value: {name: v}}}
- {applyTo: HTTP_ROUTE, patch: {operation: INSERT_FIRST, value: {name: r}}}`);
  expect(patches.map(({ operation }) => operation)).toEqual(['ADD', 'ADD', 'INSERT_FIRST']);
});
