import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { TrafficDirection } from '@lateen/envoy-api/envoy/config/core/v3/base_pb.js';
import {
  type Filter,
  type FilterChainMatchSchema,
  type FilterChainSchema,
  FilterSchema,
} from '@lateen/envoy-api/envoy/config/listener/v3/listener_components_pb.js';
import { type Listener, ListenerSchema } from '@lateen/envoy-api/envoy/config/listener/v3/listener_pb.js';
import { SniClusterSchema } from '@lateen/envoy-api/envoy/extensions/filters/network/sni_cluster/v3/sni_cluster_pb.js';
import { FilterConfigSchema as SniForwardSchema } from '@lateen/envoy-api/envoy/extensions/filters/network/sni_dynamic_forward_proxy/v3/sni_dynamic_forward_proxy_pb.js';
import { TcpProxySchema } from '@lateen/envoy-api/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy_pb.js';
import type {
  ApplicationProtocolsIr,
  FilterChainIr,
  FilterChainMatchIr,
  ListenerIr,
  TcpProxyIr,
} from '../../proxy/ir/listener.ts';
import { dnsCache } from './dns-cache.ts';
import { translateHttpConnection } from './http-connection.ts';
import type { Init } from './init.ts';
import { listenerFilters } from './listener-filters.ts';
import { sourceMetadata } from './metadata.ts';
import { quicTls, serverTls } from './server-tls.ts';
import { MESH_ALPN } from './tls.ts';
import { udpProxy } from './udp-proxy.ts';
import { addressRange, duration, extension, socketAddress } from './values.ts';

type ListenerInit = Init<typeof ListenerSchema>;
type FilterChainInit = MessageInitShape<typeof FilterChainSchema>;
type MatchInit = MessageInitShape<typeof FilterChainMatchSchema>;

/**
 * How long to wait for a client's first bytes where they decide what is spoken, and the server may be the one to speak
 * first; then the connection is taken for plaintext TCP. Long enough for a client on a machine with too much to do.
 */
const DETECTION_TIMEOUT_MS = 1000;
/** What Ethernet takes with jumbo frames; Envoy's default drops all that is longer than 1500. */
const MAX_DATAGRAM_BYTES = 9000n;
const BUFFER_LIMIT_BYTES = 1024 * 1024;

export function translateListener(ir: ListenerIr): Listener {
  return create(ListenerSchema, {
    name: ir.name,
    ...socketOf(ir),
    trafficDirection: ir.direction === 'inbound' ? TrafficDirection.INBOUND : TrafficDirection.OUTBOUND,
    perConnectionBufferLimitBytes: BUFFER_LIMIT_BYTES,
    listenerFilters: filtersOf(ir),
    ...(ir.firstBytes === 'detect'
      ? {
          listenerFiltersTimeout: duration(ir.detectionTimeoutMs ?? DETECTION_TIMEOUT_MS),
          continueOnListenerFiltersTimeout: true,
        }
      : {}),
    filterChains: ir.chains.map((chain) => translateChain(chain, ir.quic)),
    ...(ir.fallback === undefined ? {} : { defaultFilterChain: translateChain(ir.fallback) }),
    ...translateSocket(ir.socket),
    ...sourceMetadata(ir.sources),
  });
}

function filtersOf(ir: ListenerIr): NonNullable<ListenerInit['listenerFilters']> {
  if (ir.datagrams !== undefined) return [udpProxy(ir.datagrams)];
  // QUIC has read the handshake by itself.
  return ir.quic === true ? [] : listenerFilters(ir);
}

function socketOf({ address, port, quic, datagrams }: ListenerIr): Pick<ListenerInit, 'address' | 'udpListenerConfig'> {
  if (datagrams !== undefined) {
    return {
      address: socketAddress(address, port, 'udp'),
      udpListenerConfig: { downstreamSocketConfig: { maxRxDatagramSize: MAX_DATAGRAM_BYTES } },
    };
  }
  if (quic !== true) return { address: socketAddress(address, port) };
  return {
    address: socketAddress(address, port, 'udp'),
    udpListenerConfig: { quicOptions: {}, downstreamSocketConfig: { preferGro: true } },
  };
}

function translateSocket(socket: ListenerIr['socket']): Init<typeof ListenerSchema> {
  switch (socket?.type) {
    case undefined:
      return {};
    case 'none':
      return { bindToPort: false };
    case 'redirected':
      return {
        ...(socket.handsOver ? { useOriginalDst: true } : {}),
        ...(socket.transparent ? { transparent: true } : {}),
      };
  }
}

function translateChain({ name, match, tls, handler }: FilterChainIr, quic = false): FilterChainInit {
  return {
    name,
    ...(Object.keys(match).length === 0 ? {} : { filterChainMatch: translateMatch(match) }),
    ...(tls === undefined
      ? {}
      : { transportSocket: quic && tls.type === 'certificate' ? quicTls(tls) : serverTls(tls) }),
    filters: handler.type === 'http' ? [translateHttpConnection(handler.http)] : tcpFilters(handler.tcp),
  };
}

function translateMatch(match: FilterChainMatchIr): MatchInit {
  const {
    destinationPort,
    destinationRanges = [],
    sourceRanges = [],
    serverNames = [],
    transport,
    applicationProtocols,
  } = match;
  return {
    ...(destinationPort === undefined ? {} : { destinationPort }),
    prefixRanges: destinationRanges.map(addressRange),
    sourcePrefixRanges: sourceRanges.map(addressRange),
    serverNames: [...serverNames],
    ...(transport === undefined ? {} : { transportProtocol: TRANSPORTS[transport] }),
    applicationProtocols: applicationProtocols === undefined ? [] : [...APPLICATION_PROTOCOLS[applicationProtocols]],
  };
}

const TRANSPORTS = { tls: 'tls', plaintext: 'raw_buffer' } as const;

const APPLICATION_PROTOCOLS: Readonly<Record<ApplicationProtocolsIr, readonly string[]>> = {
  mesh: MESH_ALPN,
  http: ['http/1.0', 'http/1.1', 'h2c'],
};

function tcpFilters(ir: TcpProxyIr): Filter[] {
  return [
    ...(ir.byServerName === true ? [SNI_CLUSTER] : []),
    ...(ir.serverNamePort === undefined ? [] : [serverNameLookup(ir.serverNamePort, ir.dnsRefreshMs)]),
    tcpProxy(ir),
  ];
}

function serverNameLookup(port: number, dnsRefreshMs: number | undefined): Filter {
  return create(
    FilterSchema,
    extension('envoy.filters.network.sni_dynamic_forward_proxy', SniForwardSchema, {
      dnsCacheConfig: dnsCache(dnsRefreshMs),
      portSpecifier: { case: 'portValue', value: port },
    }),
  );
}

function tcpProxy({ statPrefix, cluster, connection = {} }: TcpProxyIr): Filter {
  const { idleTimeoutMs, maxConnectionDurationMs, tunnel } = connection;
  const clusterSpecifier =
    typeof cluster === 'string'
      ? { case: 'cluster' as const, value: cluster }
      : {
          case: 'weightedClusters' as const,
          value: { clusters: cluster.map((each) => ({ name: each.cluster, weight: each.weight })) },
        };
  return create(
    FilterSchema,
    extension('envoy.filters.network.tcp_proxy', TcpProxySchema, {
      statPrefix,
      clusterSpecifier,
      ...(idleTimeoutMs === undefined ? {} : { idleTimeout: duration(idleTimeoutMs) }),
      ...(maxConnectionDurationMs === undefined
        ? {}
        : { maxDownstreamConnectionDuration: duration(maxConnectionDurationMs) }),
      ...(tunnel === undefined
        ? {}
        : { tunnelingConfig: { hostname: tunnel.target, usePost: tunnel.method === 'POST' } }),
    }),
  );
}

/** Names the cluster of the connection after its server name, before the TCP proxy looks. */
const SNI_CLUSTER: Filter = create(FilterSchema, extension('envoy.filters.network.sni_cluster', SniClusterSchema));
