import { fromBinary } from '@bufbuild/protobuf';
import type { ClusterKind, ClusterVerdict, EndpointVerdict, HttpProtocol, Unknown } from '@lateen/api/verdict.ts';
import {
  type Cluster,
  Cluster_ClusterProtocolSelection,
  Cluster_DiscoveryType,
  Cluster_LbPolicy,
  ClusterSchema,
} from '@lateen/envoy-api/envoy/config/cluster/v3/cluster_pb.js';
import type { ClusterLoadAssignment } from '@lateen/envoy-api/envoy/config/endpoint/v3/endpoint_pb.js';
import type { RouteAction_HashPolicy } from '@lateen/envoy-api/envoy/config/route/v3/route_components_pb.js';
import {
  type HttpProtocolOptions,
  HttpProtocolOptionsSchema,
} from '@lateen/envoy-api/envoy/extensions/upstreams/http/v3/http_protocol_options_pb.js';
import { portStart } from '../http/normalize.ts';
import { sourcesOf } from '../sources.ts';
import { distinct, unknownFields } from '../unknowns.ts';
import { type ClientSocket, readClientSocket } from './client-tls.ts';
import { endpointsOf } from './endpoints.ts';
import { balancerHash } from './load-balancer.ts';

const HTTP_OPTIONS = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';

/** A cluster with its endpoints, made ready to be chosen often. */
export class PreparedCluster {
  readonly #cluster: Cluster;
  readonly #kind: ClusterKind;
  readonly #endpoints: readonly EndpointVerdict[];
  /** For endpoints that only the call names. */
  readonly #socket: ClientSocket;
  readonly #options: HttpProtocolOptions | undefined;
  readonly #unknowns: readonly Unknown[];
  readonly #loadBalancer: string;
  readonly #verdicts = new Map<string, ClusterVerdict>();

  constructor(cluster: Cluster, discovered: ClusterLoadAssignment | undefined) {
    const where = `cluster ${cluster.name}`;
    const unknowns = unknownFields(ClusterSchema, cluster, CLUSTER_FIELDS, where);
    const options = cluster.typedExtensionProtocolOptions[HTTP_OPTIONS];
    this.#cluster = cluster;
    this.#kind = kindOf(cluster);
    this.#options = options === undefined ? undefined : fromBinary(HttpProtocolOptionsSchema, options.value);
    this.#endpoints = endpointsOf(cluster, this.#kind === 'eds' ? discovered : cluster.loadAssignment, unknowns);
    this.#socket = readClientSocket(cluster.transportSocket, unknowns, where);
    this.#loadBalancer = loadBalancerOf(cluster);
    if (this.#kind === 'other') unknowns.push({ what: `cluster type ${cluster.clusterDiscoveryType.case}`, where });
    if (this.#options !== undefined) {
      unknowns.push(...unknownFields(HttpProtocolOptionsSchema, this.#options, OPTION_FIELDS, where));
    }
    this.#unknowns = distinct(unknowns);
  }

  /** What of a request the endpoint is chosen by, where its route says nothing. */
  get hashPolicies(): readonly RouteAction_HashPolicy[] {
    const ofRequests = this.#options?.hashPolicy ?? [];
    return ofRequests.length > 0 ? ofRequests : balancerHash(this.#cluster);
  }

  /** For TCP. `originalDestination` is where the client wanted to go. */
  forTcp(originalDestination: Named, serverName?: Named): ClusterVerdict {
    if (this.#kind === 'original-dst') return this.#verdict('tcp', [this.#named(originalDestination)]);
    if (this.#kind === 'dynamic-forward') return this.#verdict('tcp', [this.#named(serverName ?? originalDestination)]);
    return this.#remembered('tcp');
  }

  /** For a request that came by `protocol`, to the host that it names now. */
  forHttp(
    protocol: HttpProtocol,
    authority: string,
    originalDestination: Named,
    lookUp: Partial<Named> = {},
  ): ClusterVerdict {
    const spoken = this.#spoken(protocol);
    if (this.#kind === 'original-dst') return this.#verdict(spoken, [this.#named(originalDestination)]);
    if (this.#kind === 'dynamic-forward')
      return this.#verdict(spoken, [this.#named(this.#lookedUp(authority, lookUp))]);
    const verdict = this.#remembered(spoken);
    const automatic = this.#options?.upstreamHttpProtocolOptions;
    return automatic?.autoSni === true ? withServerName(verdict, authority, automatic.autoSanValidation) : verdict;
  }

  #lookedUp(authority: string, lookUp: Partial<Named>): Named {
    const named = lookUp.host ?? authority;
    const at = portStart(named);
    const host = (at === -1 ? named : named.slice(0, at)).replace(/^\[|\]$/g, '');
    if (at !== -1) return { host, port: Number(named.slice(at + 1)) };
    return { host, port: lookUp.port ?? (this.#socket.tls === null ? 80 : 443) };
  }

  #named({ host, port }: Named): EndpointVerdict {
    return { share: 1, address: { type: 'socket', host, port }, ...this.#socket, sources: [] };
  }

  #spoken(downstream: HttpProtocol): HttpProtocol {
    const options = this.#options?.upstreamProtocolOptions;
    switch (options?.case) {
      case 'explicitHttpConfig':
        return EXPLICIT[options.value.protocolConfig.case ?? 'httpProtocolOptions'];
      case 'useDownstreamProtocolConfig': {
        const { http2ProtocolOptions, http3ProtocolOptions } = options.value;
        if (downstream === 'http2') return http2ProtocolOptions === undefined ? 'http1' : 'http2';
        return downstream === 'http3' && http3ProtocolOptions !== undefined ? 'http3' : 'http1';
      }
      case 'autoConfig':
        return 'http1';
      case undefined: {
        const { http2ProtocolOptions, protocolSelection } = this.#cluster;
        const same = protocolSelection === Cluster_ClusterProtocolSelection.USE_DOWNSTREAM_PROTOCOL;
        return http2ProtocolOptions !== undefined && (!same || downstream === 'http2') ? 'http2' : 'http1';
      }
    }
  }

  #remembered(protocol: ClusterVerdict['protocol']): ClusterVerdict {
    const known = this.#verdicts.get(protocol) ?? this.#verdict(protocol, this.#endpoints);
    this.#verdicts.set(protocol, known);
    return known;
  }

  #verdict(protocol: ClusterVerdict['protocol'], endpoints: readonly EndpointVerdict[]): ClusterVerdict {
    const auto = this.#options?.upstreamProtocolOptions.case === 'autoConfig' && protocol !== 'tcp';
    const where = `cluster ${this.#cluster.name}`;
    return {
      name: this.#cluster.name,
      kind: this.#kind,
      protocol,
      loadBalancer: this.#loadBalancer,
      endpoints,
      unknowns: auto ? [...this.#unknowns, { what: 'HttpProtocolOptions.auto_config', where }] : this.#unknowns,
      sources: sourcesOf(this.#cluster),
    };
  }
}

/** A host by name or address, and a port. */
export interface Named {
  readonly host: string;
  readonly port: number;
}

export function missingCluster(name: string): ClusterVerdict {
  return { name, kind: 'missing', protocol: 'tcp', loadBalancer: '', endpoints: [], unknowns: [], sources: [] };
}

const EXPLICIT = {
  httpProtocolOptions: 'http1',
  http2ProtocolOptions: 'http2',
  http3ProtocolOptions: 'http3',
} as const;

function withServerName(verdict: ClusterVerdict, authority: string, isChecked: boolean): ClusterVerdict {
  const at = portStart(authority);
  const serverName = at === -1 ? authority : authority.slice(0, at);
  return {
    ...verdict,
    endpoints: verdict.endpoints.map((endpoint) => {
      if (endpoint.tls === null || endpoint.tls.serverName !== '') return endpoint;
      const identities = isChecked ? [{ type: 'exact' as const, value: serverName }] : endpoint.tls.identities;
      return { ...endpoint, tls: { ...endpoint.tls, serverName, identities } };
    }),
  };
}

function kindOf({ clusterDiscoveryType: type }: Cluster): ClusterKind {
  if (type.case === 'clusterType') {
    return type.value.name === 'envoy.clusters.dynamic_forward_proxy' ? 'dynamic-forward' : 'other';
  }
  return KINDS[type.value ?? Cluster_DiscoveryType.STATIC];
}

const KINDS: Readonly<Record<Cluster_DiscoveryType, ClusterKind>> = {
  [Cluster_DiscoveryType.STATIC]: 'static',
  [Cluster_DiscoveryType.STRICT_DNS]: 'strict-dns',
  [Cluster_DiscoveryType.LOGICAL_DNS]: 'logical-dns',
  [Cluster_DiscoveryType.EDS]: 'eds',
  [Cluster_DiscoveryType.ORIGINAL_DST]: 'original-dst',
};

function loadBalancerOf({ lbPolicy, loadBalancingPolicy }: Cluster): string {
  const extension = loadBalancingPolicy?.policies[0]?.typedExtensionConfig?.name;
  if (extension !== undefined) return extension.slice(extension.lastIndexOf('.') + 1).replaceAll('_', '-');
  return Cluster_LbPolicy[lbPolicy].toLowerCase().replaceAll('_', '-');
}

const OPTION_FIELDS = new Set([
  ...['explicit_http_config', 'use_downstream_protocol_config', 'auto_config', 'upstream_http_protocol_options'],
  ...['hash_policy', 'common_http_protocol_options', 'outlier_detection'],
]);

const CLUSTER_FIELDS = new Set([
  ...['transport_socket_matches', 'name', 'type', 'cluster_type', 'eds_cluster_config', 'lb_policy', 'load_assignment'],
  ...['typed_extension_protocol_options', 'transport_socket', 'metadata', 'http2_protocol_options'],
  ...['protocol_selection', 'common_lb_config', 'load_balancing_policy', 'upstream_http_protocol_options'],
  // What says nothing about where a call goes as long as endpoints are well and limits are not reached.
  ...['alt_stat_name', 'stats_matcher', 'connect_timeout', 'per_connection_buffer_limit_bytes', 'health_checks'],
  ...['max_requests_per_connection', 'circuit_breakers', 'common_http_protocol_options', 'http_protocol_options'],
  ...['dns_refresh_rate', 'dns_jitter', 'dns_failure_refresh_rate', 'respect_dns_ttl', 'dns_lookup_family'],
  ...['dns_resolvers', 'use_tcp_for_dns_lookups', 'dns_resolution_config', 'typed_dns_resolver_config'],
  ...['wait_for_warm_on_init', 'outlier_detection', 'cleanup_interval', 'upstream_bind_config', 'ring_hash_lb_config'],
  ...['maglev_lb_config', 'least_request_lb_config', 'round_robin_lb_config'],
  ...['upstream_connection_options', 'close_connections_on_host_health_failure', 'ignore_health_on_host_removal'],
  ...['lrs_server', 'lrs_report_endpoint_metrics', 'track_timeout_budgets', 'track_cluster_stats'],
  ...['preconnect_policy', 'connection_pool_per_downstream_connection', 'queuing_policies'],
]);
