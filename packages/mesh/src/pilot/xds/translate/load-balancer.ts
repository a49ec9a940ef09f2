import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { packAny } from '@lateen/envoy-api/encode';
import {
  Cluster_LbPolicy,
  type Cluster_SlowStartConfigSchema,
  type ClusterSchema,
} from '@lateen/envoy-api/envoy/config/cluster/v3/cluster_pb.js';
import type { RouteAction_HashPolicySchema } from '@lateen/envoy-api/envoy/config/route/v3/route_components_pb.js';
import type { LocalityLbConfig_LocalityWeightedLbConfigSchema } from '@lateen/envoy-api/envoy/extensions/load_balancing_policies/common/v3/common_pb.js';
import { MaglevSchema } from '@lateen/envoy-api/envoy/extensions/load_balancing_policies/maglev/v3/maglev_pb.js';
import { RingHashSchema } from '@lateen/envoy-api/envoy/extensions/load_balancing_policies/ring_hash/v3/ring_hash_pb.js';
import type { HashKeyIr, LoadBalancerIr, WarmupIr } from '../../proxy/ir/load-balancer.ts';
import type { Init } from './init.ts';
import { duration } from './values.ts';

type ClusterInit = Init<typeof ClusterSchema>;
type HashPolicyInit = MessageInitShape<typeof RouteAction_HashPolicySchema>;

interface Options {
  readonly weightedLocalities: boolean;
  readonly panicThresholdPercent: number;
}

/** How a cluster chooses an endpoint: `lb_policy` where it says all, otherwise the extension of the policy. */
export function loadBalancer(ir: LoadBalancerIr, options: Options): ClusterInit {
  return { ...policy(ir, options), commonLbConfig: commonConfig(ir, options) };
}

function commonConfig(ir: LoadBalancerIr, { weightedLocalities, panicThresholdPercent }: Options) {
  const isExtension = ir.type === 'ring-hash' || ir.type === 'maglev';
  return {
    healthyPanicThreshold: { value: panicThresholdPercent },
    ...(weightedLocalities && !isExtension
      ? { localityConfigSpecifier: { case: 'localityWeightedLbConfig' as const, value: {} } }
      : {}),
  };
}

function policy(ir: LoadBalancerIr, { weightedLocalities }: Options): ClusterInit {
  switch (ir.type) {
    case 'random':
      return { lbPolicy: Cluster_LbPolicy.RANDOM };
    case 'round-robin':
      return {
        lbPolicy: Cluster_LbPolicy.ROUND_ROBIN,
        ...(ir.warmup === undefined
          ? {}
          : { lbConfig: { case: 'roundRobinLbConfig', value: { slowStartConfig: slowStart(ir.warmup) } } }),
      };
    case 'least-request':
      return {
        lbPolicy: Cluster_LbPolicy.LEAST_REQUEST,
        ...(ir.warmup === undefined
          ? {}
          : { lbConfig: { case: 'leastRequestLbConfig', value: { slowStartConfig: slowStart(ir.warmup) } } }),
      };
    case 'ring-hash':
      return policyExtension(
        'envoy.load_balancing_policies.ring_hash',
        packAny(
          RingHashSchema,
          create(RingHashSchema, {
            minimumRingSize: BigInt(ir.minimumRingSize),
            ...hashing(ir.key, weightedLocalities),
          }),
        ),
      );
    case 'maglev':
      return policyExtension(
        'envoy.load_balancing_policies.maglev',
        packAny(
          MaglevSchema,
          create(MaglevSchema, {
            ...(ir.tableSize === undefined ? {} : { tableSize: BigInt(ir.tableSize) }),
            ...hashing(ir.key, weightedLocalities),
          }),
        ),
      );
  }
}

function policyExtension(name: string, typedConfig: ReturnType<typeof packAny>): ClusterInit {
  return {
    lbPolicy: Cluster_LbPolicy.LOAD_BALANCING_POLICY_CONFIG,
    loadBalancingPolicy: { policies: [{ typedExtensionConfig: { name, typedConfig } }] },
  };
}

/** The address of the caller is hashed by the load balancer, since that works for TCP as well. */
function hashing(key: HashKeyIr, weightedLocalities: boolean) {
  const locality: {
    localityWeightedLbConfig?: MessageInitShape<typeof LocalityLbConfig_LocalityWeightedLbConfigSchema>;
  } = weightedLocalities ? { localityWeightedLbConfig: {} } : {};
  return key.type === 'source-ip' ? { ...locality, consistentHashingLbConfig: { hashPolicy: [SOURCE_IP] } } : locality;
}

const SOURCE_IP: HashPolicyInit = { policySpecifier: { case: 'connectionProperties', value: { sourceIp: true } } };

/** What of an HTTP request is hashed. It stands with the cluster, so routes need not know of it. */
export function requestHash(ir: LoadBalancerIr): HashPolicyInit[] {
  if (ir.type !== 'ring-hash' && ir.type !== 'maglev') return [];
  const { key } = ir;
  switch (key.type) {
    case 'source-ip':
      return [];
    case 'header':
      return [{ policySpecifier: { case: 'header', value: { headerName: key.name } } }];
    case 'query-parameter':
      return [{ policySpecifier: { case: 'queryParameter', value: { name: key.name } } }];
    case 'cookie': {
      const { name, path, ttlMs, attributes } = key.cookie;
      return [
        {
          policySpecifier: {
            case: 'cookie',
            value: {
              name,
              ...(path === undefined ? {} : { path }),
              ...(ttlMs === undefined ? {} : { ttl: duration(ttlMs) }),
              attributes: [...attributes],
            },
          },
        },
      ];
    }
  }
}

function slowStart({
  durationMs,
  minimumPercent,
  aggression,
}: WarmupIr): MessageInitShape<typeof Cluster_SlowStartConfigSchema> {
  return {
    slowStartWindow: duration(durationMs),
    minWeightPercent: { value: minimumPercent },
    // Envoy wants a name by which its own settings could change the value.
    aggression: { defaultValue: aggression, runtimeKey: 'lateen.warmup.aggression' },
  };
}
