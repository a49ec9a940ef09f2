import { create } from '@bufbuild/protobuf';
import { Cluster_DnsLookupFamily } from '@lateen/envoy-api/envoy/config/cluster/v3/cluster_pb.js';
import { DnsCacheConfigSchema } from '@lateen/envoy-api/envoy/extensions/common/dynamic_forward_proxy/v3/dns_cache_pb.js';

/** Shared by the cluster and the HTTP filter that look hosts outside of the mesh up: Envoy wants both to say the same. */
export const DNS_CACHE = create(DnsCacheConfigSchema, {
  name: 'outside',
  dnsLookupFamily: Cluster_DnsLookupFamily.V4_PREFERRED,
  maxHosts: 1024,
});
