import { nodeIdOf, type WorkloadInstance } from '@lateen/api/workload-instance.ts';

/**
 * What Envoy's admin server answers: whatever shows its state. Envoy asks nobody who he is, so what ends the process, or
 * changes how it works, is left out: any page in a browser on this machine could send it.
 */
const ADMIN_PATHS = [
  '/certs',
  '/clusters',
  '/config_dump',
  '/help',
  '/hot_restart_version',
  '/init_dump',
  '/listeners',
  '/memory',
  '/ready',
  '/server_info',
  '/stats',
];

export interface BootstrapOptions {
  /** The workload instance that the Envoy stands beside. */
  readonly instance: WorkloadInstance;
  /** Envoy's admin server, on the loopback address. */
  readonly adminPort: number;
  /** Unix sockets of the control plane's xDS server and of this workload's secrets. */
  readonly xdsSocket: string;
  readonly sdsSocket: string;
  readonly trustDomain: string;
  readonly meshId: string;
  /** With it, `drain` can be asked for. Pages in a browser cannot know it: they can send to the admin server, but not read. */
  readonly drainToken?: string;
  /** Of the Envoy. `ISTIO_META_NAME` becomes the metadata `NAME` of its node. */
  readonly environment?: Readonly<Record<string, string>>;
}

/** Istio's name of the cluster that the workload runs in, where there is only one. */
const CLUSTER_ID = 'Kubernetes';

/** Connections from clients, over all listeners, above which new ones are closed at once. */
const MAX_DOWNSTREAM_CONNECTIONS = 10_000;

/** The path, and query, of the admin server that `drainToken` opens. */
export function drainPath(drainToken: string): string {
  return `/drain_listeners?graceful&${drainToken}`;
}

/** The static clusters, named as Istio names them. `sds-grpc` is what TLS contexts refer to for their secrets. */
const bootstrapClusters = { xds: 'xds-grpc', sds: 'sds-grpc' } as const;

type Json = Readonly<Record<string, unknown>>;

/**
 * Envoy's bootstrap (envoy.config.bootstrap.v3.Bootstrap) as JSON: who it is, where its configuration and its secrets
 * come from, and limits. Everything else comes over xDS.
 */
export function buildBootstrap(options: BootstrapOptions): Json {
  const { adminPort, xdsSocket, sdsSocket, drainToken } = options;
  return {
    node: buildNode(options),
    admin: {
      address: { socket_address: { address: '127.0.0.1', port_value: adminPort } },
      allow_paths: [
        { exact: '/' },
        ...ADMIN_PATHS.map((prefix) => ({ prefix })),
        ...(drainToken === undefined ? [] : [{ exact: drainPath(drainToken) }]),
      ],
      // The admin server must answer when the limit below is reached.
      ignore_global_conn_limit: true,
    },
    dynamic_resources: {
      ads_config: {
        api_type: 'DELTA_GRPC',
        transport_api_version: 'V3',
        set_node_on_first_message_only: true,
        grpc_services: [{ envoy_grpc: { cluster_name: bootstrapClusters.xds, retry_policy: reconnectPolicy } }],
      },
      // Without a time limit: an Envoy that has no configuration yet is not ready, however long that takes.
      cds_config: { ads: {}, resource_api_version: 'V3', initial_fetch_timeout: '0s' },
      lds_config: { ads: {}, resource_api_version: 'V3', initial_fetch_timeout: '0s' },
    },
    static_resources: {
      clusters: [
        buildSocketCluster(bootstrapClusters.xds, xdsSocket),
        buildSocketCluster(bootstrapClusters.sds, sdsSocket),
      ],
    },
    stats_config: { stats_matcher: { inclusion_list: { patterns: keptStats } } },
    overload_manager: {
      resource_monitors: [
        {
          name: 'envoy.resource_monitors.global_downstream_max_connections',
          typed_config: {
            '@type':
              'type.googleapis.com/envoy.extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig',
            max_active_downstream_connections: MAX_DOWNSTREAM_CONNECTIONS,
          },
        },
      ],
    },
    layered_runtime: {
      layers: [
        // Regular expressions come from users' routes; RE2's default would refuse moderately long ones.
        { name: 'lateen', static_layer: { 're2.max_program_size.error_level': 32_768 } },
      ],
    },
  };
}

/** Back in touch at once with a control plane that was restarted. */
const reconnectPolicy = { retry_back_off: { base_interval: '0.05s', max_interval: '1s' } };

function buildNode(options: BootstrapOptions): Json {
  const { instance } = options;
  const app = instance.labels.app ?? instance.labels['app.kubernetes.io/name'] ?? instance.workload;
  return { id: nodeIdOf(instance), cluster: `${app}.${instance.namespace}`, metadata: nodeMetadata(options) };
}

/** Whose API the mesh speaks: what EnvoyFilters ask for by `proxyVersion`. */
const ISTIO_VERSION = '1.30.0';

/** Istio's node metadata: what a proxy says of itself. */
export function nodeMetadata({
  instance,
  trustDomain,
  meshId,
  environment = {},
}: Pick<BootstrapOptions, 'instance' | 'trustDomain' | 'meshId' | 'environment'>): Json {
  return {
    NETWORK: instance.labels[NETWORK_LABEL] ?? '',
    ...metadataIn(environment),
    NAME: instance.name,
    NAMESPACE: instance.namespace,
    WORKLOAD_NAME: instance.workload,
    OWNER: `kubernetes://apis/apps/v1/namespaces/${instance.namespace}/deployments/${instance.workload}`,
    LABELS: { ...instance.labels },
    SERVICE_ACCOUNT: instance.serviceAccount,
    INSTANCE_IPS: instance.address,
    CLUSTER_ID,
    ISTIO_VERSION,
    MESH_ID: meshId,
    TRUST_DOMAIN: trustDomain,
    INTERCEPTION_MODE: 'NONE',
  };
}

const NETWORK_LABEL = 'topology.istio.io/network';
const METADATA_PREFIX = 'ISTIO_META_';

function metadataIn(environment: Readonly<Record<string, string>>): Json {
  return Object.fromEntries(
    Object.entries(environment).flatMap(([name, value]) =>
      name.startsWith(METADATA_PREFIX) ? [[name.slice(METADATA_PREFIX.length), value]] : [],
    ),
  );
}

function buildSocketCluster(name: string, socket: string): Json {
  return {
    name,
    type: 'STATIC',
    connect_timeout: '1s',
    load_assignment: {
      cluster_name: name,
      endpoints: [{ lb_endpoints: [{ endpoint: { address: { pipe: { path: socket } } } }] }],
    },
    typed_extension_protocol_options: {
      'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
        '@type': 'type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
        explicit_http_config: {
          http2_protocol_options: { connection_keepalive: { interval: '30s', timeout: '10s' } },
        },
      },
    },
  };
}

/**
 * Statistics that Envoy keeps; the default of all of them costs memory for each cluster (a third more at 1,000
 * services). Whole families of the process itself, and for each cluster, listener and route what tells an operator
 * how much goes through it and what goes wrong.
 */
const keptPrefixes = [
  'server.',
  'cluster_manager.',
  'listener_manager.',
  'control_plane.',
  'overload.',
  'runtime.load_',
  `cluster.${bootstrapClusters.xds}.`,
  `cluster.${bootstrapClusters.sds}.`,
  // Istio's own metrics.
  'istio',
];

const keptSuffixes = [
  // Connections and requests.
  '_cx_active',
  '_cx_total',
  '_rq_active',
  '_rq_total',
  '_rq_2xx',
  '_rq_3xx',
  '_rq_4xx',
  '_rq_5xx',
  // Endpoints.
  '.membership_healthy',
  '.membership_total',
  // What goes wrong.
  'upstream_cx_connect_fail',
  'upstream_cx_connect_timeout',
  'upstream_cx_overflow',
  'upstream_cx_none_healthy',
  'upstream_rq_pending_overflow',
  'upstream_rq_retry',
  'upstream_rq_retry_success',
  'upstream_rq_timeout',
  'upstream_rq_per_try_timeout',
  'downstream_cx_overflow',
  'downstream_cx_overload_reject',
  'downstream_global_cx_overflow',
  'no_filter_chain_match',
  'no_route',
  'outlier_detection.ejections_active',
  'outlier_detection.ejections_enforced_total',
  // Mutual TLS.
  'ssl.handshake',
  'ssl.connection_error',
  'ssl.fail_verify_error',
  'ssl.fail_verify_no_cert',
  'ssl.fail_verify_san',
  'ssl_context_update_by_sds',
  // Configuration.
  '.update_rejected',
  '.update_success',
  '.version_text',
];

const keptStats = [...keptPrefixes.map((prefix) => ({ prefix })), ...keptSuffixes.map((suffix) => ({ suffix }))];
