import type { DescMessage, MessageShape } from '@bufbuild/protobuf';
import { ClusterSchema } from '@lateen/envoy-api/envoy/config/cluster/v3/cluster_pb.js';
import { ClusterLoadAssignmentSchema } from '@lateen/envoy-api/envoy/config/endpoint/v3/endpoint_pb.js';
import { ListenerSchema } from '@lateen/envoy-api/envoy/config/listener/v3/listener_pb.js';
import { RouteConfigurationSchema } from '@lateen/envoy-api/envoy/config/route/v3/route_pb.js';
import { parseMessage } from '@lateen/envoy-api/parse';
import { registry } from '@lateen/envoy-api/registry';
import { parse } from 'yaml';
import type { Call } from '../call.ts';
import { PreparedProxy } from '../proxy.ts';
import { tableOf } from '../route/table-source.ts';

/** A message in Envoy's own words, which must be right. */
export function messageOf<Desc extends DescMessage>(schema: Desc, text: string): MessageShape<Desc> {
  return read(schema, parse(text));
}

function read<Desc extends DescMessage>(schema: Desc, value: unknown): MessageShape<Desc> {
  const { written, problems } = parseMessage(schema, value, { registry: registry() });
  if (problems.length > 0) throw new Error(JSON.stringify(problems));
  return written.message as MessageShape<Desc>;
}

/** A proxy with the `listeners`, `routes`, `clusters` and `endpoints` of a YAML text. */
export function proxyOf(text: string): PreparedProxy {
  const { listeners = [], routes = [], clusters = [], endpoints = [] } = parse(text) as Record<string, unknown[]>;
  const tables = routes.map((each) => tableOf(read(RouteConfigurationSchema, each)));
  const held = clusters.map((each) => read(ClusterSchema, each));
  const assignments = endpoints.map((each) => read(ClusterLoadAssignmentSchema, each));
  return new PreparedProxy({
    listeners: listeners.map((each) => read(ListenerSchema, each)),
    route: (wanted) => tables.find(({ table }) => table.name === wanted),
    cluster: (wanted) => held.find(({ name }) => name === wanted),
    endpoints: (wanted) => assignments.find(({ clusterName }) => clusterName === wanted),
  });
}

/** A proxy with one listener, at 127.0.0.1:8080, and in it one virtual host with these routes. */
export function routesOf(
  routes: string,
  more: { host?: string; table?: string; manager?: string; router?: string } = {},
): PreparedProxy {
  const { host = '', table = '', manager = '', router = '' } = more;
  return proxyOf(`
listeners:
  - name: front
    address: {socket_address: {address: 127.0.0.1, port_value: 8080}}
    filter_chains:
      - filters:
          - name: hcm
            typed_config:
              '@type': type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
              stat_prefix: front
              ${manager.trim().replaceAll('\n', '\n              ')}
              route_config:
                name: table
                ${table.trim().replaceAll('\n', '\n                ')}
                virtual_hosts:
                  - name: host
                    domains: ['*']
                    ${host.trim().replaceAll('\n', '\n                    ')}
                    routes:
                      ${routes.trim().replaceAll('\n', '\n                      ')}
              http_filters:
                - {name: cors, typed_config: {'@type': type.googleapis.com/envoy.extensions.filters.http.cors.v3.Cors}}
                - {name: fault, typed_config: {'@type': type.googleapis.com/envoy.extensions.filters.http.fault.v3.HTTPFault}}
                - {name: router, typed_config: {'@type': type.googleapis.com/envoy.extensions.filters.http.router.v3.Router${router}}}
clusters:
  - {name: a, type: STATIC, load_assignment: {cluster_name: a, endpoints: [{lb_endpoints: [${endpoint(9001)}]}]}}
  - {name: b, type: STATIC, load_assignment: {cluster_name: b, endpoints: [{lb_endpoints: [${endpoint(9002)}]}]}}
`);
}

export function endpoint(port: number): string {
  return `{endpoint: {address: {socket_address: {address: 127.0.0.1, port_value: ${port}}}}}`;
}

export interface RequestOptions {
  readonly method?: string;
  readonly authority?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly protocol?: 'http1' | 'http2';
}

/** A plaintext request to 127.0.0.1:8080. */
export function request(path: string, options: RequestOptions = {}): Call {
  const { method = 'GET', authority = 'example.com', headers = {}, protocol = 'http1' } = options;
  return {
    at: { host: '127.0.0.1', port: 8080 },
    source: { host: '10.0.0.9', port: 4711 },
    payload: { type: 'http', protocol, request: { method, authority, path, headers: Object.entries(headers) } },
  };
}
