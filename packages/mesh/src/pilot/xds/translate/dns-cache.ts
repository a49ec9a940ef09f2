import { create } from '@bufbuild/protobuf';
import { Cluster_DnsLookupFamily } from '@lateen/envoy-api/envoy/config/cluster/v3/cluster_pb.js';
import {
  type DnsCacheConfig,
  DnsCacheConfigSchema,
} from '@lateen/envoy-api/envoy/extensions/common/dynamic_forward_proxy/v3/dns_cache_pb.js';
import { duration } from './values.ts';

/**
 * Shared by all clusters and filters that look hosts up when they are asked for. Envoy takes no second cache of one name
 * that is not the same in everything, not even in place of the first: so the name tells what is in it.
 *
 * @param refreshMs how often names are looked up where DNS does not tell; absent: Envoy's default, which is 60 s
 */
export function dnsCache(refreshMs: number | undefined): DnsCacheConfig {
  return create(DnsCacheConfigSchema, {
    name: refreshMs === undefined ? 'outside' : `outside ${refreshMs}ms`,
    dnsLookupFamily: Cluster_DnsLookupFamily.V4_PREFERRED,
    ...(refreshMs === undefined ? {} : { dnsRefreshRate: duration(refreshMs) }),
    maxHosts: 1024,
  });
}
