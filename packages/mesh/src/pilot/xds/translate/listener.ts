import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { TrafficDirection } from '@lateen/envoy-api/envoy/config/core/v3/base_pb.js';
import {
  type Filter,
  type FilterChainMatchSchema,
  type FilterChainSchema,
  FilterSchema,
} from '@lateen/envoy-api/envoy/config/listener/v3/listener_components_pb.js';
import { type Listener, ListenerSchema } from '@lateen/envoy-api/envoy/config/listener/v3/listener_pb.js';
import { HttpInspectorSchema } from '@lateen/envoy-api/envoy/extensions/filters/listener/http_inspector/v3/http_inspector_pb.js';
import { TlsInspectorSchema } from '@lateen/envoy-api/envoy/extensions/filters/listener/tls_inspector/v3/tls_inspector_pb.js';
import { TcpProxySchema } from '@lateen/envoy-api/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy_pb.js';
import type { HandlerIr, ListenerIr, TcpProxyIr } from '../../proxy/ir/listener.ts';
import { translateHttpConnection } from './http-connection.ts';
import { sourceMetadata } from './metadata.ts';
import { downstreamMeshTls, MESH_ALPN } from './tls.ts';
import { duration, extension, socketAddress } from './values.ts';

type FilterChainInit = MessageInitShape<typeof FilterChainSchema>;
type MatchInit = MessageInitShape<typeof FilterChainMatchSchema>;

/**
 * How long to wait for a client's first bytes where they decide what is spoken, and the server may be the one to speak
 * first; then the connection is taken for plaintext TCP. Long enough for a client on a machine with too much to do.
 */
const DETECTION_TIMEOUT_MS = 1000;
const BUFFER_LIMIT_BYTES = 1024 * 1024;

export function translateListener(ir: ListenerIr): Listener {
  const detects = ir.handler.type === 'detect';
  return create(ListenerSchema, {
    name: ir.name,
    address: socketAddress(ir.address, ir.port),
    trafficDirection: ir.direction === 'inbound' ? TrafficDirection.INBOUND : TrafficDirection.OUTBOUND,
    perConnectionBufferLimitBytes: BUFFER_LIMIT_BYTES,
    listenerFilters: [...(ir.meshTls === 'permissive' ? [TLS_INSPECTOR] : []), ...(detects ? [HTTP_INSPECTOR] : [])],
    // HTTP clients always speak first, so there is nothing to wait for but them.
    ...(detects || (ir.meshTls === 'permissive' && ir.handler.type === 'tcp')
      ? { listenerFiltersTimeout: duration(DETECTION_TIMEOUT_MS), continueOnListenerFiltersTimeout: true }
      : {}),
    ...filterChains(ir),
    ...sourceMetadata(ir.sources),
  });
}

function filterChains(
  ir: ListenerIr,
): Pick<MessageInitShape<typeof ListenerSchema>, 'filterChains' | 'defaultFilterChain'> {
  switch (ir.meshTls) {
    case 'strict':
      return { filterChains: [meshTlsChain(ir.handler, {})] };
    case 'permissive':
      return {
        filterChains: [
          meshTlsChain(ir.handler, { transportProtocol: 'tls', applicationProtocols: MESH_ALPN }),
          ...plaintextChains(ir.handler),
        ],
      };
    case 'none':
      return { filterChains: plaintextChains(ir.handler) };
  }
}

/** What is inside of TLS cannot be looked at before a chain is chosen, so a port of unknown protocol is TCP there. */
function meshTlsChain(handler: HandlerIr, filterChainMatch: MatchInit): FilterChainInit {
  return {
    name: 'mesh-tls',
    filterChainMatch,
    transportSocket: downstreamMeshTls(handler.type === 'http' ? 'http' : 'tcp'),
    filters: [handler.type === 'http' ? translateHttpConnection(handler.http) : tcpProxy(handler.tcp)],
  };
}

function plaintextChains(handler: HandlerIr): FilterChainInit[] {
  switch (handler.type) {
    case 'http':
      return [{ name: 'http', filters: [translateHttpConnection(handler.http)] }];
    case 'tcp':
      return [{ name: 'tcp', filters: [tcpProxy(handler.tcp)] }];
    case 'detect':
      return [
        {
          name: 'http',
          filterChainMatch: { applicationProtocols: ['http/1.0', 'http/1.1', 'h2c'] },
          filters: [translateHttpConnection(handler.http)],
        },
        { name: 'tcp', filters: [tcpProxy(handler.tcp)] },
      ];
  }
}

function tcpProxy({ statPrefix, cluster }: TcpProxyIr): Filter {
  return create(
    FilterSchema,
    extension('envoy.filters.network.tcp_proxy', TcpProxySchema, {
      statPrefix,
      clusterSpecifier: { case: 'cluster', value: cluster },
    }),
  );
}

const TLS_INSPECTOR = extension('envoy.filters.listener.tls_inspector', TlsInspectorSchema);
const HTTP_INSPECTOR = extension('envoy.filters.listener.http_inspector', HttpInspectorSchema);
