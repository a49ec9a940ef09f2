import { join } from 'node:path';
import { istioMetrics } from './istio-metrics.ts';
import { SERVICE_HOST, SERVICE_PORT, sidecarOf } from './lateen-pair.ts';
import type { Pair } from './pair.ts';
import { type Bootstrap, handshakesOf, type Site, TRUST_DOMAIN } from './site.ts';

const HTTP = 'type.googleapis.com/envoy.extensions.filters.http';
const NETWORK = 'type.googleapis.com/envoy.extensions.filters.network';
const LISTENER = 'type.googleapis.com/envoy.extensions.filters.listener';
const UNLIMITED = 0xffff_ffff;

export const ISTIO_NOTE =
  'The Istio-like pair is stock Envoy with what Istio 1.30 configures by default: 7 HTTP filters outbound, 6 and a ' +
  'network filter inbound, 3 listener filters, 8 inbound chains, HTTP/1.1 between, its retries and its stats matcher. ' +
  "Where a filter is Istio's own the nearest of stock Envoy stands in: header_mutation for the exchange of metadata, " +
  'set_filter_state for alpn and for the network filter, access_loggers.stats with its 25 tags for stats. ' +
  "Istio's own build of Envoy was not measured.";

/** The same Envoys as in a Lateen pair, configured by hand as Istio would. `metrics`: with those of Istio's stats filter. */
export async function startIstioLikePair(site: Site, name: string, { metrics }: { metrics: boolean }): Promise<Pair> {
  const { nextPort } = site;
  const [clientPort, serverPort] = [nextPort(), nextPort()];
  const noXds = join(site.dir, 'none.sock');
  const run = async (app: string, listener: object, cluster: object) => {
    const instance = sidecarOf(app, nextPort(), {}, []);
    const { bootstrap, adminPort } = await site.prepareSidecar(`${name}-${app}`, instance, noXds);
    const { pid } = await site.runEnvoy(`${name}-${app}`, istioBootstrap(bootstrap, listener, cluster), adminPort);
    return { pid, adminPort };
  };
  const server = await run(SERVICE_HOST, inboundListener(serverPort, metrics), applicationCluster(site.upstreamPort));
  const client = await run('client', outboundListener(clientPort, metrics), serviceCluster(serverPort));
  return {
    clientPort,
    clientPid: client.pid,
    serverPid: server.pid,
    handshakes: () => handshakesOf(server.adminPort),
  };
}

/** Static in place of discovery; the statistics that Istio keeps by default. */
function istioBootstrap(bootstrap: Bootstrap, listener: object, cluster: object): Bootstrap {
  const { dynamic_resources: _, ...rest } = bootstrap;
  const { clusters = [] } = rest.static_resources as { clusters?: object[] };
  const prefixes = ['reporter=', 'cluster_manager', 'listener_manager', 'server', 'cluster.xds-grpc', 'component'];
  return {
    ...rest,
    static_resources: { clusters: [...clusters, cluster], listeners: [listener] },
    stats_config: {
      stats_matcher: {
        inclusion_list: {
          // Beside Istio's own: the metrics under the name that stock Envoy gives them, and the proof of mutual TLS.
          patterns: [...prefixes, 'access_log_stat', 'istio']
            .map((prefix): object => ({ prefix }))
            .concat([
              { suffix: 'rbac.allowed' },
              { suffix: 'rbac.denied' },
              { suffix: 'downstream_cx_active' },
              { suffix: 'ssl.handshake' },
            ]),
        },
      },
    },
  };
}

function outboundListener(port: number, metrics: boolean): object {
  const filters = [
    exchange('request'),
    http('grpc_stats', 'grpc_stats.v3.FilterConfig', { emit_filter_state: true, stats_for_all_methods: false }),
    http('alpn', 'set_filter_state.v3.Config', {
      on_request_headers: [
        {
          object_key: 'lateen.bench.alpn',
          factory_key: 'envoy.string',
          format_string: { text_format_source: { inline_string: 'istio-http/1.1,istio,http/1.1' } },
          shared_with_upstream: 'ONCE',
        },
      ],
    }),
    http('fault', 'fault.v3.HTTPFault'),
    http('cors', 'cors.v3.Cors'),
    ROUTER,
  ];
  const manager = {
    ...COMMON,
    stat_prefix: `outbound_0.0.0.0_${SERVICE_PORT};`,
    route_config: {
      validate_clusters: false,
      virtual_hosts: [
        {
          name: `${SERVICE_HOST}.default.svc.${TRUST_DOMAIN}:${SERVICE_PORT}`,
          domains: [SERVICE_HOST, `${SERVICE_HOST}.default`, `${SERVICE_HOST}.default.svc.${TRUST_DOMAIN}`],
          include_request_attempt_count: true,
          routes: [
            {
              name: 'default',
              match: { prefix: '/' },
              decorator: { operation: `${SERVICE_HOST}.default.svc.${TRUST_DOMAIN}:${SERVICE_PORT}/*` },
              route: {
                cluster: SERVICE_CLUSTER,
                timeout: '0s',
                max_grpc_timeout: '0s',
                retry_policy: {
                  retry_on: 'connect-failure,refused-stream,unavailable,cancelled,retriable-status-codes',
                  num_retries: 2,
                  retry_host_predicate: [
                    {
                      name: 'envoy.retry_host_predicates.previous_hosts',
                      typed_config: {
                        '@type':
                          'type.googleapis.com/envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate',
                      },
                    },
                  ],
                  host_selection_retry_max_attempts: 5,
                  retriable_status_codes: [503],
                },
              },
            },
          ],
        },
      ],
      ignore_port_in_host_matching: true,
    },
    http_filters: filters,
    ...(metrics ? { access_log: [istioMetrics('source', 'standard')] } : {}),
  };
  return {
    name: `0.0.0.0_${SERVICE_PORT}`,
    address: loopback(port),
    traffic_direction: 'OUTBOUND',
    filter_chains: [{ filters: [connectionManager(manager)] }],
  };
}

function inboundListener(port: number, metrics: boolean): object {
  const filters = [
    exchange('response'),
    http('fault', 'fault.v3.HTTPFault'),
    http('cors', 'cors.v3.Cors'),
    http('grpc_stats', 'grpc_stats.v3.FilterConfig', { emit_filter_state: true, stats_for_all_methods: false }),
    ROUTER,
  ];
  const manager = connectionManager({
    ...COMMON,
    stat_prefix: `inbound_0.0.0.0_${SERVICE_PORT};`,
    route_config: {
      validate_clusters: false,
      virtual_hosts: [
        {
          name: `inbound|http|${SERVICE_PORT}`,
          domains: ['*'],
          routes: [
            {
              name: 'default',
              match: { prefix: '/' },
              decorator: { operation: `${SERVICE_HOST}.default.svc.${TRUST_DOMAIN}:${SERVICE_PORT}/*` },
              route: { cluster: APPLICATION_CLUSTER, timeout: '0s', max_stream_duration: maxStream },
            },
          ],
        },
      ],
    },
    http_filters: filters,
    forward_client_cert_details: 'APPEND_FORWARD',
    set_current_client_cert_details: { subject: true, dns: true, uri: true },
    server_header_transformation: 'PASS_THROUGH',
    ...(metrics ? { access_log: [istioMetrics('destination', 'standard')] } : {}),
  });
  const tcp = {
    name: 'tcp',
    typed_config: {
      '@type': `${NETWORK}.tcp_proxy.v3.TcpProxy`,
      stat_prefix: 'inbound',
      cluster: APPLICATION_CLUSTER,
    },
  };
  const chain = (name: string, match: object, isMesh: boolean, filter: object) => ({
    name,
    filter_chain_match: match,
    ...(isMesh ? { transport_socket: DOWNSTREAM_TLS } : {}),
    filters: [NETWORK_EXCHANGE, filter],
  });
  const plain = { transport_protocol: 'raw_buffer' };
  const tls = { transport_protocol: 'tls' };
  const h = ['http/1.0', 'http/1.1', 'h2c'];
  const meshH = { ...tls, application_protocols: ['istio-http/1.0', 'istio-http/1.1', 'istio-h2'] };
  const meshT = { ...tls, application_protocols: ['istio-peer-exchange', 'istio'] };
  return {
    name: 'virtualInbound',
    address: loopback(port),
    traffic_direction: 'INBOUND',
    listener_filters: [
      listenerFilter('original_dst', 'original_dst.v3.OriginalDst'),
      listenerFilter('tls_inspector', 'tls_inspector.v3.TlsInspector'),
      listenerFilter('http_inspector', 'http_inspector.v3.HttpInspector'),
    ],
    listener_filters_timeout: '0s',
    continue_on_listener_filters_timeout: true,
    filter_chains: [
      chain('virtualInbound-catchall-http mesh', meshH, true, manager),
      chain('virtualInbound-catchall-http', { ...plain, application_protocols: h }, false, manager),
      chain('virtualInbound mesh', meshT, true, tcp),
      chain('virtualInbound', plain, false, tcp),
      chain('virtualInbound tls', tls, false, tcp),
      chain(`mesh ${SERVICE_PORT}`, { ...tls, destination_port: port }, true, manager),
      chain(`plaintext ${SERVICE_PORT}`, { ...plain, destination_port: port }, false, manager),
      chain('virtualInbound-blackhole', { destination_port: port === 15006 ? 15007 : 15006 }, false, tcp),
    ],
  };
}

const maxStream = { max_stream_duration: '0s', grpc_timeout_header_max: '0s' };
const SERVICE_CLUSTER = `outbound|${SERVICE_PORT}||${SERVICE_HOST}.default.svc.${TRUST_DOMAIN}`;
const APPLICATION_CLUSTER = `inbound|${SERVICE_PORT}||`;

const COMMON = {
  use_remote_address: false,
  normalize_path: true,
  stream_idle_timeout: '0s',
  upgrade_configs: [{ upgrade_type: 'websocket' }],
  proxy_100_continue: true,
  path_with_escaped_slashes_action: 'KEEP_UNCHANGED',
  request_id_extension: {
    typed_config: {
      '@type': 'type.googleapis.com/envoy.extensions.request_id.uuid.v3.UuidRequestIdConfig',
      use_request_id_for_trace_sampling: true,
    },
  },
};

function connectionManager(config: object): object {
  return {
    name: 'envoy.filters.network.http_connection_manager',
    typed_config: { '@type': `${NETWORK}.http_connection_manager.v3.HttpConnectionManager`, ...config },
  };
}

function http(name: string, type: string, config: object = {}): object {
  return { name, typed_config: { '@type': `${HTTP}.${type}`, ...config } };
}

function listenerFilter(name: string, type: string): object {
  return { name: `envoy.filters.listener.${name}`, typed_config: { '@type': `${LISTENER}.${type}` } };
}

const ROUTER = http('envoy.filters.http.router', 'router.v3.Router');

/** About as long as what Istio tells of a workload, in base64. */
const PEER_METADATA = Buffer.from('x'.repeat(300)).toString('base64');

/** What is told of this side is added, and what the other told is taken away. */
function exchange(adds: 'request' | 'response'): object {
  const added = [
    { append: { header: { key: 'x-envoy-peer-metadata-id', value: 'sidecar~127.0.0.1~client-0.default~default' } } },
    { append: { header: { key: 'x-envoy-peer-metadata', value: PEER_METADATA } } },
  ];
  const removed = [{ remove: 'x-envoy-peer-metadata-id' }, { remove: 'x-envoy-peer-metadata' }];
  return http('metadata_exchange', 'header_mutation.v3.HeaderMutation', {
    mutations: {
      request_mutations: adds === 'request' ? added : removed,
      response_mutations: adds === 'request' ? removed : added,
    },
  });
}

const NETWORK_EXCHANGE = {
  name: 'metadata_exchange',
  typed_config: {
    '@type': `${NETWORK}.set_filter_state.v3.Config`,
    on_new_connection: [
      {
        object_key: 'lateen.bench.peer',
        factory_key: 'envoy.string',
        format_string: { text_format_source: { inline_string: '%DOWNSTREAM_PEER_URI_SAN%' } },
      },
    ],
  },
};

function serviceCluster(port: number): object {
  return {
    ...staticCluster(SERVICE_CLUSTER, port),
    lb_policy: 'LEAST_REQUEST',
    common_lb_config: { locality_weighted_lb_config: {} },
    transport_socket_matches: [
      { name: 'tlsMode-istio', match: { tlsMode: 'istio' }, transport_socket: UPSTREAM_TLS },
      {
        name: 'tlsMode-disabled',
        match: {},
        transport_socket: {
          name: 'raw',
          typed_config: {
            '@type': 'type.googleapis.com/envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer',
          },
        },
      },
    ],
  };
}

function applicationCluster(port: number): object {
  return staticCluster(APPLICATION_CLUSTER, port);
}

function staticCluster(name: string, port: number): object {
  return {
    name,
    type: 'STATIC',
    connect_timeout: '10s',
    circuit_breakers: {
      thresholds: [
        {
          max_connections: UNLIMITED,
          max_pending_requests: UNLIMITED,
          max_requests: UNLIMITED,
          max_retries: UNLIMITED,
          track_remaining: true,
        },
      ],
    },
    load_assignment: {
      cluster_name: name,
      endpoints: [
        {
          lb_endpoints: [
            {
              endpoint: { address: loopback(port) },
              metadata: { filter_metadata: { 'envoy.transport_socket_match': { tlsMode: 'istio' } } },
            },
          ],
        },
      ],
    },
  };
}

const SDS = {
  api_config_source: {
    api_type: 'GRPC',
    transport_api_version: 'V3',
    set_node_on_first_message_only: true,
    grpc_services: [{ envoy_grpc: { cluster_name: 'sds-grpc' } }],
  },
  resource_api_version: 'V3',
  initial_fetch_timeout: '0s',
};

function tlsContext(alpn: readonly string[]): object {
  return {
    tls_params: { tls_minimum_protocol_version: 'TLSv1_2', tls_maximum_protocol_version: 'TLSv1_3' },
    alpn_protocols: alpn,
    tls_certificate_sds_secret_configs: [{ name: 'default', sds_config: SDS }],
    combined_validation_context: {
      default_validation_context: {
        match_typed_subject_alt_names: [{ san_type: 'URI', matcher: { prefix: `spiffe://${TRUST_DOMAIN}/` } }],
      },
      validation_context_sds_secret_config: { name: 'ROOTCA', sds_config: SDS },
    },
  };
}

const UPSTREAM_TLS = {
  name: 'envoy.transport_sockets.tls',
  typed_config: {
    '@type': 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext',
    sni: `outbound_.${SERVICE_PORT}_._.${SERVICE_HOST}.default.svc.${TRUST_DOMAIN}`,
    common_tls_context: tlsContext(['istio-http/1.1', 'istio', 'http/1.1']),
  },
};

const DOWNSTREAM_TLS = {
  name: 'envoy.transport_sockets.tls',
  typed_config: {
    '@type': 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext',
    require_client_certificate: true,
    common_tls_context: tlsContext(['h2', 'http/1.1']),
  },
};

function loopback(port: number): object {
  return { socket_address: { address: '127.0.0.1', port_value: port } };
}
