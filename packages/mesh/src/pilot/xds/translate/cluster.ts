import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { packAny } from '@lateen/envoy-api/encode';
import {
  type Cluster,
  Cluster_DiscoveryType,
  Cluster_LbPolicy,
  ClusterSchema,
} from '@lateen/envoy-api/envoy/config/cluster/v3/cluster_pb.js';
import { ClusterConfigSchema } from '@lateen/envoy-api/envoy/extensions/clusters/dynamic_forward_proxy/v3/cluster_pb.js';
import { RawBufferSchema } from '@lateen/envoy-api/envoy/extensions/transport_sockets/raw_buffer/v3/raw_buffer_pb.js';
import { HttpProtocolOptionsSchema } from '@lateen/envoy-api/envoy/extensions/upstreams/http/v3/http_protocol_options_pb.js';
import type {
  ApplicationClusterIr,
  ClusterIr,
  DynamicForwardClusterIr,
  LoadBalancerIr,
  LoopbackClusterIr,
  ServiceClusterIr,
  UpstreamProtocol,
} from '../../proxy/ir/cluster.ts';
import { DNS_CACHE } from './dns-cache.ts';
import { MESH_TLS_MATCH } from './endpoints.ts';
import { SAME_CASE } from './header-case.ts';
import { sourceMetadata } from './metadata.ts';
import { upstreamMeshTls } from './tls.ts';
import { ADS, duration, extension, socketAddress } from './values.ts';

const LOCAL_CONNECT_TIMEOUT_MS = 2_000;
/** Shorter than the five seconds after which Node.js and others close idle connections, so that none is used as it closes. */
const APPLICATION_IDLE_TIMEOUT_MS = 4_000;
const UNLIMITED = 0xffff_ffff;

export function translateCluster(ir: ClusterIr): Cluster {
  switch (ir.type) {
    case 'service':
      return translateService(ir);
    case 'application':
      return translateApplication(ir);
    case 'loopback':
      return translateLoopback(ir);
    case 'dynamic-forward':
      return translateDynamicForward(ir);
  }
}

function translateService(ir: ServiceClusterIr): Cluster {
  return create(ClusterSchema, {
    name: ir.name,
    clusterDiscoveryType: { case: 'type', value: Cluster_DiscoveryType.EDS },
    edsClusterConfig: { edsConfig: ADS },
    connectTimeout: duration(ir.connectTimeoutMs),
    lbPolicy: LB_POLICIES[ir.loadBalancer],
    commonLbConfig: { healthyPanicThreshold: { value: 0 } },
    ignoreHealthOnHostRemoval: true,
    circuitBreakers: NO_LIMITS,
    transportSocketMatches: [
      { name: 'mesh-tls', match: MESH_TLS_MATCH, transportSocket: upstreamMeshTls(ir.meshTls) },
      {
        name: 'plaintext',
        match: {},
        transportSocket: extension('envoy.transport_sockets.raw_buffer', RawBufferSchema),
      },
    ],
    ...httpOptions(ir.upstreamProtocol),
    ...sourceMetadata(ir.sources),
  });
}

function translateApplication(ir: ApplicationClusterIr): Cluster {
  return create(ClusterSchema, {
    ...staticEndpoint(ir.name, ir.address, ir.port),
    circuitBreakers: NO_LIMITS,
    ...httpOptions(ir.upstreamProtocol, APPLICATION_IDLE_TIMEOUT_MS),
    ...sourceMetadata(ir.sources),
  });
}

function translateLoopback(ir: LoopbackClusterIr): Cluster {
  return create(ClusterSchema, staticEndpoint(ir.name, ir.address, ir.port));
}

function translateDynamicForward(ir: DynamicForwardClusterIr): Cluster {
  return create(ClusterSchema, {
    name: ir.name,
    clusterDiscoveryType: {
      case: 'clusterType',
      value: {
        name: 'envoy.clusters.dynamic_forward_proxy',
        typedConfig: packAny(
          ClusterConfigSchema,
          create(ClusterConfigSchema, {
            clusterImplementationSpecifier: { case: 'dnsCacheConfig', value: DNS_CACHE },
          }),
        ),
      },
    },
    connectTimeout: duration(ir.connectTimeoutMs),
    lbPolicy: Cluster_LbPolicy.CLUSTER_PROVIDED,
    circuitBreakers: NO_LIMITS,
    ...withHttpOptions({
      upstreamProtocolOptions: upstreamOptions('http1'),
      // Envoy insists, though this cluster has no TLS.
      upstreamHttpProtocolOptions: { autoSni: true, autoSanValidation: true },
    }),
  });
}

function staticEndpoint(name: string, address: string, port: number) {
  return {
    name,
    clusterDiscoveryType: { case: 'type' as const, value: Cluster_DiscoveryType.STATIC },
    connectTimeout: duration(LOCAL_CONNECT_TIMEOUT_MS),
    loadAssignment: {
      clusterName: name,
      endpoints: [
        {
          lbEndpoints: [
            { hostIdentifier: { case: 'endpoint' as const, value: { address: socketAddress(address, port) } } },
          ],
        },
      ],
    },
  };
}

const LB_POLICIES: Readonly<Record<LoadBalancerIr, Cluster_LbPolicy>> = {
  'round-robin': Cluster_LbPolicy.ROUND_ROBIN,
  'least-request': Cluster_LbPolicy.LEAST_REQUEST,
  random: Cluster_LbPolicy.RANDOM,
};

/** Envoy's own defaults (1,024 of each) would shed load that nobody asked to be shed. */
const NO_LIMITS = {
  thresholds: [
    { maxConnections: UNLIMITED, maxPendingRequests: UNLIMITED, maxRequests: UNLIMITED, maxRetries: UNLIMITED },
  ],
};

function httpOptions(protocol: UpstreamProtocol, idleTimeoutMs?: number) {
  if (protocol === 'raw') return {};
  return withHttpOptions({
    ...(idleTimeoutMs === undefined ? {} : { commonHttpProtocolOptions: { idleTimeout: duration(idleTimeoutMs) } }),
    upstreamProtocolOptions: upstreamOptions(protocol),
  });
}

function withHttpOptions(options: MessageInitShape<typeof HttpProtocolOptionsSchema>) {
  const packed = packAny(HttpProtocolOptionsSchema, create(HttpProtocolOptionsSchema, options));
  return {
    typedExtensionProtocolOptions: { 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': packed },
  };
}

const HTTP1 = { headerKeyFormat: SAME_CASE };

function upstreamOptions(
  protocol: Exclude<UpstreamProtocol, 'raw'>,
): NonNullable<MessageInitShape<typeof HttpProtocolOptionsSchema>['upstreamProtocolOptions']> {
  switch (protocol) {
    case 'http1':
      return {
        case: 'explicitHttpConfig',
        value: { protocolConfig: { case: 'httpProtocolOptions', value: HTTP1 } },
      };
    case 'http2':
      return {
        case: 'explicitHttpConfig',
        value: { protocolConfig: { case: 'http2ProtocolOptions', value: {} } },
      };
    case 'same-as-downstream':
      return { case: 'useDownstreamProtocolConfig', value: { httpProtocolOptions: HTTP1, http2ProtocolOptions: {} } };
  }
}
