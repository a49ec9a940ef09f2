import type { RouteTableIr } from './route.ts';
import type { RouteFilterIr } from './route-filters.ts';
import type { ServerTlsIr } from './server-tls.ts';
import type { SourceRef } from './source.ts';

/** A socket of a proxy and what becomes of the connections to it. */
export interface ListenerIr {
  readonly name: string;
  /** An IP address; or the path of a Unix socket, and then the port is 0. */
  readonly address: string;
  readonly port: number;
  readonly direction: 'inbound' | 'outbound';
  /** QUIC on a UDP port; absent: TCP. */
  readonly quic?: true;
  /** UDP that is passed on as it is, in the place of chains; absent: TCP. */
  readonly datagrams?: DatagramProxyIr;
  /** A connection goes to the one whose match fits best (Envoy's order), and is closed if none does. */
  readonly chains: readonly FilterChainIr[];
  /**
   * `detect`: what the first bytes look like decides, but the server may be the one to speak first, so they are waited for
   * only a moment. `always`: as long as it takes, since clients speak first. Only where a chain's match asks for them.
   */
  readonly firstBytes: 'always' | 'detect';
  /** For how long `detect` waits; absent: a moment. 0: as long as it takes. */
  readonly detectionTimeoutMs?: number;
  /** For connections that no chain's match fits. Absent: they are closed. */
  readonly fallback?: FilterChainIr;
  readonly socket?: SocketIr;
  /** Connections start with a PROXY header, which says who the client is. */
  readonly proxyProtocol?: true;
  readonly sources: readonly SourceRef[];
}

/**
 * Where connections come from, if not simply from clients of the listener's own address.
 *
 * - `redirected`: from the kernel, which has been told to hand them over; their destination is found out first. With
 *   `handsOver`, the listener for that destination takes the connection, if there is one.
 * - `none`: from such a listener; nothing is bound.
 */
export type SocketIr =
  | { readonly type: 'redirected'; readonly handsOver: boolean; readonly transparent: boolean }
  | { readonly type: 'none' };

/** What is done with the connections that a match picks out. */
export interface FilterChainIr {
  readonly name: string;
  readonly match: FilterChainMatchIr;
  /** Ends TLS before anything else reads the connection; absent: bytes are taken as they come. */
  readonly tls?: ServerTlsIr;
  readonly handler: HandlerIr;
}

/** All that are given must hold. */
export interface FilterChainMatchIr {
  /** Of the address that the client connected to. */
  readonly destinationPort?: number;
  /** The client connected to an address of one of these, such as `10.1.0.0/16`. */
  readonly destinationRanges?: readonly string[];
  /** Server names of a TLS handshake; `*.example.com` for those below. */
  readonly serverNames?: readonly string[];
  readonly transport?: 'tls' | 'plaintext';
  /** Of the client's own address. */
  readonly sourceRanges?: readonly string[];
  /** One of these is offered in a TLS handshake; or, without TLS, is what the first bytes look like. */
  readonly applicationProtocols?: ApplicationProtocolsIr;
}

/** `mesh`: the names by which sidecars tell the mesh's TLS from an application's own. `http`: plaintext HTTP, any version. */
export type ApplicationProtocolsIr = 'mesh' | 'http';

export type HandlerIr =
  | { readonly type: 'http'; readonly http: HttpConnectionIr }
  | { readonly type: 'tcp'; readonly tcp: TcpProxyIr };

export interface HttpConnectionIr {
  /** HTTP/3, in QUIC; absent: HTTP/1 and HTTP/2. */
  readonly http3?: true;
  readonly statPrefix: string;
  readonly routes: RouteSourceIr;
  readonly role: 'sidecar-inbound' | 'sidecar-outbound' | 'gateway';
  /** Those that routes may turn on. Absent: none. */
  readonly routeFilters?: readonly RouteFilterIr[];
  /** Hosts that no virtual host names are looked up in DNS by this cluster. */
  readonly dynamicForward: boolean;
  /** How often they are looked up where DNS does not tell. */
  readonly dnsRefreshMs?: number;
  /** The virtual host of a request that none is there for is asked for, and the request held until it comes. */
  readonly onDemand?: true;
  /** Accept CONNECT requests. */
  readonly connect: boolean;
  /** What is done with paths before anything looks at them. Absent: they are normalized as RFC 3986 has it. */
  readonly paths?: 'as-they-are' | 'merge-slashes' | 'decode-and-merge-slashes';
  /** Proxies in front of a gateway: so many addresses of x-forwarded-for, from its end, are believed. Absent: none. */
  readonly trustedProxies?: number;
  /** What a gateway does with x-forwarded-client-cert. Absent: it says who the client is, and nothing else. */
  readonly clientCertificate?: 'sanitize' | 'forward-only' | 'append-forward' | 'sanitize-set' | 'always-forward-only';
}

/** `discovered` routes come by RDS, so they change without touching the listener. */
export type RouteSourceIr =
  | { readonly type: 'discovered'; readonly name: string }
  | { readonly type: 'inline'; readonly table: RouteTableIr };

export interface TcpProxyIr {
  readonly statPrefix: string;
  /** Several: each connection goes to one of them, by weight. */
  readonly cluster: string | readonly WeightedClusterIr[];
  /** The cluster that has the server name of the TLS handshake for its name, in place of `cluster`, if there is one. */
  readonly byServerName?: true;
  readonly connection?: TcpConnectionIr;
  /** The server that a TLS handshake names is looked up, and connected to on this port, for a cluster that is found so. */
  readonly serverNamePort?: number;
  /** How often it is looked up where DNS does not tell. */
  readonly dnsRefreshMs?: number;
}

/** What holds for each connection that is passed on. */
export interface TcpConnectionIr {
  /** 0 for never; Envoy's default is one hour. */
  readonly idleTimeoutMs?: number;
  readonly maxConnectionDurationMs?: number;
  /** The cluster is a proxy, which is asked in HTTP to pass the connection on to `target`, `HOST:PORT`. */
  readonly tunnel?: { readonly method: 'CONNECT' | 'POST'; readonly target: string };
}

/** Datagrams of one client go to one of the clusters, by weight. */
export interface DatagramProxyIr {
  readonly statPrefix: string;
  readonly clusters: readonly WeightedClusterIr[];
}

export interface WeightedClusterIr {
  readonly cluster: string;
  /** Share of all weights. */
  readonly weight: number;
}
