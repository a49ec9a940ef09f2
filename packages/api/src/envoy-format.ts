/**
 * Checks the values that Envoy fills in where it writes headers: `%REQ(x-user)%`, `%DOWNSTREAM_REMOTE_ADDRESS%`, and
 * `%%` for a percent sign. What the parameters of a command mean is left to Envoy.
 */
import { list } from './schema/field.ts';
import { didYouMean } from './suggest.ts';

/** Commands that must have parameters, as in `%REQ(x-user)%`. */
const WITH_PARAMETERS = new Set([
  ...['REQ', 'RESP', 'TRAILER', 'DYNAMIC_METADATA', 'CLUSTER_METADATA', 'UPSTREAM_METADATA', 'METADATA'],
  ...['FILTER_STATE', 'UPSTREAM_FILTER_STATE', 'PER_REQUEST_STATE', 'ENVIRONMENT', 'QUERY_PARAM', 'COMMON_DURATION'],
  ...['CEL', 'COALESCE'],
]);

/** Commands that may have parameters. */
const WITH_OR_WITHOUT = new Set([
  ...['START_TIME', 'START_TIME_LOCAL', 'EMIT_TIME', 'EMIT_TIME_LOCAL', 'GRPC_STATUS', 'PATH', 'QUERY_PARAMS'],
  ...['REQUESTED_SERVER_NAME', 'DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT', 'DOWNSTREAM_LOCAL_ADDRESS_WITHOUT_PORT'],
  ...['DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT', 'DOWNSTREAM_DIRECT_LOCAL_ADDRESS_WITHOUT_PORT'],
  ...['DOWNSTREAM_PEER_CERT_V_START', 'DOWNSTREAM_PEER_CERT_V_END'],
  ...['UPSTREAM_PEER_CERT_V_START', 'UPSTREAM_PEER_CERT_V_END'],
]);

const WITHOUT_PARAMETERS = new Set([
  ...['REQUEST_DURATION', 'REQUEST_TX_DURATION', 'RESPONSE_DURATION', 'RESPONSE_TX_DURATION', 'DURATION'],
  ...['BYTES_RECEIVED', 'BYTES_SENT', 'BYTES_RETRANSMITTED', 'PACKETS_RETRANSMITTED', 'PROTOCOL', 'UPSTREAM_PROTOCOL'],
  ...['UPSTREAM_WIRE_BYTES_SENT', 'UPSTREAM_WIRE_BYTES_RECEIVED'],
  ...['UPSTREAM_HEADER_BYTES_SENT', 'UPSTREAM_HEADER_BYTES_RECEIVED'],
  ...['UPSTREAM_DECOMPRESSED_HEADER_BYTES_SENT', 'UPSTREAM_DECOMPRESSED_HEADER_BYTES_RECEIVED'],
  ...['DOWNSTREAM_WIRE_BYTES_SENT', 'DOWNSTREAM_WIRE_BYTES_RECEIVED'],
  ...['DOWNSTREAM_HEADER_BYTES_SENT', 'DOWNSTREAM_HEADER_BYTES_RECEIVED'],
  ...['DOWNSTREAM_DECOMPRESSED_HEADER_BYTES_SENT', 'DOWNSTREAM_DECOMPRESSED_HEADER_BYTES_RECEIVED'],
  ...['RESPONSE_CODE', 'RESPONSE_CODE_DETAILS', 'CONNECTION_TERMINATION_DETAILS', 'GRPC_STATUS_NUMBER'],
  ...['CUSTOM_FLAGS', 'RESPONSE_FLAGS', 'RESPONSE_FLAGS_LONG', 'LOCAL_REPLY_BODY'],
  ...['UPSTREAM_HOST', 'UPSTREAM_HOST_NAME', 'UPSTREAM_HOST_NAME_WITHOUT_PORT', 'UPSTREAM_CONNECTION_ID'],
  ...['UPSTREAM_CLUSTER', 'UPSTREAM_CLUSTER_RAW', 'UPSTREAM_REQUEST_ATTEMPT_COUNT'],
  ...['UPSTREAM_LOCAL_ADDRESS', 'UPSTREAM_LOCAL_ADDRESS_WITHOUT_PORT', 'UPSTREAM_LOCAL_PORT'],
  ...['UPSTREAM_REMOTE_ADDRESS', 'UPSTREAM_REMOTE_ADDRESS_WITHOUT_PORT', 'UPSTREAM_REMOTE_PORT'],
  ...['UPSTREAM_TRANSPORT_FAILURE_REASON', 'UPSTREAM_DETECTED_CLOSE_TYPE', 'UPSTREAM_LOCAL_CLOSE_REASON'],
  ...['UPSTREAM_CONNECTION_POOL_READY_DURATION', 'UPSTREAM_CONNECTION_IDS_ATTEMPTED'],
  ...['UPSTREAM_HOSTS_ATTEMPTED', 'UPSTREAM_HOSTS_ATTEMPTED_WITHOUT_PORT', 'UPSTREAM_HOST_NAMES_ATTEMPTED'],
  ...['DOWNSTREAM_TRANSPORT_FAILURE_REASON', 'DOWNSTREAM_DETECTED_CLOSE_TYPE', 'DOWNSTREAM_LOCAL_CLOSE_REASON'],
  ...['DOWNSTREAM_REMOTE_ADDRESS', 'DOWNSTREAM_REMOTE_PORT'],
  ...['DOWNSTREAM_DIRECT_REMOTE_ADDRESS', 'DOWNSTREAM_DIRECT_REMOTE_PORT'],
  ...['DOWNSTREAM_LOCAL_ADDRESS', 'DOWNSTREAM_LOCAL_PORT'],
  ...['DOWNSTREAM_DIRECT_LOCAL_ADDRESS', 'DOWNSTREAM_DIRECT_LOCAL_PORT', 'CONNECTION_ID'],
  ...['DOWNSTREAM_LOCAL_URI_SAN', 'DOWNSTREAM_LOCAL_DNS_SAN', 'DOWNSTREAM_LOCAL_IP_SAN', 'DOWNSTREAM_LOCAL_SUBJECT'],
  ...['DOWNSTREAM_LOCAL_EMAIL_SAN', 'DOWNSTREAM_LOCAL_OTHERNAME_SAN'],
  ...['DOWNSTREAM_PEER_URI_SAN', 'DOWNSTREAM_PEER_DNS_SAN', 'DOWNSTREAM_PEER_IP_SAN', 'DOWNSTREAM_PEER_SUBJECT'],
  ...['DOWNSTREAM_PEER_EMAIL_SAN', 'DOWNSTREAM_PEER_OTHERNAME_SAN', 'DOWNSTREAM_PEER_ISSUER', 'DOWNSTREAM_PEER_CERT'],
  ...['DOWNSTREAM_PEER_SERIAL', 'DOWNSTREAM_PEER_FINGERPRINT_256', 'DOWNSTREAM_PEER_FINGERPRINT_1'],
  ...['DOWNSTREAM_PEER_CHAIN_FINGERPRINTS_256', 'DOWNSTREAM_PEER_CHAIN_FINGERPRINTS_1'],
  ...['DOWNSTREAM_PEER_CHAIN_SERIALS', 'DOWNSTREAM_TLS_SESSION_ID', 'DOWNSTREAM_TLS_CIPHER'],
  ...['DOWNSTREAM_TLS_VERSION', 'DOWNSTREAM_TLS_GROUP', 'TLS_JA3_FINGERPRINT', 'TLS_JA4_FINGERPRINT'],
  ...['UPSTREAM_LOCAL_URI_SAN', 'UPSTREAM_LOCAL_DNS_SAN', 'UPSTREAM_LOCAL_IP_SAN'],
  ...['UPSTREAM_PEER_URI_SAN', 'UPSTREAM_PEER_DNS_SAN', 'UPSTREAM_PEER_IP_SAN', 'UPSTREAM_PEER_SUBJECT'],
  ...['UPSTREAM_PEER_ISSUER', 'UPSTREAM_PEER_CERT', 'UPSTREAM_TLS_SESSION_ID', 'UPSTREAM_TLS_CIPHER'],
  ...['UPSTREAM_TLS_VERSION', 'UPSTREAM_TLS_GROUP', 'HOSTNAME', 'FILTER_CHAIN_NAME', 'ROUTE_NAME'],
  ...['VIRTUAL_CLUSTER_NAME', 'STREAM_ID', 'UNIQUE_ID', 'TRACE_ID', 'SPAN_ID', 'ACCESS_LOG_TYPE'],
]);

export const FORMAT_COMMANDS: ReadonlySet<string> = new Set([
  ...WITH_PARAMETERS,
  ...WITH_OR_WITHOUT,
  ...WITHOUT_PARAMETERS,
]);

const COMMAND = /%([A-Z][A-Z0-9_]*)(?:\((.*?)\))?(:\d+)?%/y;
/** Of `REQ`, `RESP` and `TRAILER`: a header, and another that is taken where the first is absent. */
const HEADERS = /^:?[-!#$&'*+.^_`|~0-9A-Za-z%]+(\?:?[-!#$&'*+.^_`|~0-9A-Za-z%]+)?$/;

/** What is wrong with the value, or undefined. */
export function formatProblem(value: string): string | undefined {
  let at = value.indexOf('%');
  while (at !== -1) {
    if (value[at + 1] === '%') {
      at = value.indexOf('%', at + 2);
      continue;
    }
    COMMAND.lastIndex = at;
    const found = COMMAND.exec(value);
    if (found === null) {
      return `has a '%' at character ${at + 1} that starts no command such as %REQ(x-user)%; write %% for a percent sign`;
    }
    const problem = commandProblem(found[1] ?? '', found[2] ?? '', found[3]);
    if (problem !== undefined) return problem;
    at = value.indexOf('%', COMMAND.lastIndex);
  }
  return undefined;
}

function commandProblem(name: string, parameters: string, length: string | undefined): string | undefined {
  if (!FORMAT_COMMANDS.has(name)) {
    return `has %${name}%, which is no command of Envoy's${didYouMean(name, FORMAT_COMMANDS)}; write %% for a percent sign`;
  }
  if (WITHOUT_PARAMETERS.has(name)) {
    return parameters === '' && length === undefined ? undefined : `has %${name}% with parameters, but it takes none`;
  }
  if (WITH_PARAMETERS.has(name) && parameters === '') return `has %${name}% without parameters, but it needs some`;
  const headers = ['REQ', 'RESP', 'TRAILER'];
  return headers.includes(name) && !HEADERS.test(parameters)
    ? `has %${name}(${parameters})%, but ${list(headers, 'and')} take a header name, or two with a '?' between them`
    : undefined;
}
