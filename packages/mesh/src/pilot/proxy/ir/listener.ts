import type { RouteTableIr } from './route.ts';
import type { SourceRef } from './source.ts';

/** A socket of a proxy and what becomes of the connections to it. */
export interface ListenerIr {
  readonly name: string;
  readonly address: string;
  readonly port: number;
  readonly direction: 'inbound' | 'outbound';
  readonly handler: HandlerIr;
  /** Whether connections must, may or may not be the mesh's mutual TLS. Outbound listeners are always `none`. */
  readonly meshTls: InboundTlsIr;
  readonly sources: readonly SourceRef[];
}

/**
 * `strict`: mutual TLS only. `permissive`: mutual TLS or whatever else the client speaks. `none`: taken as it comes.
 * (PeerAuthentication's STRICT, PERMISSIVE and DISABLE.)
 */
export type InboundTlsIr = 'strict' | 'permissive' | 'none';

export type HandlerIr =
  | { readonly type: 'http'; readonly http: HttpConnectionIr }
  | { readonly type: 'tcp'; readonly tcp: TcpProxyIr }
  /** HTTP if the first bytes look like it, TCP otherwise. */
  | { readonly type: 'detect'; readonly http: HttpConnectionIr; readonly tcp: TcpProxyIr };

export interface HttpConnectionIr {
  readonly statPrefix: string;
  readonly routes: RouteSourceIr;
  readonly role: 'sidecar-inbound' | 'sidecar-outbound' | 'gateway';
  /** Hosts that no virtual host names are looked up in DNS by this cluster. */
  readonly dynamicForward: boolean;
  /** Accept CONNECT requests. */
  readonly connect: boolean;
}

/** `discovered` routes come by RDS, so they change without touching the listener. */
export type RouteSourceIr =
  | { readonly type: 'discovered'; readonly name: string }
  | { readonly type: 'inline'; readonly table: RouteTableIr };

export interface TcpProxyIr {
  readonly statPrefix: string;
  readonly cluster: string;
}
