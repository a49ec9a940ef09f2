import type { ObjectRef } from './diagnostic.ts';

/**
 * What the simulator says: what proxies would do with a call, and why, read from the configuration that they hold.
 * Plain data, also for the dashboard and `lateen explain -o json`. A contract: fields are only added.
 */

/** An object that asked for a part of the configuration. Whoever knows the files fills in `file` and `line`. */
export interface VerdictSource extends ObjectRef {
  /** Field path, such as `spec.http[0].match[1]`; absent for the whole object. */
  readonly path?: string;
  readonly file?: string;
  /** 1-based. */
  readonly line?: number;
}

/** Something that the simulator cannot decide, by the name that it has in Envoy's configuration. What it says holds but for that. */
export interface Unknown {
  /** Such as `HTTP filter envoy.filters.http.lua`. */
  readonly what: string;
  /** Such as `listener inbound|9080`. */
  readonly where: string;
}

/** A header's name in lower case, and its value; a header that is there twice has two entries. */
export type VerdictHeader = readonly [name: string, value: string];

/** A request as one side sees it. */
export interface VerdictRequest {
  readonly method: string;
  readonly scheme: string;
  readonly authority: string;
  /** With the query. Empty for CONNECT. */
  readonly path: string;
  readonly headers: readonly VerdictHeader[];
  /** Names of headers that Envoy sets to values which cannot be known before, such as `x-request-id`. */
  readonly madeUpHeaders: readonly string[];
}

/** A share of the calls, from 0 to 1. */
export type Share = number;

/** What one proxy does with one connection. */
export interface ProxyVerdict {
  /** Where the connection arrived: `127.0.0.1:8080`. */
  readonly at: string;
  /** Null: nobody listens there. */
  readonly listener: ListenerVerdict | null;
  /** Null: no chain fits, so the connection is closed. */
  readonly chain: ChainVerdict | null;
  readonly handling: Handling;
  readonly unknowns: readonly Unknown[];
}

export interface ListenerVerdict {
  readonly name: string;
  /** What the first bytes said, where the listener looks at them. */
  readonly detected: DetectedProtocols;
  /** Chains that were not taken, in the order of the configuration. */
  readonly otherChains: readonly { readonly name: string; readonly reason: string }[];
  readonly sources: readonly VerdictSource[];
}

export interface DetectedProtocols {
  /** `tls` or `raw_buffer`. */
  readonly transport: string;
  readonly serverName?: string;
  /** Offered in the TLS handshake (ALPN), or what HTTP the first bytes look like. */
  readonly applicationProtocols: readonly string[];
}

export interface ChainVerdict {
  readonly name: string;
  /** TLS that ends here. */
  readonly tls: ServerTlsVerdict | null;
  readonly sources: readonly VerdictSource[];
}

export interface ServerTlsVerdict {
  readonly clientCertificate: 'required' | 'optional' | 'none';
  /** What both sides agreed to speak; absent if they agreed on nothing. */
  readonly applicationProtocol?: string;
}

export type Handling =
  /** The connection ends without an answer. */
  | { readonly type: 'closed'; readonly reason: string }
  /** Something in the way cannot be simulated: `unknowns` says what. */
  | { readonly type: 'undecided'; readonly reason: string }
  | { readonly type: 'tcp'; readonly tcp: TcpVerdict }
  | { readonly type: 'http'; readonly http: HttpVerdict };

export interface TcpVerdict {
  readonly targets: readonly TcpTarget[];
}

export interface TcpTarget {
  readonly share: Share;
  readonly cluster: ClusterVerdict;
  /** As for HTTP. */
  readonly hash: readonly HashVerdict[];
  /** The bytes go inside of an HTTP tunnel to this authority. */
  readonly tunnel?: { readonly method: string; readonly authority: string; readonly path: string };
}

export interface HttpVerdict {
  readonly protocol: HttpProtocol;
  /** As routes see it: path and host normalized. */
  readonly request: VerdictRequest;
  /** The route table; null if the request did not get that far. */
  readonly table: string | null;
  readonly virtualHost: VirtualHostVerdict | null;
  /** In the order in which they were tried. Those behind the one that decided are not listed. */
  readonly routes: readonly RouteTrial[];
  /** What becomes of the request. Shares add up to 1; there is more than one only where a route matches a share of requests. */
  readonly choices: readonly RouteChoice[];
}

export type HttpProtocol = 'http1' | 'http2' | 'http3';

export interface VirtualHostVerdict {
  readonly name: string;
  /** The domain of it that the host matched. */
  readonly domain: string;
  readonly sources: readonly VerdictSource[];
}

export interface RouteTrial {
  readonly name: string;
  /** What it wants, in words. */
  readonly match: string;
  /** `sometimes`: for a share of requests, by chance. */
  readonly matched: 'yes' | 'no' | 'sometimes' | 'undecided';
  /** For `no`, the first condition that failed; for `undecided`, what cannot be simulated; for `sometimes`, how often. */
  readonly reason?: string;
  readonly sources: readonly VerdictSource[];
}

export interface RouteChoice {
  readonly share: Share;
  /** Index in `routes`; absent if none decided. */
  readonly route?: number;
  readonly fault?: FaultVerdict;
  readonly cors?: CorsVerdict;
  readonly action: ActionVerdict;
}

/** What fault injection does first. Both can happen to one request. */
export interface FaultVerdict {
  readonly delay?: { readonly share: Share; readonly ms: number };
  readonly abort?: { readonly share: Share; readonly status: number; readonly grpcStatus?: number };
}

export interface CorsVerdict {
  readonly origin: string;
  readonly allowed: boolean;
  readonly preflight: boolean;
}

export type ActionVerdict =
  | RespondVerdict
  | ForwardVerdict
  /** Something in the way cannot be simulated: `unknowns` says what. */
  | { readonly type: 'undecided'; readonly reason: string };

/** The proxy answers by itself. */
export interface RespondVerdict {
  readonly type: 'respond';
  /**
   * Who answers: `route` for a direct response, `redirect`, `cors` for a preflight, `proxy` where there is no way on, `codec`
   * to what is no proper HTTP.
   */
  readonly by: 'route' | 'redirect' | 'cors' | 'proxy' | 'codec';
  readonly status: number;
  readonly reason: string;
  /** Of a redirect, `location`. */
  readonly headers: readonly VerdictHeader[];
  /** What is done to these headers, and to those that Envoy makes up, in order. */
  readonly responseHeaders: readonly HeaderChange[];
  readonly body?: string;
}

export interface ForwardVerdict {
  readonly type: 'forward';
  readonly targets: readonly HttpTarget[];
  /** For the share of a target whose cluster the proxy does not have; absent: 503. */
  readonly noClusterStatus?: number;
  readonly mirrors: readonly MirrorVerdict[];
  /** For the whole request; absent: none. */
  readonly timeoutMs?: number;
  readonly idleTimeoutMs?: number;
  readonly maxStreamDurationMs?: number;
  readonly retry?: RetryVerdict;
  /** The protocol that the connection changes to, such as `websocket`; `CONNECT` for a tunnel. */
  readonly upgrade?: string;
  /** The tunnel ends here: what is inside goes to the endpoint as it is. */
  readonly endsTunnel?: true;
}

export interface HttpTarget {
  readonly share: Share;
  readonly cluster: ClusterVerdict;
  /** What the endpoint is chosen by, in order; none: the load balancer is free. */
  readonly hash: readonly HashVerdict[];
  /** As the endpoint gets it. */
  readonly request: VerdictRequest;
  /** What is done to the headers of the answer, in order. */
  readonly responseHeaders: readonly HeaderChange[];
  /** The same for the answer of an injected fault, where it differs: values see the request as it came. */
  readonly abortHeaders?: readonly HeaderChange[];
  /** This target's own, in place of its route's; null: none. */
  readonly fault?: FaultVerdict | null;
}

export interface HeaderChange {
  readonly action: 'append' | 'add-if-absent' | 'overwrite' | 'overwrite-if-present' | 'remove';
  readonly name: string;
  /** Null: cannot be known before. */
  readonly value: string | null;
}

export interface MirrorVerdict {
  readonly share: Share;
  readonly cluster: ClusterVerdict;
  readonly authority: string;
}

export interface RetryVerdict {
  /** Envoy's names: `connect-failure`, `5xx`, ... */
  readonly conditions: readonly string[];
  readonly statusCodes: readonly number[];
  /** After the first attempt. */
  readonly attempts: number;
  readonly perTryTimeoutMs?: number;
}

export type HashVerdict =
  | { readonly type: 'header' | 'cookie' | 'query'; readonly name: string; readonly value?: string }
  | { readonly type: 'source' }
  | { readonly type: 'other'; readonly name: string };

export interface ClusterVerdict {
  readonly name: string;
  /** `missing`: the proxy does not hold it. */
  readonly kind: ClusterKind;
  readonly protocol: HttpProtocol | 'tcp';
  readonly loadBalancer: string;
  /** Those that calls can go to, with their shares; by consistent hashing, of all requests together. */
  readonly endpoints: readonly EndpointVerdict[];
  readonly unknowns: readonly Unknown[];
  readonly sources: readonly VerdictSource[];
}

export type ClusterKind =
  | 'eds'
  | 'static'
  | 'strict-dns'
  | 'logical-dns'
  | 'original-dst'
  | 'dynamic-forward'
  | 'other'
  | 'missing';

export interface EndpointVerdict {
  readonly share: Share;
  readonly address: EndpointAddress;
  /** `NAME.NAMESPACE` of the workload instance, where known. */
  readonly instance?: string;
  /** Null: plaintext. */
  readonly tls: ClientTlsVerdict | null;
  /** The version of the PROXY protocol that the connection starts with. */
  readonly proxyProtocol?: 'v1' | 'v2';
  readonly sources: readonly VerdictSource[];
}

export type EndpointAddress =
  /** `host` may be a name, which is looked up in DNS. */
  | { readonly type: 'socket'; readonly host: string; readonly port: number }
  /** A listener of the proxy itself. */
  | { readonly type: 'internal'; readonly listener: string }
  | { readonly type: 'pipe'; readonly path: string };

/** TLS that the proxy starts. */
export interface ClientTlsVerdict {
  /** Empty: none is sent. */
  readonly serverName: string;
  readonly applicationProtocols: readonly string[];
  readonly clientCertificate: boolean;
  /** Names that the server's certificate may have (one is enough), as patterns in words; none: any. */
  readonly identities: readonly IdentityPattern[];
  /** The server's certificate is checked. */
  readonly verified: boolean;
}

export interface IdentityPattern {
  readonly type: 'exact' | 'prefix' | 'suffix' | 'contains' | 'regex';
  readonly value: string;
}

/** One proxy on the way of a call, and where the call goes from there. */
export interface Hop {
  /** `NAME.NAMESPACE` of the workload instance that the proxy stands beside. */
  readonly proxy: string;
  readonly verdict: ProxyVerdict;
  /** Shares of the calls that got here; they add up to 1. */
  readonly next: readonly Step[];
}

export interface Step {
  readonly share: Share;
  /** Index in the hop's `choices`, for HTTP. */
  readonly choice?: number;
  /** Index in the `targets` of the choice, or of TCP. */
  readonly target?: number;
  readonly cluster?: string;
  readonly endpoint?: EndpointAddress;
  readonly to: Destination;
}

export type Destination =
  | { readonly type: 'hop'; readonly hop: Hop }
  /** `refusedBy`: the next proxy, where it was that one which did not take the connection. */
  | { readonly type: 'end'; readonly end: End; readonly refusedBy?: Hop };

/** How a call ends. */
export type End =
  | { readonly type: 'application'; readonly instance: string; readonly workload: string; readonly port: number }
  /** Out of the mesh. */
  | { readonly type: 'outside'; readonly host: string; readonly port: number }
  /** A proxy answers. */
  | {
      readonly type: 'answer';
      readonly by: RespondVerdict['by'] | 'fault';
      readonly status: number;
      /** For gRPC, which is told in a header with the status 200. */
      readonly grpcStatus?: number;
      readonly reason: string;
    }
  /** The connection ends without an answer. */
  | { readonly type: 'closed'; readonly reason: string }
  | { readonly type: 'undecided'; readonly reason: string };

/** The whole way of a call. */
export interface Journey {
  readonly start: Hop;
  /** Every way that it can end, the most frequent first. Shares add up to 1. */
  readonly outcomes: readonly JourneyOutcome[];
  readonly unknowns: readonly Unknown[];
}

export interface JourneyOutcome {
  readonly share: Share;
  readonly end: End;
  /** On the way, in order. */
  readonly proxies: readonly string[];
  readonly clusters: readonly string[];
  /** Endpoints that were connected to, in order. */
  readonly endpoints: readonly EndpointAddress[];
  /** Of a proxy's own answer, as it leaves that proxy. What applications answer is theirs to say. */
  readonly responseHeaders: readonly VerdictHeader[];
  readonly body?: string;
  /** What is done to the headers of the answer on its way back, in order. */
  readonly responseChanges: readonly HeaderChange[];
  readonly protocol: HttpProtocol | 'tcp';
  /** As it arrives at the end; absent for TCP. */
  readonly request?: VerdictRequest;
  /** An endpoint on the way is chosen by consistent hashing: calls that are hashed alike all go to the same one. */
  readonly hashed: boolean;
  /** Of injected faults on the way, each for a share of this outcome's calls. */
  readonly delays: readonly { readonly share: Share; readonly ms: number }[];
}
