import type { ClientTls } from '../model/client-tls.ts';
import { defined } from '../model/defined.ts';
import { DEFAULT_BALANCER } from '../model/load-balancer.ts';
import type { MeshDefaults } from '../model/mesh-defaults.ts';
import { DEFAULT_RETRY_BUDGET, type TrafficSettings } from '../model/traffic-settings.ts';
import type { UpstreamProtocol } from './ir/cluster.ts';
import type { TcpConnectionIr } from './ir/listener.ts';
import type { RetryLimitIr, UpstreamPolicyIr } from './ir/upstream-policy.ts';
import type { MeshTlsIr, UpstreamTlsIr, VerificationIr } from './ir/upstream-tls.ts';

/** What a DestinationRule says of one port of a service or subset. */
export type PortTrafficSettings = Omit<TrafficSettings, 'ports'>;

/** What holds for every cluster that no policy says otherwise of. */
export type UpstreamDefaults = Pick<
  MeshDefaults,
  'connectTimeoutMs' | 'tcpKeepalive' | 'autoMtls' | 'meshTls' | 'otherTls'
>;

/** What is known of the endpoints that a policy is for. */
export interface Upstream {
  /** May be a pattern. */
  readonly hostname: string;
  readonly protocol: UpstreamProtocol;
  /** Clients of the port speak HTTP/1.1. */
  readonly isUpgraded: boolean;
  /** Of endpoints in the mesh. */
  readonly meshTls: Omit<MeshTlsIr, 'alpn'>;
  /** One of the endpoints takes the mesh's TLS. Where none does, proxies need no certificate for the cluster. */
  readonly takesMeshTls: boolean;
  /** Names that certificates of endpoints outside of the mesh may have, unless the policy says it. */
  readonly subjectAltNames?: readonly string[];
}

/** The complete policy of a cluster, with all defaults. */
export function resolveUpstreamPolicy(
  settings: PortTrafficSettings,
  upstream: Upstream,
  defaults: UpstreamDefaults,
): UpstreamPolicyIr {
  const { connectTimeoutMs, tcpKeepalive } = defaults;
  const { loadBalancing, connectionPool, outlierDetection, proxyProtocol } = settings;
  return {
    loadBalancer: loadBalancing?.balancer ?? DEFAULT_BALANCER,
    connectionPool: {
      connectTimeoutMs,
      ...(tcpKeepalive === undefined ? {} : { tcpKeepalive }),
      ...connectionPool?.limits,
    },
    retryLimit: retryLimit(settings),
    ...(outlierDetection === undefined ? {} : { outlierDetection: outlierDetection.ejection }),
    panicThresholdPercent: outlierDetection?.minHealthPercent ?? 0,
    tls: resolveTls(settings.tls, upstream, defaults),
    ...(proxyProtocol === undefined ? {} : { proxyProtocol }),
  };
}

function retryLimit({ retryBudget, connectionPool }: PortTrafficSettings): RetryLimitIr {
  if (retryBudget !== undefined) return retryBudget;
  const maxRetries = connectionPool?.maxRetries;
  return maxRetries === undefined ? DEFAULT_RETRY_BUDGET : { type: 'count', maxRetries };
}

/**
 * Whether HTTP/1.1 to sidecars becomes HTTP/2, which costs both of them less. Limits on connections are meant for
 * connections with one request at a time, and would not limit anything with many. Other TLS than the mesh's does not end
 * at the sidecar.
 */
export function upgradesToHttp2(
  { tls, connectionPool }: PortTrafficSettings,
  { autoMtls, http2Upgrade }: Pick<MeshDefaults, 'autoMtls' | 'http2Upgrade'>,
): boolean {
  const isMeshTls = tls === undefined ? autoMtls : tls.type === 'mesh';
  if (!isMeshTls || http2Upgrade === 'never') return false;
  const { maxConnections, maxPendingRequests, maxRequestsPerConnection } = connectionPool?.limits ?? {};
  const limits = [maxConnections, maxPendingRequests, maxRequestsPerConnection];
  return http2Upgrade === 'always' || limits.every((limit) => limit === undefined);
}

/** What is spoken with the endpoints of a port: as the port says, unless the policy wants another version of HTTP. */
export function upstreamProtocolFor(
  protocol: UpstreamProtocol,
  { connectionPool }: PortTrafficSettings,
  upgradesToHttp2: boolean,
): UpstreamProtocol {
  const { httpVersion = protocol === 'http1' && upgradesToHttp2 ? 'http2' : 'as-port' } = connectionPool ?? {};
  return protocol === 'raw' || httpVersion === 'as-port' ? protocol : httpVersion;
}

/** What is offered beside `istio` in the TLS handshake, so that the server knows what is spoken within. */
const APPLICATION_PROTOCOLS: Readonly<Record<UpstreamProtocol, readonly string[]>> = {
  http1: ['http/1.1'],
  http2: ['h2'],
  'same-as-downstream': [],
  raw: [],
};

function resolveTls(
  tls: ClientTls | undefined,
  upstream: Upstream,
  { autoMtls, meshTls, otherTls }: UpstreamDefaults,
): UpstreamTlsIr {
  const mesh = {
    ...upstream.meshTls,
    // Where nothing is agreed on the server goes by what it sees, also where an EnvoyFilter keeps to HTTP/1.1.
    alpn: ['istio', ...(upstream.isUpgraded ? [] : APPLICATION_PROTOCOLS[upstream.protocol])],
    ...(meshTls === undefined ? {} : { parameters: meshTls }),
  };
  switch (tls?.type) {
    case undefined:
      return autoMtls && upstream.takesMeshTls ? { type: 'mesh-where-accepted', ...mesh } : { type: 'plaintext' };
    // Without endpoints, nothing is ever said.
    case 'refuse':
    case 'plaintext':
      return { type: 'plaintext' };
    case 'mesh': {
      const { sni = mesh.sni, names = mesh.peerIds } = tls;
      return { type: 'mesh', ...mesh, sni, peerIds: names };
    }
    case 'originate':
      return { ...resolveOriginated(tls, upstream), ...defined({ parameters: tls.parameters ?? otherTls }) };
  }
}

function resolveOriginated(
  tls: Extract<ClientTls, { type: 'originate' }>,
  upstream: Upstream,
): Extract<UpstreamTlsIr, { type: 'originate' }> {
  const sni = tls.sni ?? ownName(upstream);
  return {
    type: 'originate',
    ...(sni === undefined ? {} : { sni }),
    ...(tls.certificate === undefined ? {} : { certificate: tls.certificate }),
    verification: resolveVerification(tls, sni, upstream),
  };
}

function resolveVerification(
  { authorities, names, revokedFile }: Extract<ClientTls, { type: 'originate' }>,
  sni: string | undefined,
  upstream: Upstream,
): VerificationIr {
  if (authorities === undefined) return { type: 'none' };
  return {
    type: 'authorities',
    authorities,
    names: names ?? upstream.subjectAltNames ?? (sni === undefined ? 'from-request' : [sni]),
    ...(revokedFile === undefined ? {} : { revokedFile }),
  };
}

/** Requests name the host that they are for; TCP connections do not, so it can only be that of the service. */
function ownName({ hostname, protocol }: Upstream): string | undefined {
  return protocol === 'raw' && !hostname.startsWith('*') ? hostname : undefined;
}

/** What holds for connections that are passed on as TCP under a policy; undefined: nothing but defaults. */
export function resolveTcpConnection({ connectionPool, tunnel }: PortTrafficSettings): TcpConnectionIr | undefined {
  const limits = connectionPool?.tcp ?? {};
  if (tunnel === undefined && Object.keys(limits).length === 0) return undefined;
  return { ...limits, ...(tunnel === undefined ? {} : { tunnel }) };
}
