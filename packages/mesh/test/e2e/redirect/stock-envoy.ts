import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { findEnvoy } from '#agent/envoy/find.ts';
import { type EnvoyProcess, runEnvoy } from '#agent/envoy/run.ts';

export interface StockEnvoy {
  readonly nodeId: string;
  readonly metadata: Readonly<Record<string, unknown>>;
  /** The cluster of the xDS server: `unix:/path`, or `HOST:PORT`. */
  readonly xds: string;
  /** Where its agent serves secrets, if it has one. */
  readonly sdsSocket?: string;
  readonly protocol: 'DELTA_GRPC' | 'GRPC';
  readonly dir: string;
  /** Runs Envoy somewhere else; absent: here. */
  readonly entranceFor?: (program: string) => string;
}

/** An unmodified Envoy with the parts of Istio's bootstrap that matter to a control plane. */
export async function startStockEnvoy(options: StockEnvoy): Promise<EnvoyProcess> {
  const { nodeId, metadata, xds, sdsSocket, protocol, dir, entranceFor = (program) => program } = options;
  mkdirSync(dir, { mode: 0o700 });
  const bootstrap = {
    node: { id: nodeId, cluster: 'app.default', metadata },
    admin: { address: { pipe: { path: join(dir, 'admin.sock'), mode: 0o600 } } },
    dynamic_resources: {
      lds_config: { ads: {}, initial_fetch_timeout: '0s', resource_api_version: 'V3' },
      cds_config: { ads: {}, initial_fetch_timeout: '0s', resource_api_version: 'V3' },
      ads_config: {
        api_type: protocol,
        set_node_on_first_message_only: true,
        transport_api_version: 'V3',
        grpc_services: [{ envoy_grpc: { cluster_name: 'xds-grpc' } }],
      },
    },
    static_resources: {
      clusters: [
        grpcCluster('xds-grpc', xds),
        ...(sdsSocket === undefined ? [] : [grpcCluster('sds-grpc', `unix:${sdsSocket}`)]),
      ],
    },
  };
  const { path } = await findEnvoy();
  return runEnvoy({ path: entranceFor(path), bootstrap, dir, logFile: join(dir, 'envoy.log') });
}

function grpcCluster(name: string, address: string) {
  const [host = '', port = ''] = address.split(/:(?=\d+$)/);
  const endpoint = address.startsWith('unix:')
    ? { pipe: { path: address.slice('unix:'.length) } }
    : { socket_address: { address: host, port_value: Number(port) } };
  return {
    name,
    type: 'STATIC',
    connect_timeout: '1s',
    typed_extension_protocol_options: {
      'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
        '@type': 'type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
        explicit_http_config: { http2_protocol_options: {} },
      },
    },
    load_assignment: { cluster_name: name, endpoints: [{ lb_endpoints: [{ endpoint: { address: endpoint } }] }] },
  };
}
