import { create } from '@bufbuild/protobuf';
import type { ClusterSchema } from '@lateen/envoy-api/envoy/config/cluster/v3/cluster_pb.js';
import { type TransportSocket, TransportSocketSchema } from '@lateen/envoy-api/envoy/config/core/v3/base_pb.js';
import { ProxyProtocolConfig_Version } from '@lateen/envoy-api/envoy/config/core/v3/proxy_protocol_pb.js';
import { ProxyProtocolUpstreamTransportSchema } from '@lateen/envoy-api/envoy/extensions/transport_sockets/proxy_protocol/v3/upstream_proxy_protocol_pb.js';
import { RawBufferSchema } from '@lateen/envoy-api/envoy/extensions/transport_sockets/raw_buffer/v3/raw_buffer_pb.js';
import type { UpstreamProtocol } from '../../proxy/ir/cluster.ts';
import type {
  ConnectionPoolIr,
  RetryLimitIr,
  TcpKeepaliveIr,
  UpstreamPolicyIr,
} from '../../proxy/ir/upstream-policy.ts';
import type { UpstreamTlsIr } from '../../proxy/ir/upstream-tls.ts';
import { circuitBreakers } from './circuit-breakers.ts';
import { MESH_TLS_MATCH } from './endpoints.ts';
import { httpProtocolOptions } from './http-protocol-options.ts';
import type { Init } from './init.ts';
import { loadBalancer } from './load-balancer.ts';
import { originatedTls } from './originated-tls.ts';
import { outlierDetection } from './outlier-detection.ts';
import { upstreamMeshTls } from './tls.ts';
import { duration, extension } from './values.ts';

type ClusterInit = Init<typeof ClusterSchema>;

/** Everything of a cluster but its name and where its endpoints come from. */
export function upstreamPolicy(
  ir: UpstreamPolicyIr,
  protocol: UpstreamProtocol,
  weightedLocalities = false,
): ClusterInit {
  const { connectionPool: pool, panicThresholdPercent } = ir;
  return {
    ...connectionPool(pool, ir.retryLimit),
    ...loadBalancer(ir.loadBalancer, { weightedLocalities, panicThresholdPercent }),
    ...(ir.outlierDetection === undefined ? {} : { outlierDetection: outlierDetection(ir.outlierDetection) }),
    ...transportSockets(ir.tls, ir.proxyProtocol),
    ...httpProtocolOptions(protocol, pool, ir),
  };
}

/** Limits on the connections of a cluster, but for those of HTTP. */
export function connectionPool(pool: ConnectionPoolIr, retries: RetryLimitIr = NO_RETRIES): ClusterInit {
  return {
    connectTimeout: duration(pool.connectTimeoutMs),
    circuitBreakers: circuitBreakers(pool, retries),
    ...(pool.tcpKeepalive === undefined ? {} : tcpKeepalive(pool.tcpKeepalive)),
  };
}

/** Requests to the application are not repeated, so there is nothing to limit. */
const NO_RETRIES: RetryLimitIr = { type: 'count', maxRetries: 0xffff_ffff };

function tcpKeepalive({ probes, timeMs, intervalMs }: TcpKeepaliveIr): ClusterInit {
  return {
    upstreamConnectionOptions: {
      tcpKeepalive: {
        ...(probes === undefined ? {} : { keepaliveProbes: probes }),
        ...(timeMs === undefined ? {} : { keepaliveTime: wholeSeconds(timeMs) }),
        ...(intervalMs === undefined ? {} : { keepaliveInterval: wholeSeconds(intervalMs) }),
      },
    },
  };
}

/** The operating system counts in seconds, and 0 would be refused. */
function wholeSeconds(milliseconds: number): number {
  return Math.max(1, Math.round(milliseconds / 1000));
}

function transportSockets(tls: UpstreamTlsIr, proxyProtocol: UpstreamPolicyIr['proxyProtocol']): ClusterInit {
  const wrapped = (socket: TransportSocket) =>
    proxyProtocol === undefined ? socket : withProxyHeader(socket, proxyProtocol);
  switch (tls.type) {
    case 'mesh-where-accepted':
      return {
        transportSocketMatches: [
          { name: 'mesh-tls', match: MESH_TLS_MATCH, transportSocket: wrapped(upstreamMeshTls(tls)) },
          { name: 'plaintext', match: {}, transportSocket: wrapped(PLAINTEXT) },
        ],
      };
    case 'mesh':
      return { transportSocket: wrapped(upstreamMeshTls(tls)) };
    case 'originate':
      return { transportSocket: wrapped(originatedTls(tls)) };
    case 'plaintext':
      return proxyProtocol === undefined ? {} : { transportSocket: wrapped(PLAINTEXT) };
  }
}

const PLAINTEXT = create(TransportSocketSchema, extension('envoy.transport_sockets.raw_buffer', RawBufferSchema));

function withProxyHeader(transportSocket: TransportSocket, version: 'v1' | 'v2'): TransportSocket {
  return create(
    TransportSocketSchema,
    extension('envoy.transport_sockets.upstream_proxy_protocol', ProxyProtocolUpstreamTransportSchema, {
      config: { version: version === 'v1' ? ProxyProtocolConfig_Version.V1 : ProxyProtocolConfig_Version.V2 },
      transportSocket,
    }),
  );
}
