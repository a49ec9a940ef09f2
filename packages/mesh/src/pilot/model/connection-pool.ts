import { durationMs, optionalDurationMs } from '@lateen/api/duration.ts';
import type { ConnectionPool as ConnectionPoolSettings } from '@lateen/api/istio/connection-pool.ts';
import type { ConnectionPoolIr, Http2KeepaliveIr, TcpKeepaliveIr } from '../proxy/ir/upstream-policy.ts';
import { defined } from './defined.ts';

/** `connectionPool` of a DestinationRule. */
export interface ConnectionPool {
  readonly limits: ConnectionLimits;
  /** Most retries at a time; absent: a budget says it. */
  readonly maxRetries?: number;
  /** Which HTTP the endpoints are spoken to in, where that is not as the port says. */
  readonly httpVersion?: 'http2' | 'same-as-downstream' | 'as-port';
  readonly tcp: TcpLimits;
}

/** Without a time to connect, that of the mesh holds. */
export type ConnectionLimits = Omit<ConnectionPoolIr, 'connectTimeoutMs'> & { readonly connectTimeoutMs?: number };

/** Of connections that are passed on as TCP. */
export interface TcpLimits {
  /** 0 for never; Envoy's default is one hour. */
  readonly idleTimeoutMs?: number;
  readonly maxConnectionDurationMs?: number;
}

/** gRPC's. Envoy has no default. */
const PING_TIMEOUT_MS = 20_000;

const HTTP_VERSIONS = { UPGRADE: 'http2', DO_NOT_UPGRADE: 'as-port', DEFAULT: undefined } as const;

export function buildConnectionPool({ tcp = {}, http = {} }: ConnectionPoolSettings): ConnectionPool {
  const maxConnectionDurationMs = optionalDurationMs(tcp.maxConnectionDuration);
  const tcpIdleTimeoutMs = optionalDurationMs(tcp.idleTimeout);
  const maxRetries = limit(http.maxRetries);
  const httpVersion =
    http.useClientProtocol === true ? 'same-as-downstream' : HTTP_VERSIONS[http.h2UpgradePolicy ?? 'DEFAULT'];
  return {
    limits: defined({
      connectTimeoutMs: optionalDurationMs(tcp.connectTimeout),
      maxConnections: limit(tcp.maxConnections),
      maxPendingRequests: limit(http.http1MaxPendingRequests),
      maxRequests: limit(http.http2MaxRequests),
      maxRequestsPerConnection: limit(http.maxRequestsPerConnection),
      idleTimeoutMs: optionalDurationMs(http.idleTimeout) ?? tcpIdleTimeoutMs,
      maxConnectionDurationMs,
      tcpKeepalive: tcp.tcpKeepalive === undefined ? undefined : buildTcpKeepalive(tcp.tcpKeepalive),
      maxConcurrentStreams: limit(http.maxConcurrentStreams),
      http2Keepalive: http.http2KeepAlive === undefined ? undefined : buildHttp2Keepalive(http.http2KeepAlive),
    }),
    ...(maxRetries === undefined ? {} : { maxRetries }),
    ...(httpVersion === undefined ? {} : { httpVersion }),
    tcp: defined({ idleTimeoutMs: tcpIdleTimeoutMs, maxConnectionDurationMs }),
  };
}

/** 0 stands for no limit, as in Istio, where it cannot be told from a field that is left out. */
function limit(value: number | undefined): number | undefined {
  return value === 0 ? undefined : value;
}

type TcpKeepaliveSettings = NonNullable<NonNullable<ConnectionPoolSettings['tcp']>['tcpKeepalive']>;
type Http2KeepaliveSettings = NonNullable<NonNullable<ConnectionPoolSettings['http']>['http2KeepAlive']>;

export function buildTcpKeepalive({ probes, time, interval }: TcpKeepaliveSettings): TcpKeepaliveIr {
  return defined({ probes, timeMs: optionalDurationMs(time), intervalMs: optionalDurationMs(interval) });
}

function buildHttp2Keepalive({ interval, timeout }: Http2KeepaliveSettings): Http2KeepaliveIr {
  const timeoutMs = timeout === undefined ? PING_TIMEOUT_MS : (durationMs(timeout) ?? PING_TIMEOUT_MS);
  return defined({ intervalMs: optionalDurationMs(interval), timeoutMs });
}
