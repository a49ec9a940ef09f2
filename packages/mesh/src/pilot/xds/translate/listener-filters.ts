import type { MessageInitShape } from '@bufbuild/protobuf';
import type {
  ListenerFilterChainMatchPredicateSchema,
  ListenerFilterSchema,
} from '@lateen/envoy-api/envoy/config/listener/v3/listener_components_pb.js';
import { HttpInspectorSchema } from '@lateen/envoy-api/envoy/extensions/filters/listener/http_inspector/v3/http_inspector_pb.js';
import { OriginalDstSchema } from '@lateen/envoy-api/envoy/extensions/filters/listener/original_dst/v3/original_dst_pb.js';
import { OriginalSrcSchema } from '@lateen/envoy-api/envoy/extensions/filters/listener/original_src/v3/original_src_pb.js';
import { ProxyProtocolSchema } from '@lateen/envoy-api/envoy/extensions/filters/listener/proxy_protocol/v3/proxy_protocol_pb.js';
import { TlsInspectorSchema } from '@lateen/envoy-api/envoy/extensions/filters/listener/tls_inspector/v3/tls_inspector_pb.js';
import type { FilterChainMatchIr, ListenerIr } from '../../proxy/ir/listener.ts';
import type { Init } from './init.ts';
import { extension } from './values.ts';

type ListenerFilterInit = Init<typeof ListenerFilterSchema>;
type PredicateInit = MessageInitShape<typeof ListenerFilterChainMatchPredicateSchema>;

/** The mark of packets that the kernel must not hand back to the proxy, as Istio sets it. */
const TPROXY_MARK = 1337;

const ORIGINAL_DST = extension('envoy.filters.listener.original_dst', OriginalDstSchema);
const ORIGINAL_SRC = extension('envoy.filters.listener.original_src', OriginalSrcSchema, { mark: TPROXY_MARK });
const PROXY_PROTOCOL = extension('envoy.filters.listener.proxy_protocol', ProxyProtocolSchema);
const TLS_INSPECTOR = extension('envoy.filters.listener.tls_inspector', TlsInspectorSchema);
const HTTP_INSPECTOR = extension('envoy.filters.listener.http_inspector', HttpInspectorSchema);

/** What is found out of a connection before a chain can be chosen. The order is that of their work. */
export function listenerFilters({ chains, socket, proxyProtocol }: ListenerIr): ListenerFilterInit[] {
  const matches = chains.map(({ match }) => match);
  return [
    ...(proxyProtocol === undefined ? [] : [PROXY_PROTOCOL]),
    // A listener that hands connections over finds their destination out by itself.
    ...(socket?.type === 'redirected' && !socket.handsOver ? [ORIGINAL_DST] : []),
    ...(socket?.type === 'redirected' && socket.transparent ? [ORIGINAL_SRC] : []),
    ...whereNeeded(TLS_INSPECTOR, matches, (match) => match.serverNames !== undefined || match.transport !== undefined),
    ...whereNeeded(HTTP_INSPECTOR, matches, ({ applicationProtocols }) => applicationProtocols === 'http'),
  ];
}

/**
 * A filter that looks at a client's first bytes has to wait for them, so it is left out at ports whose chains do not ask:
 * there the server may be the one to speak first.
 */
function whereNeeded(
  filter: ListenerFilterInit,
  matches: readonly FilterChainMatchIr[],
  needs: (match: FilterChainMatchIr) => boolean,
): ListenerFilterInit[] {
  const needing = matches.filter(needs);
  if (needing.length === 0) return [];
  const ports = new Set(matches.flatMap(({ destinationPort }) => destinationPort ?? []));
  const portsNeeding = new Set(needing.flatMap(({ destinationPort }) => destinationPort ?? []));
  if (needing.some(({ destinationPort }) => destinationPort === undefined)) {
    const idle = [...ports].filter((port) => !portsNeeding.has(port));
    return [idle.length === 0 ? filter : { ...filter, filterDisabled: anyPort(idle) }];
  }
  return [{ ...filter, filterDisabled: { rule: { case: 'notMatch', value: anyPort([...portsNeeding]) } } }];
}

function anyPort(ports: readonly number[]): PredicateInit {
  const rules = ports.map(
    (port): PredicateInit => ({ rule: { case: 'destinationPortRange', value: { start: port, end: port + 1 } } }),
  );
  const [only, ...others] = rules;
  return only !== undefined && others.length === 0 ? only : { rule: { case: 'orMatch', value: { rules } } };
}
