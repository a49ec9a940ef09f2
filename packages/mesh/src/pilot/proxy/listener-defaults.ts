import type { GatewayTopology, MeshDefaults } from '../model/mesh-defaults.ts';
import type { FilterChainIr, HandlerIr, ListenerIr } from './ir/listener.ts';
import type { ServerTlsIr } from './ir/server-tls.ts';

/** A listener with what the mesh says of all of them, or of those of gateways. */
export function withDefaults(listener: ListenerIr, defaults: MeshDefaults, topology: GatewayTopology = {}): ListenerIr {
  const { detectionTimeoutMs, dnsRefreshMs, paths, meshTls, otherTls } = defaults;
  const { firstBytes, chains, fallback } = listener;
  const { proxyProtocol, trustedProxies, clientCertificate } = topology;
  const connection = {
    ...(paths === undefined ? {} : { paths }),
    ...(trustedProxies === undefined ? {} : { trustedProxies }),
    ...(clientCertificate === undefined ? {} : { clientCertificate }),
  };
  const chain = (each: FilterChainIr): FilterChainIr => ({
    ...each,
    ...(each.tls === undefined ? {} : { tls: withParameters(each.tls, defaults) }),
    handler: withLookUps(
      each.handler.type === 'http' ? { type: 'http', http: { ...each.handler.http, ...connection } } : each.handler,
      dnsRefreshMs,
    ),
  });
  const says = [...Object.values(connection), meshTls, otherTls, dnsRefreshMs].some((each) => each !== undefined);
  const waits = firstBytes === 'detect' && listener.detectionTimeoutMs === undefined;
  return {
    ...listener,
    ...(says ? { chains: chains.map(chain), ...(fallback === undefined ? {} : { fallback: chain(fallback) }) } : {}),
    ...(waits && detectionTimeoutMs !== undefined ? { detectionTimeoutMs } : {}),
    ...(proxyProtocol === undefined ? {} : { proxyProtocol }),
  };
}

/** Only those who look names up themselves. */
function withLookUps(handler: HandlerIr, dnsRefreshMs: number | undefined): HandlerIr {
  if (dnsRefreshMs === undefined) return handler;
  if (handler.type === 'http') {
    return handler.http.dynamicForward ? { type: 'http', http: { ...handler.http, dnsRefreshMs } } : handler;
  }
  return handler.tcp.serverNamePort === undefined ? handler : { type: 'tcp', tcp: { ...handler.tcp, dnsRefreshMs } };
}

function withParameters(tls: ServerTlsIr, { meshTls, otherTls }: MeshDefaults): ServerTlsIr {
  if (tls.type === 'mesh') return meshTls === undefined ? tls : { ...tls, parameters: meshTls };
  const isMesh = tls.certificates.every(({ from }) => from === 'agent');
  const defaults = isMesh ? meshTls : otherTls;
  if (defaults === undefined) return tls;
  const { maxVersion = '1.3' } = tls.parameters;
  const { minVersion = '1.2', ...others } = defaults;
  return { ...tls, parameters: { ...(minVersion <= maxVersion ? { minVersion } : {}), ...others, ...tls.parameters } };
}
