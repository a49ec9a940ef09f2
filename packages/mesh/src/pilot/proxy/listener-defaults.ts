import type { GatewayTopology, MeshDefaults } from '../model/mesh-defaults.ts';
import type { FilterChainIr, ListenerIr } from './ir/listener.ts';

/** A listener with what the mesh says of all of them, or of those of gateways. */
export function withDefaults(
  listener: ListenerIr,
  { detectionTimeoutMs, paths }: Pick<MeshDefaults, 'detectionTimeoutMs' | 'paths'>,
  topology: GatewayTopology = {},
): ListenerIr {
  const { firstBytes, chains, fallback } = listener;
  const { proxyProtocol, trustedProxies, clientCertificate } = topology;
  const connection = {
    ...(paths === undefined ? {} : { paths }),
    ...(trustedProxies === undefined ? {} : { trustedProxies }),
    ...(clientCertificate === undefined ? {} : { clientCertificate }),
  };
  const chain = (each: FilterChainIr): FilterChainIr =>
    each.handler.type === 'http'
      ? { ...each, handler: { type: 'http', http: { ...each.handler.http, ...connection } } }
      : each;
  const waits = firstBytes === 'detect' && listener.detectionTimeoutMs === undefined;
  return {
    ...listener,
    ...(Object.keys(connection).length === 0
      ? {}
      : { chains: chains.map(chain), ...(fallback === undefined ? {} : { fallback: chain(fallback) }) }),
    ...(waits && detectionTimeoutMs !== undefined ? { detectionTimeoutMs } : {}),
    ...(proxyProtocol === undefined ? {} : { proxyProtocol }),
  };
}
