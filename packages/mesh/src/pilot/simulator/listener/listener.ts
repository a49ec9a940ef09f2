import type { DetectedProtocols, Unknown } from '@lateen/api/verdict.ts';
import type { Address } from '@lateen/envoy-api/envoy/config/core/v3/address_pb.js';
import {
  type FilterChain,
  FilterChainSchema,
} from '@lateen/envoy-api/envoy/config/listener/v3/listener_components_pb.js';
import { type Listener, ListenerSchema } from '@lateen/envoy-api/envoy/config/listener/v3/listener_pb.js';
import { TlsInspectorSchema } from '@lateen/envoy-api/envoy/extensions/filters/listener/tls_inspector/v3/tls_inspector_pb.js';
import { UdpProxyConfigSchema } from '@lateen/envoy-api/envoy/extensions/filters/udp/udp_proxy/v3/udp_proxy_pb.js';
import { typeName } from '../any-type.ts';
import type { ArrivalAddress, Call, Payload, SocketAddress } from '../call.ts';
import { unknownFields } from '../unknowns.ts';

/** A listener, made ready to be asked often. */
export interface PreparedListener {
  readonly listener: Listener;
  /** The default one is the last. */
  readonly chains: readonly FilterChain[];
  readonly inspectsTls: boolean;
  readonly inspectsHttp: boolean;
  /** Takes the address that the client wanted for its own. */
  readonly restoresDestination: boolean;
  readonly unknowns: readonly Unknown[];
}

const INSPECTORS = {
  tls: TlsInspectorSchema.typeName,
  http: 'envoy.extensions.filters.listener.http_inspector.v3.HttpInspector',
  datagrams: UdpProxyConfigSchema.typeName,
  originalDestination: 'envoy.extensions.filters.listener.original_dst.v3.OriginalDst',
};

export function prepareListener(listener: Listener): PreparedListener {
  const where = `listener ${listener.name}`;
  const chains = [...listener.filterChains, ...(listener.defaultFilterChain ? [listener.defaultFilterChain] : [])];
  const types = listener.listenerFilters.map(({ configType }) =>
    configType.case === 'typedConfig' ? typeName(configType.value) : '',
  );
  const known: readonly string[] = Object.values(INSPECTORS);
  return {
    listener,
    chains,
    inspectsTls: types.includes(INSPECTORS.tls) || needsTlsInspector(listener.filterChains),
    inspectsHttp: types.includes(INSPECTORS.http),
    restoresDestination: types.includes(INSPECTORS.originalDestination) || listener.useOriginalDst === true,
    unknowns: [
      ...unknownFields(ListenerSchema, listener, LISTENER_FIELDS, where),
      ...chains.flatMap((chain) =>
        unknownFields(FilterChainSchema, chain, CHAIN_FIELDS, `${where}, chain ${chain.name}`),
      ),
      ...listener.listenerFilters
        .filter((_, index) => !known.includes(types[index] ?? ''))
        .map(({ name }) => ({ what: `listener filter ${name}`, where })),
    ],
  };
}

/** Envoy puts one in by itself where a chain's match needs it. */
function needsTlsInspector(chains: readonly FilterChain[]): boolean {
  return chains.some(({ filterChainMatch: match }) => {
    if (match === undefined) return false;
    if (match.transportProtocol !== '') return match.transportProtocol === 'tls';
    return match.serverNames.length > 0 || match.applicationProtocols.length > 0;
  });
}

/** The listener for a connection: of its very address, else of any address; then handed on where the client wanted to go. */
export function findListener(listeners: readonly PreparedListener[], call: Call): PreparedListener | undefined {
  const isDatagram = call.payload.type === 'tcp' && call.payload.datagram === true;
  const arrived = listeners.filter(
    ({ listener }) => listener.bindToPort !== false && (listener.udpListenerConfig !== undefined) === isDatagram,
  );
  const first = atAddress(arrived, call.at);
  if (first?.listener.useOriginalDst !== true || call.originalDestination === undefined) return first;
  const handedOn = atAddress(
    listeners.filter((each) => each !== first),
    call.originalDestination,
  );
  return handedOn ?? first;
}

function atAddress(listeners: readonly PreparedListener[], at: ArrivalAddress): PreparedListener | undefined {
  if ('listener' in at) return listeners.find(({ listener }) => listener.name === at.listener);
  const has = (host: string) =>
    listeners.find(({ listener }) =>
      [listener.address, ...listener.additionalAddresses.map(({ address }) => address)].some((address) =>
        isAt(address, host, at.port),
      ),
    );
  return has(at.host) ?? has(at.host.includes(':') ? '::' : '0.0.0.0') ?? has('::');
}

function isAt(address: Address | undefined, host: string, port: number): boolean {
  if (address?.address.case !== 'socketAddress') return false;
  const { portSpecifier, address: own } = address.address.value;
  return own === host && portSpecifier.value === port;
}

/** Where the connection goes to, as chains are chosen by it. */
export function destinationOf(prepared: PreparedListener, call: Call): SocketAddress {
  // A listener that connections are handed on to gets them with the address restored.
  const isRestored = prepared.restoresDestination || atAddress([prepared], call.at) === undefined;
  if (isRestored && call.originalDestination !== undefined) return call.originalDestination;
  return 'listener' in call.at ? { host: '', port: 0 } : call.at;
}

/** What the listener finds out from the first bytes. A text: why the connection ends there. */
export function detect(
  { inspectsTls, inspectsHttp, listener }: PreparedListener,
  payload: Payload,
): DetectedProtocols | string {
  const waits = inspectsTls || inspectsHttp;
  if (waits && payload.type === 'tcp' && payload.serverFirst === true && !listener.continueOnListenerFiltersTimeout) {
    return 'the client waits for the server to speak, and the listener for the first bytes of the client';
  }
  if (inspectsTls && payload.type === 'tls') {
    const { serverName, applicationProtocols } = payload;
    return { transport: 'tls', ...(serverName === undefined ? {} : { serverName }), applicationProtocols };
  }
  const http = inspectsHttp && payload.type === 'http' ? [HTTP_NAMES[payload.protocol]] : [];
  return { transport: 'raw_buffer', applicationProtocols: http };
}

const HTTP_NAMES = { http1: 'http/1.1', http2: 'h2c', http3: 'h3' } as const;

const LISTENER_FIELDS = new Set([
  ...[
    'name',
    'address',
    'additional_addresses',
    'filter_chains',
    'use_original_dst',
    'default_filter_chain',
    'metadata',
  ],
  ...[
    'listener_filters',
    'continue_on_listener_filters_timeout',
    'bind_to_port',
    'internal_listener',
    'udp_listener_config',
  ],
  // What says nothing about where a call goes.
  ...['stat_prefix', 'stats_matcher', 'per_connection_buffer_limit_bytes', 'drain_type', 'listener_filters_timeout'],
  ...['per_connection_buffer_high_watermark_timeout', 'transparent', 'freebind', 'socket_options'],
  ...['tcp_fast_open_queue_length', 'traffic_direction', 'connection_balance_config', 'reuse_port'],
  ...['enable_reuse_port', 'access_log', 'tcp_backlog_size', 'max_connections_to_accept_per_socket_event'],
  ...['enable_mptcp', 'ignore_global_conn_limit', 'bypass_overload_manager', 'tcp_keepalive'],
]);

const CHAIN_FIELDS = new Set([
  ...['filter_chain_match', 'filters', 'metadata', 'transport_socket', 'name', 'transport_socket_connect_timeout'],
]);
