import type { Journey } from '@lateen/api/verdict.ts';
import { instanceKey, nodeIdOf } from '@lateen/api/workload-instance.ts';
import { describe, expect, test } from 'vitest';
import type { Pilot } from '../../pilot.ts';
import { gatewayOf, networkingText, pilotOf, serviceText, sidecarOf } from '../../testing/pilot-of.ts';
import { heldConfiguration } from '../../xds/held-configuration.ts';
import type { Call, Payload } from '../call.ts';
import { request as plainRequest, proxyOf } from '../testing/envoy-yaml.ts';
import { followCall } from './journey.ts';
import { instanceMesh, type MeshViewOptions } from './mesh-view.ts';

/** Two versions of an application, each with an instance; ports are 10 apart. */
const instances = ['v1', 'v2'].map((version, index) => {
  const first = 20_000 + index * 10;
  return sidecarOf(`app-${version}`, {
    labels: { app: 'a', version },
    ports: [{ containerPort: 8080, inboundPort: first, appPort: first + 1 }],
    capture: {
      mode: 'explicit',
      httpProxyPort: first + 2,
      servicePorts: { 'a.default.svc.cluster.local:80': first + 3 },
    },
  });
});
const gateway = gatewayOf({ 80: 8080 });

const RULES = [
  serviceText('a', '[{name: http, port: 80, targetPort: 8080}]'),
  networkingText(
    'DestinationRule',
    'a',
    '{host: a, subsets: [{name: v1, labels: {version: v1}}, {name: v2, labels: {version: v2}}]}',
  ),
  networkingText(
    'VirtualService',
    'a',
    '{hosts: [a], http: [{match: [{uri: {prefix: /v2}}], rewrite: {uri: /}, route: [{destination: {host: a, subset: v2}}]}, {match: [{uri: {prefix: /moved}}], redirect: {uri: /v2}}, {route: [{destination: {host: a, subset: v1}, weight: 80}, {destination: {host: a, subset: v2}, weight: 20}]}]}',
  ),
].join('');

function meshOf(pilot: Pilot, more: Partial<MeshViewOptions> = {}) {
  return instanceMesh({
    instances: [...pilot.instances.entries()].map(([, instance]) => instance),
    configurationOf: (instance) => heldConfiguration(pilot.resources, nodeIdOf(instance)),
    certificateOf: ({ namespace, serviceAccount }) => ({
      names: [`spiffe://cluster.local/ns/${namespace}/sa/${serviceAccount}`],
      trusted: true,
    }),
    ...more,
  });
}

function follow(port: number, payload: Payload, text = RULES, more: Partial<MeshViewOptions> = {}): Journey {
  const pilot = pilotOf(text, ...instances, gateway);
  const mesh = meshOf(pilot, more);
  const [first] = instances;
  const proxy = mesh.proxy(port === 8080 ? instanceKey(gateway) : instanceKey(first ?? gateway));
  if (proxy === undefined) throw new Error('the proxy has no configuration');
  return followCall(mesh, proxy, { at: { host: '127.0.0.1', port }, source: { host: '127.0.0.1', port: 0 }, payload });
}

function get(path: string, authority = 'a'): Payload {
  return { type: 'http', protocol: 'http1', request: { method: 'GET', authority, path, headers: [] } };
}

function ends({ outcomes }: Journey): string[] {
  return outcomes.map(({ share, end }) => {
    const what = end.type === 'application' ? end.instance : end.type === 'answer' ? end.status : end.type;
    return `${Math.round(share * 100)} % ${what}`;
  });
}

describe('a call from a sidecar', () => {
  test('goes to the applications, with their shares', () => {
    const journey = follow(20_002, get('/'));
    expect(ends(journey)).toEqual(['80 % app-v1.default', '20 % app-v2.default']);
    expect(journey.unknowns).toEqual([]);
    expect(journey.outcomes[0]).toMatchObject({
      proxies: ['app-v1.default', 'app-v1.default'],
      clusters: ['outbound|80|v1|a.default.svc.cluster.local', 'inbound|8080||'],
      request: { path: '/', authority: 'a', madeUpHeaders: ['x-forwarded-client-cert', 'x-request-id'] },
    });
  });

  test('is changed on its way', () => {
    const { outcomes } = follow(20_002, get('/v2/x?y=1'));
    expect(outcomes).toHaveLength(1);
    expect(outcomes[0]?.request?.path).toBe('/x?y=1');
  });

  test('says where each part came from', () => {
    const { start } = follow(20_002, get('/v2'));
    const { handling } = start.verdict;
    if (handling.type !== 'http') throw new Error(handling.type);
    const source = { kind: 'VirtualService', namespace: 'default', name: 'a' };
    expect(handling.http.routes.at(-1)?.sources).toMatchObject([{ ...source, path: 'spec.http[0].match[0]' }]);
    const [target] = handling.http.choices[0]?.action.type === 'forward' ? handling.http.choices[0].action.targets : [];
    expect(target?.cluster.sources).toContainEqual(expect.objectContaining({ kind: 'DestinationRule', name: 'a' }));
    expect(target?.cluster.endpoints[0]).toMatchObject({ instance: 'app-v2.default', tls: { verified: true } });
  });

  test('can be answered by the proxy', () => {
    const { outcomes } = follow(20_002, get('/moved'));
    expect(outcomes).toMatchObject([
      { end: { type: 'answer', by: 'redirect', status: 301 }, responseHeaders: [['location', 'http://a/v2']] },
    ]);
  });

  test('may not find who it looks for', () => {
    const certificateOf: MeshViewOptions['certificateOf'] = ({ name }) => ({
      names: [
        name === 'app-v2' ? 'spiffe://cluster.local/ns/default/sa/other' : 'spiffe://cluster.local/ns/default/sa/one',
      ],
      trusted: true,
    });
    const { outcomes } = follow(20_002, get('/v2'), RULES, { certificateOf });
    expect(outcomes).toMatchObject([
      {
        end: {
          type: 'answer',
          by: 'proxy',
          status: 503,
          reason: expect.stringContaining('which is not who the client wants'),
        },
      },
    ]);
    const foreign = follow(20_002, get('/v2'), RULES, {
      certificateOf: () => ({ names: ['spiffe://cluster.local/ns/default/sa/one'], trusted: false }),
    });
    expect(foreign.outcomes).toMatchObject([
      { end: { status: 503, reason: expect.stringContaining('not signed by a root of the server') } },
    ]);
    expect(foreign.start.next[0]?.to).toMatchObject({ type: 'end', refusedBy: { proxy: 'app-v2.default' } });
  });

  test('goes outside, and through a tunnel', () => {
    expect(follow(20_002, get('/', 'example.com')).outcomes).toMatchObject([
      { end: { type: 'outside', host: 'example.com', port: 80 } },
    ]);
    const nobody: MeshViewOptions['elsewhere'] = () => ({ type: 'nobody', reason: 'no such name' });
    expect(ends(follow(20_002, get('/', 'example.com'), RULES, { elsewhere: nobody }))).toEqual(['100 % 503']);
    const connect = { method: 'CONNECT', authority: 'a:80', path: '', headers: [] };
    const tunnelled = follow(20_002, { type: 'http', protocol: 'http1', request: connect, inside: get('/v2/x') });
    expect(tunnelled.outcomes).toMatchObject([
      {
        end: { instance: 'app-v2.default' },
        request: { method: 'GET', path: '/x' },
        proxies: ['app-v1.default', 'app-v1.default', 'app-v2.default'],
      },
    ]);
  });
});

test('a call from the gateway goes to a sidecar', () => {
  const text = `${serviceText('a', '[{name: http, port: 80, targetPort: 8080}]')}${networkingText('Gateway', 'g', '{selector: {istio: ingressgateway}, servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: ["*.test"]}]}')}${networkingText('VirtualService', 'g', '{hosts: [a.test], gateways: [g], http: [{route: [{destination: {host: a}}]}]}')}`;
  const { outcomes } = follow(8080, get('/', 'a.test'), text);
  expect(outcomes.map(({ share, proxies }) => [share, proxies[1]])).toEqual([
    [0.5, 'app-v1.default'],
    [0.5, 'app-v2.default'],
  ]);
  expect(ends(follow(8080, get('/', 'b.test'), text))).toEqual(['100 % 404']);
});

test('a service without an endpoint that is ready', () => {
  const { outcomes } = follow(
    20_002,
    get('/'),
    serviceText('a', '[{name: http, port: 80, targetPort: 1}]', { selector: '{app: b}' }),
  );
  expect(outcomes).toMatchObject([
    { end: { type: 'answer', status: 503, reason: expect.stringContaining('no endpoint') } },
  ]);
});

test('plaintext is refused where mutual TLS is wanted', () => {
  const strict =
    '---\n{apiVersion: security.istio.io/v1, kind: PeerAuthentication, metadata: {name: d, namespace: default}, spec: {mtls: {mode: STRICT}}}\n';
  expect(follow(20_000, get('/'), RULES + strict).outcomes).toMatchObject([
    { end: { type: 'closed', reason: 'the client does not speak TLS' } },
  ]);
  expect(ends(follow(20_000, get('/')))).toEqual(['100 % app-v1.default']);
});

test('a circle is found', () => {
  const proxy = proxyOf(`
listeners:
  - name: front
    address: {socket_address: {address: 127.0.0.1, port_value: 8080}}
    filter_chains: [{filters: [{name: tcp, typed_config: {'@type': type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy, stat_prefix: x, cluster: self}}]}]
clusters:
  - {name: self, type: STATIC, load_assignment: {cluster_name: self, endpoints: [{lb_endpoints: [{endpoint: {address: {envoy_internal_address: {server_listener_name: front}}}}]}]}}
`);
  const call: Call = plainRequest('/');
  const { outcomes } = followCall(
    { lookUp: () => ({ type: 'outside' }) },
    { name: 'p', address: '127.0.0.1', prepared: proxy },
    call,
  );
  expect(outcomes).toMatchObject([
    { end: { type: 'undecided', reason: expect.stringContaining('more than 10') }, protocol: 'http1' },
  ]);
});

test('TCP goes inside of a tunnel, and shares of faults and delays are told', () => {
  const tcp = (name: string, more: string) =>
    `{name: ${name}, address: {socket_address: {address: 127.0.0.1, port_value: ${name === 'front' ? 8080 : 8081}}}, filter_chains: [{filters: [${more}]}]}`;
  const proxy = proxyOf(`
listeners:
  - ${tcp('front', "{name: tcp, typed_config: {'@type': type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy, stat_prefix: x, cluster: tunnel, tunneling_config: {hostname: 'a:80'}}}")}
  - ${tcp('back', "{name: hcm, typed_config: {'@type': type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager, stat_prefix: b, upgrade_configs: [{upgrade_type: CONNECT}], route_config: {name: t, virtual_hosts: [{name: h, domains: ['a:80'], routes: [{match: {connect_matcher: {}}, route: {cluster: out, upgrade_configs: [{upgrade_type: CONNECT, connect_config: {}}]}, typed_per_filter_config: {fault: {'@type': type.googleapis.com/envoy.extensions.filters.http.fault.v3.HTTPFault, delay: {fixed_delay: 1s, percentage: {numerator: 5}}, abort: {http_status: 500, percentage: {numerator: 10}}}}}]}]}, http_filters: [{name: fault, typed_config: {'@type': type.googleapis.com/envoy.extensions.filters.http.fault.v3.HTTPFault}}, {name: router, typed_config: {'@type': type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}}]}}")}
clusters:
  - {name: tunnel, type: STATIC, load_assignment: {cluster_name: tunnel, endpoints: [{lb_endpoints: [{endpoint: {address: {envoy_internal_address: {server_listener_name: back}}}}]}]}}
  - {name: out, type: STATIC, load_assignment: {cluster_name: out, endpoints: [{lb_endpoints: [{endpoint: {address: {socket_address: {address: 10.0.0.1, port_value: 9}}}}]}]}}
`);
  const call: Call = plainRequest('/');
  const { outcomes } = followCall(
    { lookUp: () => ({ type: 'outside' }) },
    { name: 'p', address: '127.0.0.1', prepared: proxy },
    call,
  );
  const delays = [{ share: 0.05, ms: 1000 }];
  expect(outcomes).toMatchObject([
    { share: 0.9, end: { type: 'outside' }, request: { method: 'GET', path: '/' }, delays },
    { share: 0.1, end: { type: 'answer', by: 'fault', status: 500 }, delays },
  ]);
});
