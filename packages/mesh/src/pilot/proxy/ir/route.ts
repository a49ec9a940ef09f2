import type { SourceRef } from './source.ts';

/** One route configuration (RDS): how requests that reach a listener are told apart by host, then by route. */
export interface RouteTableIr {
  readonly name: string;
  readonly virtualHosts: readonly VirtualHostIr[];
  /** Match `reviews` also for a Host header of `reviews:8080`. */
  readonly ignorePortInHost: boolean;
}

export interface VirtualHostIr {
  readonly name: string;
  readonly domains: readonly string[];
  readonly routes: readonly RouteIr[];
}

/** Routes are tried in order; the first that matches decides. */
export interface RouteIr {
  /** Says where it came from: shown in access logs and by `explain`. */
  readonly name: string;
  readonly match: RouteMatchIr;
  readonly action: RouteActionIr;
  readonly sources: readonly SourceRef[];
}

export interface RouteMatchIr {
  readonly path: PathMatchIr;
  /** All must hold. */
  readonly headers: readonly HeaderMatchIr[];
}

export type PathMatchIr =
  | { readonly type: 'any' }
  | { readonly type: 'exact'; readonly value: string }
  | { readonly type: 'prefix'; readonly value: string }
  | { readonly type: 'regex'; readonly value: string }
  /** A CONNECT request, which has no path. */
  | { readonly type: 'connect' };

export interface HeaderMatchIr {
  /** Lower case; `:method` for the method. */
  readonly name: string;
  readonly value: StringMatchIr | { readonly type: 'present' };
}

export interface StringMatchIr {
  readonly type: 'exact' | 'prefix' | 'regex';
  readonly value: string;
}

export type RouteActionIr = ForwardActionIr | RedirectActionIr | TunnelActionIr;

export interface ForwardActionIr {
  readonly type: 'forward';
  readonly destinations: readonly WeightedDestinationIr[];
  readonly rewrite?: RewriteIr;
  /** The whole request, retries included. Absent: no limit. */
  readonly timeoutMs?: number;
  readonly retry: RetryIr;
  /** Names of response headers that are the mesh's own business. */
  readonly stripResponseHeaders: readonly string[];
}

export interface WeightedDestinationIr {
  readonly cluster: string;
  /** Share of all weights of the action. */
  readonly weight: number;
}

export interface RewriteIr {
  readonly path?:
    | { readonly type: 'prefix' | 'full'; readonly value: string }
    | { readonly type: 'regex'; readonly pattern: string; readonly substitution: string };
  readonly authority?: string;
}

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
  readonly path?: string;
  readonly authority?: string;
  readonly scheme?: string;
  /** Absent: the port stays, or goes with the host where `authority` replaces that. */
  readonly port?: number | 'from-protocol-default';
  readonly status: 301 | 302 | 303 | 307 | 308;
}

/** Ends a CONNECT request here and hands its bytes on. */
export interface TunnelActionIr {
  readonly type: 'tunnel';
  readonly cluster: string;
}
