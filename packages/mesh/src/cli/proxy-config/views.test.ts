import type { GatewayStatus } from '@lateen/api/admin.ts';
import { EGRESS_GATEWAY, INGRESS_GATEWAY } from '@lateen/api/gateway-workload.ts';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { bookinfoStatus } from '../fixtures/bookinfo-status.ts';
import { bootstrapView } from './bootstrap.ts';
import { clustersView } from './clusters.ts';
import { endpointsView } from './endpoints.ts';
import { clusterHealth } from './health.ts';
import { listenersView } from './listeners.ts';
import { routesView } from './routes.ts';
import { secretsView } from './secrets.ts';
import { findTarget } from './target.ts';
import type { Filters, Messages } from './view.ts';

const ALL: Filters = { name: undefined, fqdn: undefined, port: undefined, subset: undefined, direction: undefined };
const read = (yaml: string) => parse(yaml) as Messages;
const from = (line: number, file = 'a.yaml') =>
  `metadata: {filter_metadata: {lateen: {sources: [{kind: Service, namespace: default, name: a, file: ${file}, line: ${line}}]}}}`;

describe('clusters', () => {
  const clusters = read(`
- {name: "outbound|80|v1|a.default.svc.cluster.local", type: EDS, ${from(3)}}
- {name: "outbound|80||a.default.svc.cluster.local", type: EDS, metadata: {filter_metadata: {lateen: {sources: [{kind: Service, namespace: x, name: built-in}]}}}}
- {name: "inbound|8080||"}
- {name: PassthroughCluster, cluster_type: {name: envoy.clusters.dynamic_forward_proxy}}`);
  const health = clusterHealth(
    parse(`
cluster_statuses:
- name: outbound|80|v1|a.default.svc.cluster.local
  host_statuses:
  - {address: {socket_address: {address: 127.0.0.1, port_value: 1}}, health_status: {eds_health_status: HEALTHY}}
  - {address: {socket_address: {address: 127.0.0.1, port_value: 2}}, health_status: {failed_outlier_check: true, eds_health_status: HEALTHY}}
  - {address: {socket_address: {address: 127.0.0.1, port_value: 3}}, health_status: {eds_health_status: DRAINING}}
  - {address: {socket_address: {address: "::1", port_value: 4}}, health_status: {failed_active_health_check: true}}`),
  );

  test('each with its parts, its endpoints and where it came from', () => {
    const { titles, rows } = clustersView(clusters, health, ALL);
    expect(titles.at(-1)).toBe('source');
    expect(rows).toEqual([
      ['', '8080', '', 'inbound', 'STATIC', '', ''],
      ['PassthroughCluster', '', '', '', 'dynamic_forward_proxy', '', ''],
      ['a.default.svc.cluster.local', '80', '', 'outbound', 'EDS', '', 'Service x/built-in'],
      ['a.default.svc.cluster.local', '80', 'v1', 'outbound', 'EDS', '1/4', 'a.yaml:3'],
    ]);
    expect([...(health.values().next().value ?? [])]).toEqual([
      ['127.0.0.1:1', 'HEALTHY'],
      ['127.0.0.1:2', 'OUTLIER'],
      ['127.0.0.1:3', 'DRAINING'],
      ['[::1]:4', 'UNHEALTHY'],
    ]);
  });

  test.each<[Partial<Filters>, number]>([
    [{ name: 'PassthroughCluster' }, 1],
    [{ fqdn: 'a.default.svc.cluster.local' }, 2],
    [{ fqdn: 'a.default.svc.cluster.local', subset: 'v1' }, 1],
    [{ port: 8080 }, 1],
    [{ direction: 'outbound' }, 2],
    [{ fqdn: 'b' }, 0],
  ])('with %o', (filters, count) => {
    const view = clustersView(clusters, undefined, { ...ALL, ...filters });
    expect(view.rows).toHaveLength(count);
    expect(view.document).toHaveLength(count);
  });
});

test('endpoints, those of EDS and those in clusters', () => {
  const host = (port: number, more = '') =>
    `{endpoint: {address: {socket_address: {address: 127.0.0.1, port_value: ${port}}}}${more}}`;
  const source = 'sources: [{kind: Deployment, namespace: default, name: a, file: d.yaml, line: 7}]';
  const { rows } = endpointsView(
    read(`
- cluster_name: outbound|80||a.default.svc.cluster.local
  endpoints: [{lb_endpoints: [${host(2, `, metadata: {filter_metadata: {lateen: {instance: a-1.default, ${source}}}}`)}, ${host(1)}]}]`),
    read(`
- {name: "inbound|80||", load_assignment: {cluster_name: "inbound|80||", endpoints: [{lb_endpoints: [${host(3)}]}]}, ${from(9)}}
- {name: eds}`),
    new Map([['outbound|80||a.default.svc.cluster.local', new Map([['127.0.0.1:1', 'HEALTHY']])]]),
    ALL,
  );
  expect(rows).toEqual([
    ['127.0.0.1:3', '', 'inbound|80||', '', 'a.yaml:9'],
    ['127.0.0.1:1', 'HEALTHY', 'outbound|80||a.default.svc.cluster.local', '', ''],
    ['127.0.0.1:2', '', 'outbound|80||a.default.svc.cluster.local', 'a-1.default', 'd.yaml:7'],
  ]);
});

const HCM = 'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager';
const LISTENERS = read(`
- name: inbound|8080
  traffic_direction: INBOUND
  address: {socket_address: {address: 127.0.0.1, port_value: 20000}}
  ${from(5)}
  filter_chains:
  - filter_chain_match: {transport_protocol: tls, application_protocols: [istio, h2], server_names: [a.example.com]}
    filters: [{name: hcm, typed_config: {"@type": ${HCM}, route_config: {name: in, virtual_hosts: []}}}]
  - filters: [{name: hcm, typed_config: {"@type": ${HCM}, route_config: {name: in, virtual_hosts: []}}}]
- name: outbound|80||a
  traffic_direction: OUTBOUND
  address: {socket_address: {address: "::1", port_value: 20001}}
  filter_chains:
  - filter_chain_match: {prefix_ranges: [{address_prefix: 10.0.0.1, prefix_len: 32}], destination_port: 80}
    filters: [{name: rbac}, {name: tcp, typed_config: {"@type": x.v3.TcpProxy, cluster: c}}]
  - filters: [{name: tcp, typed_config: {"@type": x.v3.TcpProxy, weighted_clusters: {clusters: [{name: c}, {name: d}]}}}]
  default_filter_chain: {filters: [{name: hcm, typed_config: {"@type": ${HCM}, rds: {route_config_name: table}}}]}
- {name: pipe, address: {pipe: {path: /a.sock}}, filter_chains: [{filters: [{name: echo}]}]}`);

describe('listeners', () => {
  test('a row for each chain', () => {
    expect(listenersView(LISTENERS, ALL).rows).toEqual([
      [
        'inbound|8080',
        '127.0.0.1:20000',
        'trans: tls; SNI: a.example.com; app: istio +1',
        'Inline route: in',
        'a.yaml:5',
      ],
      ['inbound|8080', '127.0.0.1:20000', 'all', 'Inline route: in', 'a.yaml:5'],
      ['outbound|80||a', '[::1]:20001', 'addr: 10.0.0.1/32; port: 80', 'Cluster: c', ''],
      ['outbound|80||a', '[::1]:20001', 'all', 'Cluster: c +1', ''],
      ['outbound|80||a', '[::1]:20001', 'all others', 'Route: table', ''],
      ['pipe', '/a.sock', 'all', 'echo', ''],
    ]);
  });

  test.each<[Partial<Filters>, string[]]>([
    [{ port: 8080 }, ['inbound|8080']],
    [{ port: 20_001 }, ['outbound|80||a']],
    [{ direction: 'inbound' }, ['inbound|8080']],
    [{ name: 'pipe' }, ['pipe']],
  ])('with %o', (filters, names) => {
    const { document } = listenersView(LISTENERS, { ...ALL, ...filters });
    expect((document as Messages).map(({ name }) => name)).toEqual(names);
  });
});

describe('routes', () => {
  const tables = read(`
- name: b
  virtual_hosts:
  - name: reviews.default.svc.cluster.local:80
    domains: ["reviews:80", "reviews.default:80"]
    routes:
    - {match: {connect_matcher: {}}, route: {cluster: c}, ${from(1)}}
    - {match: {path: /a, headers: [{name: user, string_match: {exact: jason}}, {name: x, invert_match: true, present_match: true}]}, route: {cluster: c}}
    - {match: {path_separated_prefix: /p, query_parameters: [{name: q, string_match: {prefix: z}}]}, direct_response: {status: 404}}
    - {match: {safe_regex: {regex: "/r.*"}, headers: [{name: h, string_match: {safe_regex: {regex: "[0-9]"}}}]}, redirect: {scheme_redirect: https, host_redirect: b}}
    - {match: {prefix: /}, route: {weighted_clusters: {clusters: [{name: c, weight: 80}, {name: d, weight: 20}]}}}
- {name: a, virtual_hosts: [{name: all, domains: ["*"], routes: [{match: {prefix: /}, route: {cluster_header: x-c}}]}]}`);

  test('a row for each, in their order, and those in listeners once', () => {
    const host = 'reviews.default.svc.cluster.local:80';
    expect(routesView(tables, LISTENERS, ALL).rows).toEqual([
      ['a', 'all', '*', '/*', 'x-c', ''],
      ['b', host, 'reviews:80 +1', 'CONNECT', 'c', 'a.yaml:1'],
      ['b', host, 'reviews:80 +1', '/a user=jason !x', 'c', ''],
      ['b', host, 'reviews:80 +1', '/p/* ?q=z*', 'answer: 404', ''],
      ['b', host, 'reviews:80 +1', '~/r.* h~[0-9]', 'redirect: https b', ''],
      ['b', host, 'reviews:80 +1', '/*', 'c (80), d (20)', ''],
    ]);
    expect(routesView(tables, LISTENERS, ALL).document).toHaveLength(3);
  });

  test.each<[Partial<Filters>, number]>([
    [{ name: 'a' }, 1],
    [{ fqdn: 'reviews.default.svc.cluster.local' }, 5],
    [{ fqdn: 'reviews.default' }, 5],
    [{ fqdn: 'ratings' }, 0],
  ])('with %o', (filters, count) => {
    expect(routesView(tables, [], { ...ALL, ...filters }).rows).toHaveLength(count);
  });
});

/** For spiffe://cluster.local/ns/default/sa/a, until 2126. */
const CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIIBrDCCAVKgAwIBAgIEEjSrzTAKBggqhkjOPQQDAjAYMRYwFAYDVQQKDA1jbHVz
dGVyLmxvY2FsMCAXDTI2MTEyMzE0MzYxNFoYDzIxMjYxMDMwMTQzNjE0WjAYMRYw
FAYDVQQKDA1jbHVzdGVyLmxvY2FsMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE
3YTyQLj+PvqXCRcAmRfEtJsVr//hTGe+gkOn9BM5DKQGMkNzJnUojCU7hoNIBfns
QYg5z0hXLHa2CrIOekXSMKOBhzCBhDAdBgNVHQ4EFgQUF7nQwfKWVWjr73JMcCdk
Y87MIiMwHwYDVR0jBBgwFoAUF7nQwfKWVWjr73JMcCdkY87MIiMwDwYDVR0TAQH/
BAUwAwEB/zAxBgNVHREEKjAohiZzcGlmZmU6Ly9jbHVzdGVyLmxvY2FsL25zL2Rl
ZmF1bHQvc2EvYTAKBggqhkjOPQQDAgNIADBFAiEA6UrVhE25nTy8Cm9vDfvnnj8r
779h9Uomgnywl1Yn6r8CIEWa5hUBrOSg5sPs+4il+leCxqAIkYme1Z4JkHFTE0u3
-----END CERTIFICATE-----
`;

test('secrets tell of certificates, and never of keys', () => {
  const chain = Buffer.from(CERTIFICATE.repeat(2)).toString('base64');
  const answer = {
    configs: [
      {
        name: 'default',
        version_info: '1',
        last_updated: '2026-11-23T14:00:00.000Z',
        secret: {
          tls_certificate: {
            certificate_chain: { inline_bytes: chain },
            private_key: { inline_bytes: Buffer.from('PRIVATE').toString('base64') },
          },
        },
      },
      { name: 'ROOTCA', secret: { validation_context: { trusted_ca: { inline_string: CERTIFICATE.repeat(2) } } } },
    ],
  };
  const warming = { configs: [{ name: 'later', secret: { name: 'later' } }] };
  const view = secretsView(
    [
      { status: 'ACTIVE', answer },
      { status: 'WARMING', answer: warming },
      { status: 'ACTIVE', answer: {} },
    ],
    ALL,
  );
  const certificate = [
    'spiffe://cluster.local/ns/default/sa/a',
    '1234abcd',
    '2126-10-30T14:36:14.000Z',
    'O=cluster.local',
  ];
  expect(view.rows).toEqual([
    ['ROOTCA', 'roots', 'ACTIVE', ...certificate],
    ['ROOTCA', 'roots', 'ACTIVE', ...certificate],
    ['default', 'certificate', 'ACTIVE', ...certificate],
    ['later', 'secret', 'WARMING', '', '', '', ''],
  ]);
  const printed = JSON.stringify(view);
  expect(printed).not.toContain('PRIVATE');
  expect(printed).not.toContain(Buffer.from('PRIVATE').toString('base64'));
  expect(secretsView([{ status: 'ACTIVE', answer }], { ...ALL, name: 'default' }).rows).toHaveLength(1);
});

test('a bootstrap, without the token by which an Envoy is drained and without what Envoy says of itself', () => {
  const view = bootstrapView({
    configs: [
      { '@type': 'type.googleapis.com/envoy.admin.v3.ClustersConfigDump' },
      {
        '@type': 'type.googleapis.com/envoy.admin.v3.BootstrapConfigDump',
        bootstrap: parse(`
node:
  id: sidecar~a
  cluster: a
  metadata: {NAME: a-0, LABELS: {app: a}}
  user_agent_build_version: {version: {major_number: 1, minor_number: 40}}
  extensions: [{name: x}]
admin:
  address: {socket_address: {address: 127.0.0.1, port_value: 15000}}
  allow_paths: [{exact: /}, {exact: "/drain_listeners?graceful&secret"}]
dynamic_resources: {ads_config: {grpc_services: [{envoy_grpc: {cluster_name: xds-grpc}}]}}
static_resources:
  clusters: [{name: xds-grpc, load_assignment: {endpoints: [{lb_endpoints: [{endpoint: {address: {pipe: {path: /xds.sock}}}}]}]}}]
  listeners: [{name: mine, address: {socket_address: {address: 0.0.0.0, port_value: 80}}}]`),
      },
    ],
  });
  expect(view.rows).toEqual([
    ['node', 'sidecar~a'],
    ['cluster', 'a'],
    ['envoy', '1.40.0'],
    ['metadata LABELS', '{"app":"a"}'],
    ['metadata NAME', 'a-0'],
    ['admin', '127.0.0.1:15000'],
    ['configuration from', 'xds-grpc'],
    ['static cluster xds-grpc', '/xds.sock'],
    ['static listener mine', '0.0.0.0:80'],
  ]);
  expect(JSON.stringify(view.document)).not.toContain('secret');
  expect(view.document).toMatchObject({
    admin: { allow_paths: [{ exact: '/' }, { exact: '/drain_listeners?[redacted]' }] },
  });
  expect(view.document).not.toHaveProperty('node.extensions');
});

describe('a workload', () => {
  const status = bookinfoStatus();
  const [first] = status.workloads;
  const [gateway] = status.gateways;
  const named = (word: string, namespace?: string) => {
    const { name, replicas } = findTarget(status, word, namespace);
    return `${name} of ${replicas}`;
  };

  test('is found by replica, by Deployment, with a namespace, and as a gateway', () => {
    const { name = '', workload = '', namespace = '' } = first ?? {};
    const count = status.workloads.filter((each) => each.workload === workload).length;
    expect(named(name)).toBe(`${name} of 1`);
    expect(named(`${name}.${namespace}`)).toBe(`${name} of 1`);
    expect(named(`pod/${name}`, namespace)).toBe(`${name} of 1`);
    expect(named(`deploy/${workload}`)).toBe(`${name} of ${count}`);
    expect(named(`${gateway?.name}.${gateway?.namespace}`)).toBe(`${gateway?.name} of 1`);
  });

  test('`gateway` is the ingress gateway, whichever others there are', () => {
    const gateways = [EGRESS_GATEWAY, INGRESS_GATEWAY].map((each) => ({ ...(gateway as GatewayStatus), ...each }));
    expect(findTarget({ ...status, gateways }, 'gateway', undefined).name).toBe(INGRESS_GATEWAY.name);
  });

  test('that is not there is told with those that are', () => {
    expect(() => named(`${first?.workload}x`)).toThrow(/^There is no workload ".*x", did you mean '/);
    expect(() => named(first?.name ?? '', 'other')).toThrow('There is no workload');
  });
});
