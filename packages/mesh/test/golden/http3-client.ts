import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { findEnvoy } from '#agent/envoy/find.ts';
import { type EnvoyProcess, runEnvoy, waitReady } from '#agent/envoy/run.ts';
import { LOOPBACK } from './instances.ts';

export interface Http3ClientOptions {
  readonly dir: string;
  /** Where it takes HTTP/1, and its admin server. */
  readonly port: number;
  readonly adminPort: number;
  /** The UDP port of the server. */
  readonly server: number;
  readonly onStart: (envoy: EnvoyProcess) => void;
}

/** Node speaks no HTTP/3, so an Envoy does: what comes to it in HTTP/1 goes on in HTTP/3, with the host as server name. */
export async function startHttp3Client({ dir, port, adminPort, server, onStart }: Http3ClientOptions): Promise<void> {
  const own = join(dir, `http3-${server}`);
  mkdirSync(own, { mode: 0o700 });
  const { path } = await findEnvoy();
  const bootstrap = {
    node: { id: 'http3-client', cluster: 'http3-client' },
    admin: { address: socketAddress(adminPort) },
    static_resources: { listeners: [listener(port)], clusters: [cluster(server)] },
  };
  const envoy = await runEnvoy({ path, bootstrap, dir: own, logFile: join(own, 'envoy.log') });
  onStart(envoy);
  await waitReady(`http://${LOOPBACK}:${adminPort}`, { envoy });
}

function listener(port: number) {
  const routes = [{ match: { prefix: '/' }, route: { cluster: 'server', timeout: '5s' } }];
  const manager = {
    '@type': typeUrl('filters.network.http_connection_manager.v3.HttpConnectionManager'),
    stat_prefix: 'http3',
    route_config: { virtual_hosts: [{ name: 'all', domains: ['*'], routes }] },
    http_filters: [{ name: 'router', typed_config: { '@type': typeUrl('filters.http.router.v3.Router') } }],
  };
  return {
    name: 'http1',
    address: socketAddress(port),
    filter_chains: [{ filters: [{ name: 'envoy.filters.network.http_connection_manager', typed_config: manager }] }],
  };
}

function cluster(port: number) {
  return {
    name: 'server',
    type: 'STATIC',
    load_assignment: {
      cluster_name: 'server',
      endpoints: [{ lb_endpoints: [{ endpoint: { address: socketAddress(port, 'UDP') } }] }],
    },
    typed_extension_protocol_options: {
      'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
        '@type': typeUrl('upstreams.http.v3.HttpProtocolOptions'),
        explicit_http_config: { http3_protocol_options: {} },
        upstream_http_protocol_options: { auto_sni: true },
      },
    },
    transport_socket: {
      name: 'envoy.transport_sockets.quic',
      typed_config: {
        '@type': typeUrl('transport_sockets.quic.v3.QuicUpstreamTransport'),
        upstream_tls_context: {
          common_tls_context: { validation_context: { trust_chain_verification: 'ACCEPT_UNTRUSTED' } },
        },
      },
    },
  };
}

function socketAddress(port: number, protocol: 'TCP' | 'UDP' = 'TCP') {
  return { socket_address: { address: LOOPBACK, port_value: port, protocol } };
}

function typeUrl(name: string): string {
  return `type.googleapis.com/envoy.extensions.${name}`;
}
