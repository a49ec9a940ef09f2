import type { EndpointGroupIr } from './endpoints.ts';
import type { SourceRef } from './source.ts';
import type { ConnectionPoolIr, UpstreamPolicyIr } from './upstream-policy.ts';

/** Where requests can be sent, as one proxy sees it. */
export type ClusterIr =
  | ServiceClusterIr
  | ServerNameClusterIr
  | ApplicationClusterIr
  | LoopbackClusterIr
  | DynamicForwardClusterIr
  | OriginalDestinationClusterIr
  | NowhereClusterIr
  | DatagramClusterIr;

/** A service port, or one subset of it. */
export interface ServiceClusterIr {
  readonly type: 'service';
  /** Istio's name: `outbound|9080|v1|reviews.default.svc.cluster.local`. */
  readonly name: string;
  readonly upstreamProtocol: UpstreamProtocol;
  readonly discovery: DiscoveryIr;
  readonly policy: UpstreamPolicyIr;
  /** Localities have weights of their own, which come with the endpoints. */
  readonly weightedLocalities: boolean;
  readonly sources: readonly SourceRef[];
}

/** A service port, or one subset of it, that connections are passed on to as they are, in the caller's own TLS. */
export interface ServerNameClusterIr {
  readonly type: 'server-name';
  /** The server name in Istio's form: `outbound_.9080_._.reviews.default.svc.cluster.local`. */
  readonly name: string;
  /** The service cluster whose endpoints it has. */
  readonly endpoints: string;
  readonly connectTimeoutMs: number;
  readonly sources: readonly SourceRef[];
}

/** How the endpoints of a service are found. `dnsRefreshMs` is how often names are looked up where DNS does not tell. */
export type DiscoveryIr =
  /** They come by EDS, under the cluster's name. */
  | { readonly type: 'eds' }
  /** Names among the addresses are looked up, again and again: all that is found, or one after the other. */
  | {
      readonly type: 'strict-dns' | 'logical-dns';
      readonly groups: readonly EndpointGroupIr[];
      readonly dnsRefreshMs?: number;
    }
  /** The address that the client meant before its connection was redirected. */
  | { readonly type: 'original-destination' }
  /** Nowhere: calls are refused. */
  | { readonly type: 'none' }
  /** Each request names its host, which is looked up then. */
  | { readonly type: 'dynamic-forward'; readonly dnsRefreshMs?: number };

/** The application behind an inbound listener. */
export interface ApplicationClusterIr {
  readonly type: 'application';
  /** `inbound|9080||` */
  readonly name: string;
  /** An IP address; or the path of a Unix socket, and then the port is 0. */
  readonly address: string;
  readonly port: number;
  /** Where connections come from; absent: the operating system chooses. */
  readonly sourceAddress?: string;
  readonly upstreamProtocol: UpstreamProtocol;
  /** Absent: no limits. */
  readonly pool?: Omit<ConnectionPoolIr, 'connectTimeoutMs'> & { readonly connectTimeoutMs?: number };
  readonly sources: readonly SourceRef[];
}

/** One of this proxy's own listeners, where CONNECT tunnels to a mesh service go to be routed like any other call. */
export interface LoopbackClusterIr {
  readonly type: 'loopback';
  readonly name: string;
  readonly address: string;
  readonly port: number;
  readonly sources: readonly SourceRef[];
}

/** Hosts outside of the mesh, looked up in DNS when a request names them. */
export interface DynamicForwardClusterIr {
  readonly type: 'dynamic-forward';
  readonly name: string;
  readonly connectTimeoutMs: number;
  readonly dnsRefreshMs?: number;
  readonly sources: readonly SourceRef[];
}

/** Where the client wanted to go before its connection was redirected. */
export interface OriginalDestinationClusterIr {
  readonly type: 'original-destination';
  readonly name: string;
  readonly connectTimeoutMs: number;
  /** Where connections come from; absent: the operating system chooses. */
  readonly sourceAddress?: string;
  readonly sources: readonly SourceRef[];
}

/** Has no endpoints: connections to it are closed. */
export interface NowhereClusterIr {
  readonly type: 'nowhere';
  readonly name: string;
  readonly sources: readonly SourceRef[];
}

/** Applications that get datagrams as they come, with no sidecar before them. */
export interface DatagramClusterIr {
  readonly type: 'datagrams';
  readonly name: string;
  readonly endpoints: readonly { readonly address: string; readonly port: number }[];
  readonly sources: readonly SourceRef[];
}

/** `same-as-downstream` speaks HTTP/2 to the endpoint exactly if the client spoke HTTP/2. `raw` is for TCP. */
export type UpstreamProtocol = 'http1' | 'http2' | 'same-as-downstream' | 'raw';
