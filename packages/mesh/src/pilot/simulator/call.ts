import type { HttpProtocol, VerdictHeader } from '@lateen/api/verdict.ts';

/** A connection to a proxy, and what is sent through it. */
export interface Call {
  readonly at: ArrivalAddress;
  /** Where the client wanted to go, if the connection was redirected on its way (`SO_ORIGINAL_DST`). */
  readonly originalDestination?: SocketAddress;
  readonly source: SocketAddress;
  readonly payload: Payload;
}

export interface SocketAddress {
  /** An IP address. */
  readonly host: string;
  /** 0: whichever the system chose. */
  readonly port: number;
}

export type ArrivalAddress = SocketAddress | { readonly listener: string };

/** From the outside to the inside: TLS in TLS in a tunnel is possible. */
export type Payload = TlsPayload | HttpPayload | TcpPayload;

export interface TlsPayload {
  readonly type: 'tls';
  readonly serverName?: string;
  /** ALPN, in the client's order. */
  readonly applicationProtocols: readonly string[];
  /** The certificate that the client shows if it is asked for one. */
  readonly certificate?: Certificate;
  readonly inside: Payload;
}

export interface Certificate {
  /** Its URI and DNS names. */
  readonly names: readonly string[];
  /** Whether the roots of whoever checks it signed it. */
  readonly trusted: boolean;
}

export interface HttpPayload {
  readonly type: 'http';
  readonly protocol: HttpProtocol;
  readonly request: Request;
  /** What is sent through the tunnel, for CONNECT. */
  readonly inside?: Payload;
}

export interface TcpPayload {
  readonly type: 'tcp';
  /** The client waits for the server to speak. */
  readonly serverFirst?: true;
  /** Not a connection, but a datagram of UDP. */
  readonly datagram?: true;
}

export interface Request {
  readonly method: string;
  /** Absent: as the connection is. HTTP/1 says it only to proxies. */
  readonly scheme?: string;
  readonly authority: string;
  /** With the query. Empty for CONNECT. */
  readonly path: string;
  /** Without `host`. */
  readonly headers: readonly VerdictHeader[];
}
