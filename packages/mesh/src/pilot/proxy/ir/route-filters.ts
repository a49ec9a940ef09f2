import type { StringMatchIr } from './route-match.ts';

/** What happens to a request before it is sent on, beside routing. */

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
