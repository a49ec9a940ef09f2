import { annotate } from '../schema/field.ts';
import * as v from '../schema/values.ts';

const NAMES_HOST = ['HTTP', 'HTTPS', 'HTTP2', 'GRPC', 'GRPC-WEB', 'HTTP_PROXY', 'TLS'];
const PLAIN_TCP = ['TCP', 'MONGO', 'REDIS', 'MYSQL'];
const PROTOCOLS = new Set([...NAMES_HOST, ...PLAIN_TCP]);

/** Of the ports of ServiceEntry and Sidecar; upper and lower case mean the same, and empty is detected. */
export const portProtocol = annotate(
  v.syntax(
    (value) => value === '' || PROTOCOLS.has(value.toUpperCase()),
    'HTTP, HTTPS, HTTP2, GRPC, GRPC-WEB, TLS, TCP, MONGO, REDIS or MYSQL',
  ),
  { laterValues: { UDP: 'other protocols than TCP', HBONE: 'tunnels of ambient meshes' } },
);

/** Whether one port can serve several hosts, because each request or handshake says which one it is for. */
export function namesItsHost(protocol: string): boolean {
  return NAMES_HOST.includes(protocol.toUpperCase());
}

/** Whether nothing but the address tells where a connection is to go. */
export function isPlainTcp(protocol: string): boolean {
  return PLAIN_TCP.includes(protocol.toUpperCase());
}
