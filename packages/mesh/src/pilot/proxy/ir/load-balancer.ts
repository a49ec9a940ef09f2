/** How one of the endpoints of a cluster is chosen. */
export type LoadBalancerIr =
  | { readonly type: 'round-robin' | 'least-request'; readonly warmup?: WarmupIr }
  | { readonly type: 'random' }
  /** Requests with an equal hash go to the same endpoint, for as long as it is there. */
  | { readonly type: 'ring-hash'; readonly key: HashKeyIr; readonly minimumRingSize: number }
  | { readonly type: 'maglev'; readonly key: HashKeyIr; readonly tableSize?: number };

/** A new endpoint starts with a share of `minimumPercent` of what it gets in the end, after `durationMs`. */
export interface WarmupIr {
  readonly durationMs: number;
  readonly minimumPercent: number;
  /** 1: the share grows evenly; more: faster at first. */
  readonly aggression: number;
}

/** What is hashed. Only `source-ip` has a meaning for TCP; other connections go to any endpoint. */
export type HashKeyIr =
  | { readonly type: 'header'; readonly name: string }
  | { readonly type: 'cookie'; readonly cookie: HashCookieIr }
  | { readonly type: 'source-ip' }
  | { readonly type: 'query-parameter'; readonly name: string };

export interface HashCookieIr {
  readonly name: string;
  readonly path?: string;
  /** A cookie is made where the caller sends none; 0: for the browser session. Absent: none is made. */
  readonly ttlMs?: number;
  readonly attributes: readonly { readonly name: string; readonly value: string }[];
}
