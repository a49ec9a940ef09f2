import { fromBinary } from '@bufbuild/protobuf';
import type { Cluster } from '@lateen/envoy-api/envoy/config/cluster/v3/cluster_pb.js';
import type { RouteAction_HashPolicy } from '@lateen/envoy-api/envoy/config/route/v3/route_components_pb.js';
import {
  type Maglev,
  MaglevSchema,
} from '@lateen/envoy-api/envoy/extensions/load_balancing_policies/maglev/v3/maglev_pb.js';
import {
  type RingHash,
  RingHashSchema,
} from '@lateen/envoy-api/envoy/extensions/load_balancing_policies/ring_hash/v3/ring_hash_pb.js';
import { typeName } from '../any-type.ts';

/** Whether endpoints get what is their locality's share. */
export function weighsLocalities(cluster: Cluster): boolean {
  const hashing = hashingPolicy(cluster);
  if (hashing !== undefined) return hashing.localityWeightedLbConfig !== undefined;
  return cluster.commonLbConfig?.localityConfigSpecifier.case === 'localityWeightedLbConfig';
}

/** What the load balancer itself hashes. */
export function balancerHash(cluster: Cluster): readonly RouteAction_HashPolicy[] {
  return hashingPolicy(cluster)?.consistentHashingLbConfig?.hashPolicy ?? [];
}

function hashingPolicy({ loadBalancingPolicy }: Cluster): RingHash | Maglev | undefined {
  const config = loadBalancingPolicy?.policies[0]?.typedExtensionConfig?.typedConfig;
  if (config === undefined) return undefined;
  if (typeName(config) === RingHashSchema.typeName) return fromBinary(RingHashSchema, config.value);
  return typeName(config) === MaglevSchema.typeName ? fromBinary(MaglevSchema, config.value) : undefined;
}
