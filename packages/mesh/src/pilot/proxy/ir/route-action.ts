import type { HeaderOperationsIr } from './header-operations.ts';

export type RouteActionIr = ForwardActionIr | RedirectActionIr | DirectResponseActionIr | TunnelActionIr;

export interface ForwardActionIr {
  readonly type: 'forward';
  readonly destinations: readonly WeightedDestinationIr[];
  /** The status for the share of a destination whose cluster does not exist; absent: 503. */
  readonly noClusterStatus?: 500 | 503;
  readonly rewrite?: RewriteIr;
  /** The whole request, retries included. Absent: no limit. */
  readonly timeoutMs?: number;
  readonly retry: RetryIr;
  readonly mirrors?: readonly MirrorIr[];
  /** Names of response headers that are the mesh's own business. */
  readonly stripResponseHeaders: readonly string[];
}

export interface WeightedDestinationIr {
  readonly cluster: string;
  /** Share of all weights of the action. */
  readonly weight: number;
  readonly headers?: HeaderOperationsIr;
  /** Replaces the host, if the action does not. */
  readonly authority?: string;
  /** The host that the request names in the end is looked up, and met on this port. Absent: the cluster has endpoints. */
  readonly lookUpPort?: number;
  readonly session?: SessionIr;
}

/** Requests of one session go to one endpoint, as long as that is there: a cookie or a header says which it is. */
export type SessionIr =
  | { readonly type: 'cookie'; readonly name: string; readonly path: string; readonly lifetimeMs?: number }
  | { readonly type: 'header'; readonly name: string };

/** Copies of requests go to the cluster; what it answers is thrown away. */
export interface MirrorIr {
  readonly cluster: string;
  readonly perMillion: number;
}

export interface RewriteIr {
  readonly path?: PathRewriteIr;
  readonly authority?: string;
}

export type PathRewriteIr =
  | { readonly type: 'prefix' | 'full'; readonly value: string }
  | { readonly type: 'regex'; readonly pattern: string; readonly substitution: string };

export type RetryIr =
  | { readonly type: 'off' }
  | {
      readonly type: 'on';
      readonly attempts: number;
      readonly perTryTimeoutMs?: number;
      /** Envoy's names of retry conditions. */
      readonly conditions: readonly string[];
      readonly statusCodes: readonly number[];
      readonly baseIntervalMs?: number;
      readonly avoidTriedHosts: boolean;
      readonly otherLocalities: boolean;
    };

export interface RedirectActionIr {
  readonly type: 'redirect';
  readonly path?: PathRewriteIr;
  readonly authority?: string;
  readonly scheme?: string;
  /** Absent: the port stays, or goes with the host where `authority` replaces that. */
  readonly port?: number;
  readonly status: 301 | 302 | 303 | 307 | 308;
}

export interface DirectResponseActionIr {
  readonly type: 'direct-response';
  readonly status: number;
  readonly body?: { readonly type: 'text' | 'base64'; readonly value: string };
}

/** Ends a CONNECT request here and hands its bytes on. */
export interface TunnelActionIr {
  readonly type: 'tunnel';
  readonly cluster: string;
}
