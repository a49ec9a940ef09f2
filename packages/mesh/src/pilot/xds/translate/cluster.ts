import { create } from '@bufbuild/protobuf';
import {
  type Cluster,
  Cluster_DiscoveryType,
  Cluster_LbPolicy,
  ClusterSchema,
} from '@lateen/envoy-api/envoy/config/cluster/v3/cluster_pb.js';
import type {
  ApplicationClusterIr,
  ClusterIr,
  DatagramClusterIr,
  DiscoveryIr,
  DynamicForwardClusterIr,
  LoopbackClusterIr,
  NowhereClusterIr,
  OriginalDestinationClusterIr,
  ServerNameClusterIr,
  ServiceClusterIr,
} from '../../proxy/ir/cluster.ts';
import { NO_LIMITS } from './circuit-breakers.ts';
import { dynamicForward, translateDiscovery } from './discovery.ts';
import { forwardProtocolOptions, httpProtocolOptions } from './http-protocol-options.ts';
import { sourceMetadata } from './metadata.ts';
import { connectionPool, upstreamPolicy } from './upstream-policy.ts';
import { ADS, duration, socketAddress } from './values.ts';

const LOCAL_CONNECT_TIMEOUT_MS = 2_000;
/** Shorter than the five seconds after which Node.js and others close idle connections, so that none is used as it closes. */
const APPLICATION_IDLE_TIMEOUT_MS = 4_000;

export function translateCluster(ir: ClusterIr): Cluster {
  switch (ir.type) {
    case 'service':
      return translateService(ir);
    case 'server-name':
      return translateServerName(ir);
    case 'application':
      return translateApplication(ir);
    case 'loopback':
      return translateLoopback(ir);
    case 'dynamic-forward':
      return translateDynamicForward(ir);
    case 'original-destination':
      return translateOriginalDestination(ir);
    case 'nowhere':
      return translateNowhere(ir);
    case 'datagrams':
      return translateDatagrams(ir);
  }
}

function translateService(ir: ServiceClusterIr): Cluster {
  return create(ClusterSchema, {
    name: ir.name,
    ...translateDiscovery(ir.name, ir.discovery),
    ignoreHealthOnHostRemoval: true,
    ...upstreamPolicy(ir.policy, ir.upstreamProtocol, ir.weightedLocalities),
    // The policy's load balancer would choose among endpoints, and there are none.
    ...(CHOSEN_BY_CALL.has(ir.discovery.type) ? { lbPolicy: Cluster_LbPolicy.CLUSTER_PROVIDED } : {}),
    ...sourceMetadata(ir.sources),
  });
}

function translateServerName(ir: ServerNameClusterIr): Cluster {
  return create(ClusterSchema, {
    name: ir.name,
    clusterDiscoveryType: { case: 'type', value: Cluster_DiscoveryType.EDS },
    edsClusterConfig: { edsConfig: ADS, serviceName: ir.endpoints },
    connectTimeout: duration(ir.connectTimeoutMs),
    lbPolicy: Cluster_LbPolicy.LEAST_REQUEST,
    commonLbConfig: { healthyPanicThreshold: { value: 0 } },
    ignoreHealthOnHostRemoval: true,
    circuitBreakers: NO_LIMITS,
    ...sourceMetadata(ir.sources),
  });
}

const CHOSEN_BY_CALL: ReadonlySet<DiscoveryIr['type']> = new Set(['dynamic-forward', 'original-destination']);

function translateApplication(ir: ApplicationClusterIr): Cluster {
  return create(ClusterSchema, {
    ...staticEndpoint(ir.name, ir.address, ir.port),
    circuitBreakers: NO_LIMITS,
    ...(ir.pool === undefined ? {} : connectionPool({ connectTimeoutMs: LOCAL_CONNECT_TIMEOUT_MS, ...ir.pool })),
    ...httpProtocolOptions(ir.upstreamProtocol, { idleTimeoutMs: APPLICATION_IDLE_TIMEOUT_MS, ...ir.pool }),
    ...from(ir.sourceAddress),
    ...sourceMetadata(ir.sources),
  });
}

function translateLoopback(ir: LoopbackClusterIr): Cluster {
  return create(ClusterSchema, staticEndpoint(ir.name, ir.address, ir.port));
}

function translateDynamicForward(ir: DynamicForwardClusterIr): Cluster {
  return create(ClusterSchema, {
    name: ir.name,
    ...dynamicForward(ir),
    connectTimeout: duration(ir.connectTimeoutMs),
    lbPolicy: Cluster_LbPolicy.CLUSTER_PROVIDED,
    circuitBreakers: NO_LIMITS,
    ...forwardProtocolOptions(),
  });
}

function translateOriginalDestination(ir: OriginalDestinationClusterIr): Cluster {
  return create(ClusterSchema, {
    name: ir.name,
    clusterDiscoveryType: { case: 'type', value: Cluster_DiscoveryType.ORIGINAL_DST },
    connectTimeout: duration(ir.connectTimeoutMs),
    lbPolicy: Cluster_LbPolicy.CLUSTER_PROVIDED,
    circuitBreakers: NO_LIMITS,
    ...httpProtocolOptions('same-as-downstream', {}),
    ...from(ir.sourceAddress),
    ...sourceMetadata(ir.sources),
  });
}

function translateNowhere(ir: NowhereClusterIr): Cluster {
  return create(ClusterSchema, {
    name: ir.name,
    clusterDiscoveryType: { case: 'type', value: Cluster_DiscoveryType.STATIC },
    connectTimeout: duration(LOCAL_CONNECT_TIMEOUT_MS),
    ...sourceMetadata(ir.sources),
  });
}

function translateDatagrams({ name, endpoints, sources }: DatagramClusterIr): Cluster {
  return create(ClusterSchema, {
    name,
    clusterDiscoveryType: { case: 'type', value: Cluster_DiscoveryType.STATIC },
    connectTimeout: duration(LOCAL_CONNECT_TIMEOUT_MS),
    loadAssignment: {
      clusterName: name,
      endpoints: [
        {
          lbEndpoints: endpoints.map(({ address, port }) => ({
            hostIdentifier: { case: 'endpoint' as const, value: { address: socketAddress(address, port) } },
          })),
        },
      ],
    },
    ...sourceMetadata(sources),
  });
}

function from(sourceAddress: string | undefined) {
  if (sourceAddress === undefined) return {};
  return {
    upstreamBindConfig: {
      sourceAddress: { address: sourceAddress, portSpecifier: { case: 'portValue' as const, value: 0 } },
    },
  };
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
