/**
 * What is spoken on a port. `http2` includes gRPC, also where clients speak gRPC-Web; `tcp` is everything that is handed
 * on unread, and `tls` the same where the handshake tells the name of the server; `detect` is found out from the first
 * bytes.
 */
export type Protocol = 'http' | 'http2' | 'tls' | 'tcp' | 'detect';

const BY_NAME: Readonly<Record<string, Protocol>> = {
  http: 'http',
  http2: 'http2',
  grpc: 'http2',
  http_proxy: 'http',
  https: 'tls',
  tls: 'tls',
  tcp: 'tcp',
  mongo: 'tcp',
  mysql: 'tcp',
  redis: 'tcp',
};

/** The names that Kubernetes gives a meaning, in `appProtocol` only. */
const BY_STANDARD_NAME: Readonly<Record<string, Protocol>> = {
  'kubernetes.io/h2c': 'http2',
  'kubernetes.io/ws': 'http',
  'kubernetes.io/wss': 'tls',
};

/** Ports on which the server usually speaks first: SMTP, DNS, MySQL, MongoDB. As Istio, nothing is waited for there. */
const SERVER_SPEAKS_FIRST = new Set([25, 53, 3306, 27017]);

/** Istio's protocol selection: `appProtocol`, or else the port's name, up to the first dash. */
export function protocolOf(portName: string | undefined, appProtocol: string | undefined, port?: number): Protocol {
  const standard = BY_STANDARD_NAME[appProtocol ?? ''];
  if (standard !== undefined) return standard;
  const known = BY_NAME[(appProtocol ?? portName ?? '').toLowerCase().split('-', 1)[0] ?? ''];
  return known ?? (port !== undefined && SERVER_SPEAKS_FIRST.has(port) ? 'tcp' : 'detect');
}

/** Whether the port is for gRPC-Web (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-WEB.md) and plain gRPC. */
export function isGrpcWeb(portName: string | undefined, appProtocol: string | undefined): boolean {
  return /^grpc-web(-|$)/i.test(appProtocol ?? portName ?? '');
}

/** Whether requests may be told apart there. */
export function mayBeHttp(protocol: Protocol): boolean {
  return protocol !== 'tcp' && protocol !== 'tls';
}
