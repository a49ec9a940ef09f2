import type { EndpointAddress, EndpointVerdict, Unknown } from '@lateen/api/verdict.ts';
import type { Cluster } from '@lateen/envoy-api/envoy/config/cluster/v3/cluster_pb.js';
import type { Address } from '@lateen/envoy-api/envoy/config/core/v3/address_pb.js';
import { HealthStatus } from '@lateen/envoy-api/envoy/config/core/v3/health_check_pb.js';
import type {
  LbEndpoint,
  LocalityLbEndpoints,
} from '@lateen/envoy-api/envoy/config/endpoint/v3/endpoint_components_pb.js';
import type { ClusterLoadAssignment } from '@lateen/envoy-api/envoy/config/endpoint/v3/endpoint_pb.js';
import { instanceOf, sourcesOf } from '../sources.ts';
import { readClientSocket, socketFor } from './client-tls.ts';
import { weighsLocalities } from './load-balancer.ts';

/** What a load balancer gives each endpoint in the long run, while all that it calls healthy are. */
export function endpointsOf(
  cluster: Cluster,
  assignment: ClusterLoadAssignment | undefined,
  unknowns: Unknown[],
): EndpointVerdict[] {
  const localities = assignment?.endpoints ?? [];
  const priorities = [...new Set(localities.map(({ priority }) => priority))].sort((a, b) => a - b);
  const levels = priorities.map((priority) => localities.filter((each) => each.priority === priority));
  const factor = (assignment?.policy?.overprovisioningFactor ?? 140) / 100;
  const loads = priorityLoads(levels, factor, panicThreshold(cluster));
  return levels.flatMap((level, index) => {
    const { share = 0, panic = false } = loads[index] ?? {};
    return share === 0 ? [] : levelEndpoints(cluster, level, share, panic, factor, unknowns);
  });
}

interface PriorityLoad {
  readonly share: number;
  /** All endpoints get requests, also those that are not healthy. */
  readonly panic: boolean;
}

/** How Envoy spreads over priorities: a level takes all as long as 1 / 1.4 of it is healthy, and what it cannot take spills over. */
function priorityLoads(
  levels: readonly (readonly LocalityLbEndpoints[])[],
  factor: number,
  threshold: number,
): PriorityLoad[] {
  const healths = levels.map((level) => {
    const all = level.flatMap(({ lbEndpoints }) => lbEndpoints);
    return all.length === 0 ? 0 : all.filter(isHealthy).length / all.length;
  });
  const available = healths.map((health) => Math.min(1, health * factor));
  const total = Math.min(
    1,
    available.reduce((sum, each) => sum + each, 0),
  );
  if (total === 0) {
    return levels.map((level, index) => {
      const first = levels.findIndex((each) => each.some(({ lbEndpoints }) => lbEndpoints.length > 0)) === index;
      return { share: first && threshold > 0 && level.length > 0 ? 1 : 0, panic: true };
    });
  }
  let left = 1;
  return available.map((each, index) => {
    const share = Math.min(left, each / total);
    left -= share;
    return { share, panic: total < 1 && (healths[index] ?? 0) < threshold };
  });
}

function panicThreshold(cluster: Cluster): number {
  return (cluster.commonLbConfig?.healthyPanicThreshold?.value ?? 50) / 100;
}

function levelEndpoints(
  cluster: Cluster,
  level: readonly LocalityLbEndpoints[],
  share: number,
  panic: boolean,
  factor: number,
  unknowns: Unknown[],
): EndpointVerdict[] {
  const takes = (endpoint: LbEndpoint) => panic || isHealthy(endpoint);
  const localities = level.map((locality) => {
    const endpoints = locality.lbEndpoints.filter(takes);
    const sum = endpoints.reduce((total, each) => total + weightOf(each), 0);
    const health = locality.lbEndpoints.length === 0 ? 0 : endpoints.length / locality.lbEndpoints.length;
    return { locality, endpoints, sum, weight: (locality.loadBalancingWeight ?? 0) * Math.min(1, health * factor) };
  });
  const byLocality = weighsLocalities(cluster);
  const all = localities.reduce((total, each) => total + (byLocality ? each.weight : each.sum), 0);
  return localities.flatMap(({ locality, endpoints, sum, weight }) => {
    const localityShare = all === 0 || sum === 0 ? 0 : (byLocality ? weight : sum) / all;
    if (localityShare === 0) return [];
    return endpoints.map((endpoint) =>
      verdictOf(cluster, locality, endpoint, (share * localityShare * weightOf(endpoint)) / sum, unknowns),
    );
  });
}

function weightOf({ loadBalancingWeight }: LbEndpoint): number {
  return loadBalancingWeight ?? 1;
}

function isHealthy({ healthStatus }: LbEndpoint): boolean {
  return healthStatus === HealthStatus.UNKNOWN || healthStatus === HealthStatus.HEALTHY;
}

function verdictOf(
  cluster: Cluster,
  locality: LocalityLbEndpoints,
  endpoint: LbEndpoint,
  share: number,
  unknowns: Unknown[],
): EndpointVerdict {
  const instance = instanceOf(endpoint);
  const address = endpoint.hostIdentifier.case === 'endpoint' ? endpoint.hostIdentifier.value.address : undefined;
  const socket = socketFor(cluster, endpoint.metadata, locality.metadata);
  return {
    share,
    address: endpointAddress(address),
    ...(instance === undefined ? {} : { instance }),
    ...readClientSocket(socket, unknowns, `cluster ${cluster.name}`),
    sources: sourcesOf(endpoint),
  };
}

function endpointAddress(address: Address | undefined): EndpointAddress {
  const given = address?.address;
  switch (given?.case) {
    case 'socketAddress': {
      const { portSpecifier } = given.value;
      return {
        type: 'socket',
        host: given.value.address,
        port: portSpecifier.case === 'portValue' ? portSpecifier.value : 0,
      };
    }
    case 'envoyInternalAddress':
      return { type: 'internal', listener: given.value.addressNameSpecifier.value ?? '' };
    default:
      return { type: 'pipe', path: given?.case === 'pipe' ? given.value.path : '' };
  }
}
