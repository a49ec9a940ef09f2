/**
 * What is spoken on a port. `http2` includes gRPC, also where clients speak gRPC-Web; `tcp` is everything that is handed on unread; `detect` is found out
 * from the first bytes.
 */
export type Protocol = 'http' | 'http2' | 'tcp' | 'detect';

const BY_NAME: Readonly<Record<string, Protocol>> = {
  http: 'http',
  http2: 'http2',
  grpc: 'http2',
  'grpc-web': 'http2',
  https: 'tcp',
  tls: 'tcp',
  tcp: 'tcp',
  mongo: 'tcp',
  mysql: 'tcp',
  redis: 'tcp',
  'kubernetes.io/h2c': 'http2',
  'kubernetes.io/ws': 'http',
  'kubernetes.io/wss': 'tcp',
};

/** Istio's protocol selection: `appProtocol` first, then the part of the port's name before the first dash. */
export function protocolOf(portName: string | undefined, appProtocol: string | undefined): Protocol {
  if (appProtocol !== undefined) {
    const known = BY_NAME[appProtocol.toLowerCase()];
    if (known !== undefined) return known;
  }
  if (portName === undefined) return 'detect';
  return BY_NAME[portName.toLowerCase().split('-', 1)[0] ?? ''] ?? 'detect';
}

/** Whether the port is for gRPC-Web (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-WEB.md) and plain gRPC. */
export function isGrpcWeb(portName: string | undefined, appProtocol: string | undefined): boolean {
  if (appProtocol !== undefined && BY_NAME[appProtocol.toLowerCase()] !== undefined) {
    return appProtocol.toLowerCase() === 'grpc-web';
  }
  return /^grpc-web(-|$)/i.test(portName ?? '');
}
