import { create } from '@bufbuild/protobuf';
import { packAny } from '@lateen/envoy-api/encode';
import {
  Cluster_DiscoveryType,
  Cluster_DnsLookupFamily,
  type ClusterSchema,
} from '@lateen/envoy-api/envoy/config/cluster/v3/cluster_pb.js';
import { ClusterConfigSchema } from '@lateen/envoy-api/envoy/extensions/clusters/dynamic_forward_proxy/v3/cluster_pb.js';
import type { DiscoveryIr } from '../../proxy/ir/cluster.ts';
import { dnsCache } from './dns-cache.ts';
import { translateEndpoints } from './endpoints.ts';
import type { Init } from './init.ts';
import { ADS, duration } from './values.ts';

type ClusterInit = Init<typeof ClusterSchema>;

/** How often names are looked up where DNS says nothing else. As Istio. */
const DNS_REFRESH_MS = 60_000;

/** @param config more of the cluster's own settings */
export function dynamicForward(
  { dnsRefreshMs }: { readonly dnsRefreshMs?: number },
  config: Init<typeof ClusterConfigSchema> = {},
): ClusterInit {
  const typedConfig = packAny(
    ClusterConfigSchema,
    create(ClusterConfigSchema, {
      ...config,
      clusterImplementationSpecifier: { case: 'dnsCacheConfig', value: dnsCache(dnsRefreshMs) },
    }),
  );
  return {
    clusterDiscoveryType: {
      case: 'clusterType',
      value: { name: 'envoy.clusters.dynamic_forward_proxy', typedConfig },
    },
  };
}

export function translateDiscovery(clusterName: string, discovery: DiscoveryIr): ClusterInit {
  switch (discovery.type) {
    case 'eds':
      return {
        clusterDiscoveryType: { case: 'type', value: Cluster_DiscoveryType.EDS },
        edsClusterConfig: { edsConfig: ADS },
      };
    case 'strict-dns':
    case 'logical-dns':
      return {
        clusterDiscoveryType: { case: 'type', value: DNS_TYPES[discovery.type] },
        loadAssignment: translateEndpoints({ clusterName, groups: discovery.groups }),
        dnsLookupFamily: Cluster_DnsLookupFamily.V4_PREFERRED,
        dnsRefreshRate: duration(discovery.dnsRefreshMs ?? DNS_REFRESH_MS),
        respectDnsTtl: true,
      };
    case 'original-destination':
      return { clusterDiscoveryType: { case: 'type', value: Cluster_DiscoveryType.ORIGINAL_DST } };
    case 'none':
      return { clusterDiscoveryType: { case: 'type', value: Cluster_DiscoveryType.STATIC } };
    case 'dynamic-forward':
      // Whether TLS, where a policy asks for it, is with the host of each request is for the policy to say.
      return dynamicForward(discovery, { allowInsecureClusterOptions: true });
  }
}

const DNS_TYPES = {
  'strict-dns': Cluster_DiscoveryType.STRICT_DNS,
  'logical-dns': Cluster_DiscoveryType.LOGICAL_DNS,
} as const;
