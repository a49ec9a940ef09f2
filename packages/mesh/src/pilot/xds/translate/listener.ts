import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { TrafficDirection } from '@lateen/envoy-api/envoy/config/core/v3/base_pb.js';
import {
  type Filter,
  type FilterChainMatchSchema,
  type FilterChainSchema,
  FilterSchema,
} from '@lateen/envoy-api/envoy/config/listener/v3/listener_components_pb.js';
import { type Listener, ListenerSchema } from '@lateen/envoy-api/envoy/config/listener/v3/listener_pb.js';
import { TcpProxySchema } from '@lateen/envoy-api/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy_pb.js';
import type {
  ApplicationProtocolsIr,
  FilterChainIr,
  FilterChainMatchIr,
  ListenerIr,
  TcpProxyIr,
} from '../../proxy/ir/listener.ts';
import { translateHttpConnection } from './http-connection.ts';
import type { Init } from './init.ts';
import { listenerFilters } from './listener-filters.ts';
import { sourceMetadata } from './metadata.ts';
import { downstreamMeshTls, MESH_ALPN } from './tls.ts';
import { addressRange, duration, extension, socketAddress } from './values.ts';

type FilterChainInit = MessageInitShape<typeof FilterChainSchema>;
type MatchInit = MessageInitShape<typeof FilterChainMatchSchema>;

/**
 * How long to wait for a client's first bytes where they decide what is spoken, and the server may be the one to speak
 * first; then the connection is taken for plaintext TCP. Long enough for a client on a machine with too much to do.
 */
const DETECTION_TIMEOUT_MS = 1000;
const BUFFER_LIMIT_BYTES = 1024 * 1024;

export function translateListener(ir: ListenerIr): Listener {
  return create(ListenerSchema, {
    name: ir.name,
    address: socketAddress(ir.address, ir.port),
    trafficDirection: ir.direction === 'inbound' ? TrafficDirection.INBOUND : TrafficDirection.OUTBOUND,
    perConnectionBufferLimitBytes: BUFFER_LIMIT_BYTES,
    listenerFilters: listenerFilters(ir),
    ...(ir.firstBytes === 'detect'
      ? {
          listenerFiltersTimeout: duration(ir.detectionTimeoutMs ?? DETECTION_TIMEOUT_MS),
          continueOnListenerFiltersTimeout: true,
        }
      : {}),
    filterChains: ir.chains.map(translateChain),
    ...(ir.fallback === undefined ? {} : { defaultFilterChain: translateChain(ir.fallback) }),
    ...translateSocket(ir.socket),
    ...sourceMetadata(ir.sources),
  });
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

function translateChain({ name, match, tls, handler }: FilterChainIr): FilterChainInit {
  return {
    name,
    ...(Object.keys(match).length === 0 ? {} : { filterChainMatch: translateMatch(match) }),
    ...(tls === undefined ? {} : { transportSocket: downstreamMeshTls(tls.carries) }),
    filters: [handler.type === 'http' ? translateHttpConnection(handler.http) : tcpProxy(handler.tcp)],
  };
}

function translateMatch(match: FilterChainMatchIr): MatchInit {
  const { destinationPort, destinationRanges = [], serverNames = [], transport, applicationProtocols } = match;
  return {
    ...(destinationPort === undefined ? {} : { destinationPort }),
    prefixRanges: destinationRanges.map(addressRange),
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

function tcpProxy({ statPrefix, cluster, connection = {} }: TcpProxyIr): Filter {
  const { idleTimeoutMs, maxConnectionDurationMs, tunnel } = connection;
  return create(
    FilterSchema,
    extension('envoy.filters.network.tcp_proxy', TcpProxySchema, {
      statPrefix,
      clusterSpecifier: { case: 'cluster', value: cluster },
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
