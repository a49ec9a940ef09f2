/**
 * Istio's metrics on stock Envoy, by its access logger that counts. What a proxy knows of its own workload is literal; of
 * the peer it is read from a header, or from the peer's certificate.
 */
const PEER = '%REQ(x-envoy-peer-metadata-id)%';

/** The 25 labels that each of Istio's standard metrics has. */
const STANDARD_TAGS: Readonly<Record<string, string>> = {
  reporter: 'REPORTER',
  source_workload: 'client',
  source_canonical_service: 'client',
  source_canonical_revision: 'latest',
  source_workload_namespace: 'default',
  source_principal: '%DOWNSTREAM_PEER_URI_SAN%',
  source_app: 'client',
  source_version: 'latest',
  source_cluster: 'Kubernetes',
  destination_workload: PEER,
  destination_workload_namespace: PEER,
  destination_principal: '%UPSTREAM_PEER_URI_SAN%',
  destination_app: PEER,
  destination_version: PEER,
  destination_service: '%UPSTREAM_CLUSTER%',
  destination_canonical_service: PEER,
  destination_canonical_revision: PEER,
  destination_service_name: 'details',
  destination_service_namespace: 'default',
  destination_cluster: PEER,
  request_protocol: '%PROTOCOL%',
  response_flags: '%RESPONSE_FLAGS%',
  grpc_response_status: '%GRPC_STATUS_NUMBER%',
  connection_security_policy: 'mutual_tls',
  response_code: '%RESPONSE_CODE%',
};

/** What is needed to draw a graph of services with rates, errors and durations. */
const LEAN_TAGS: Readonly<Record<string, string>> = {
  reporter: 'REPORTER',
  source_workload: 'client',
  destination_service: '%UPSTREAM_CLUSTER%',
  source_principal: '%DOWNSTREAM_PEER_URI_SAN%',
  response_flags: '%RESPONSE_FLAGS%',
  response_code: '%RESPONSE_CODE%',
};

const TAGS = { standard: STANDARD_TAGS, lean: LEAN_TAGS } as const;

/** An entry of `access_log` of an HTTP connection manager: requests, durations, and bytes both ways. */
export function istioMetrics(reporter: 'source' | 'destination', tags: keyof typeof TAGS): object {
  const formats = Object.entries(TAGS[tags]).map(([name, format]) => ({
    name,
    value_format: format === 'REPORTER' ? reporter : format,
  }));
  const stat = (name: string) => ({ name, tags: formats });
  const histogram = (name: string, unit: string, format: string) => ({
    stat: stat(name),
    unit,
    value_format: format,
  });
  return {
    name: 'metrics',
    typed_config: {
      '@type': 'type.googleapis.com/envoy.extensions.access_loggers.stats.v3.Config',
      stat_prefix: 'istio',
      counters: [{ stat: stat('requests_total'), value_fixed: 1 }],
      histograms: [
        histogram('request_duration_milliseconds', 'Milliseconds', '%DURATION%'),
        histogram('request_bytes', 'Bytes', '%BYTES_RECEIVED%'),
        histogram('response_bytes', 'Bytes', '%BYTES_SENT%'),
      ],
    },
  };
}
