import type { CallProtocol } from './call-file.ts';

/** What a client offers to speak in TLS. */
export const ALPN: Readonly<Record<CallProtocol, readonly string[]>> = {
  http1: ['http/1.1'],
  http2: ['h2'],
  http3: ['h3'],
  tcp: [],
  'tcp-server-first': [],
  udp: [],
  grpc: ['h2'],
  'grpc-web': ['http/1.1'],
  websocket: ['http/1.1'],
};

/** Stands before the ServiceAccount whose certificate a client has; then it speaks as sidecars do. */
export const OF_MESH = 'mesh:';
