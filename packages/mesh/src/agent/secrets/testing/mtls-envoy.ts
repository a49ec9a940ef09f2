import { mkdir } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { findEnvoy } from '../../envoy/find.ts';
import { type EnvoyProcess, runEnvoy, waitReady } from '../../envoy/run.ts';

/** Envoys with static listeners whose certificates come over SDS, for tests of mutual TLS. */

type Json = Readonly<Record<string, unknown>>;

const tlsTypes = 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3';

function sds(name: string): Json {
  return {
    name,
    sds_config: {
      resource_api_version: 'V3',
      api_config_source: {
        api_type: 'GRPC',
        transport_api_version: 'V3',
        grpc_services: [{ envoy_grpc: { cluster_name: 'sds-grpc' } }],
      },
    },
  };
}

function commonTls(peer: string | null): Json {
  const peerIsRight =
    peer === null ? {} : { match_typed_subject_alt_names: [{ san_type: 'URI', matcher: { exact: peer } }] };
  return {
    tls_certificate_sds_secret_configs: [sds('default')],
    combined_validation_context: {
      default_validation_context: peerIsRight,
      validation_context_sds_secret_config: sds('ROOTCA'),
    },
  };
}

function listener(name: string, port: number, cluster: string, transportSocket?: Json): Json {
  return {
    name,
    address: address(port),
    filter_chains: [
      {
        ...(transportSocket ? { transport_socket: transportSocket } : {}),
        filters: [
          {
            name: 'http',
            typed_config: {
              '@type':
                'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager',
              stat_prefix: name,
              forward_client_cert_details: 'SANITIZE_SET',
              set_current_client_cert_details: { uri: true },
              route_config: {
                virtual_hosts: [
                  {
                    name: 'all',
                    domains: ['*'],
                    routes: [{ match: { prefix: '/' }, route: { cluster, timeout: '0s' } }],
                  },
                ],
              },
              http_filters: [
                {
                  name: 'router',
                  typed_config: { '@type': 'type.googleapis.com/envoy.extensions.filters.http.router.v3.Router' },
                },
              ],
            },
          },
        ],
      },
    ],
  };
}

function address(port: number): Json {
  return { socket_address: { address: '127.0.0.1', port_value: port } };
}

function cluster(name: string, endpoint: Json, more: Json = {}): Json {
  const load_assignment = { cluster_name: name, endpoints: [{ lb_endpoints: [{ endpoint: { address: endpoint } }] }] };
  return { name, type: 'STATIC', connect_timeout: '1s', load_assignment, ...more };
}

function http(protocol: Json): Json {
  const type = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';
  return { typed_extension_protocol_options: { [type]: { '@type': `type.googleapis.com/${type}`, ...protocol } } };
}

export interface TestEnvoy {
  readonly process: EnvoyProcess;
  readonly admin: string;
  readonly ports: readonly number[];
}

async function start(
  dir: string,
  name: string,
  sdsSocket: string,
  build: (ports: number[]) => { listeners: Json[]; clusters: Json[] },
): Promise<TestEnvoy> {
  const [adminPort = 0, ...ports] = await freePorts(3);
  const { listeners, clusters } = build(ports);
  const http2 = http({ explicit_http_config: { http2_protocol_options: {} } });
  const bootstrap = {
    node: { id: name, cluster: name },
    admin: { address: address(adminPort) },
    static_resources: { listeners, clusters: [...clusters, cluster('sds-grpc', { pipe: { path: sdsSocket } }, http2)] },
  };
  const ownDir = join(dir, name);
  await mkdir(ownDir, { mode: 0o700 });
  const { path } = await findEnvoy();
  const process = await runEnvoy({ path, bootstrap, dir: ownDir, logFile: join(ownDir, 'envoy.log') });
  const admin = `http://127.0.0.1:${adminPort}`;
  await waitReady(admin, { envoy: process });
  return { process, admin, ports };
}

/** Mutual TLS in front of `appPort`. The one listener is `ports[0]`. */
export function startServerEnvoy(dir: string, sdsSocket: string, appPort: number): Promise<TestEnvoy> {
  return start(dir, 'server', sdsSocket, ([port = 0]) => ({
    listeners: [
      listener('inbound', port, 'app', {
        name: 'tls',
        typed_config: {
          '@type': `${tlsTypes}.DownstreamTlsContext`,
          require_client_certificate: true,
          common_tls_context: commonTls(null),
        },
      }),
    ],
    clusters: [cluster('app', address(appPort))],
  }));
}

/** Plain HTTP on `ports[i]`, to `serverPort` over mutual TLS with a peer that must be `peers[i]`. At most two. */
export function startClientEnvoy(
  dir: string,
  sdsSocket: string,
  serverPort: number,
  peers: readonly string[],
): Promise<TestEnvoy> {
  return start(dir, 'client', sdsSocket, (ports) => ({
    listeners: peers.map((_, index) => listener(`outbound-${index}`, ports[index] ?? 0, `server-${index}`)),
    clusters: peers.map((peer, index) =>
      cluster(`server-${index}`, address(serverPort), {
        // New connections, so new handshakes, all the time.
        ...http({
          common_http_protocol_options: { max_requests_per_connection: 5 },
          explicit_http_config: { http_protocol_options: {} },
        }),
        transport_socket: {
          name: 'tls',
          typed_config: { '@type': `${tlsTypes}.UpstreamTlsContext`, common_tls_context: commonTls(peer) },
        },
      }),
    ),
  }));
}

/** Ports that nobody listens on at the moment. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer();
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      return server;
    }),
  );
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
