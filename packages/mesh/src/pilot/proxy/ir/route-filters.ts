import type { StringMatchIr } from './route-match.ts';

/** What happens to a request before it is sent on, beside routing. */

/** Filters that do nothing but for the requests of routes that turn them on. */
export type RouteFilterIr = 'cors' | 'grpc-web' | 'external-auth' | 'fault' | 'session' | 'look-up';

export interface FaultIr {
  readonly delay?: { readonly ms: number; readonly perMillion: number };
  readonly abort?: {
    /** `grpc`: the code of a gRPC status. */
    readonly status: { readonly type: 'http' | 'grpc'; readonly code: number };
    readonly perMillion: number;
  };
}

/** Which pages may call from a browser (https://fetch.spec.whatwg.org/#http-cors-protocol). */
export interface CorsIr {
  readonly origins: readonly StringMatchIr[];
  readonly methods: readonly string[];
  readonly headers: readonly string[];
  readonly exposedHeaders: readonly string[];
  readonly maxAgeSeconds?: number;
  readonly credentials: boolean;
  /** Preflights of other origins go to the upstream. */
  readonly forwardOthers: boolean;
}

/** Another service says whether a request may go on. If it does not answer, the request may not. */
export interface ExternalAuthIr {
  /** `http`: by a request like the one in question; `grpc`: by Envoy's own protocol. */
  readonly protocol: 'http' | 'grpc';
  readonly cluster: string;
  readonly authority: string;
  /** Before the path of the request. */
  readonly pathPrefix?: string;
  /** What it gets to see, in lower case. Absent: all of them; in HTTP only those that every request has. */
  readonly headers?: readonly string[];
  /** What of its answer goes on with the request, in lower case. Absent: all of them. In HTTP only. */
  readonly responseHeaders?: readonly string[];
  /** So much of the body is sent along. Absent: nothing. */
  readonly maxBodyBytes?: number;
}
