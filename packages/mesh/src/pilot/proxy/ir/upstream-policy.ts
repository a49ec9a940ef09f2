import type { LoadBalancerIr } from './load-balancer.ts';
import type { UpstreamTlsIr } from './upstream-tls.ts';

/** How the endpoints of a cluster are called, whichever way they are found. */
export interface UpstreamPolicyIr {
  readonly loadBalancer: LoadBalancerIr;
  readonly connectionPool: ConnectionPoolIr;
  /** Most retries at a time: a number, or in proportion to the requests. */
  readonly retryLimit: RetryLimitIr;
  readonly outlierDetection?: OutlierDetectionIr;
  /** With a smaller share of healthy endpoints than this, all get requests. */
  readonly panicThresholdPercent: number;
  readonly tls: UpstreamTlsIr;
  /** Each connection starts with a PROXY header of this version. */
  readonly proxyProtocol?: 'v1' | 'v2';
}

/** What is absent has no limit, or Envoy's default where the field says so. */
export interface ConnectionPoolIr {
  readonly connectTimeoutMs: number;
  readonly maxConnections?: number;
  readonly maxPendingRequests?: number;
  readonly maxRequests?: number;
  readonly maxRequestsPerConnection?: number;
  /** 0 for never; Envoy's default is one hour. Of HTTP connections. */
  readonly idleTimeoutMs?: number;
  /** Of HTTP connections. */
  readonly maxConnectionDurationMs?: number;
  readonly tcpKeepalive?: TcpKeepaliveIr;
  /** Of each HTTP/2 connection. */
  readonly maxConcurrentStreams?: number;
  /** Pings on HTTP/2 connections. */
  readonly http2Keepalive?: Http2KeepaliveIr;
}

/** What is absent is as the operating system has it. */
export interface TcpKeepaliveIr {
  readonly probes?: number;
  readonly timeMs?: number;
  readonly intervalMs?: number;
}

export interface Http2KeepaliveIr {
  readonly intervalMs?: number;
  readonly timeoutMs: number;
}

export type RetryLimitIr =
  | { readonly type: 'count'; readonly maxRetries: number }
  | {
      readonly type: 'budget';
      /** Of the requests that are active or pending, or that were in the interval. */
      readonly percent: number;
      readonly minRetryConcurrency: number;
      readonly intervalMs?: number;
    };

/** Endpoints that fail are ejected for a while. Absent: Envoy's default; 0 failures: not on account of these. */
export interface OutlierDetectionIr {
  readonly consecutive5xx?: number;
  readonly consecutiveGatewayFailure?: number;
  /** Failed connections are counted apart from bad answers, and this many eject. */
  readonly localOrigin?: { readonly consecutiveFailures?: number };
  readonly intervalMs?: number;
  readonly baseEjectionTimeMs?: number;
  readonly maxEjectionPercent?: number;
  /** In place of 5xx. */
  readonly errorStatuses?: readonly number[];
}
