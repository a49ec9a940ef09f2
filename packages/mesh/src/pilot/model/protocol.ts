/**
 * What is spoken on a port. `http2` includes gRPC; `tcp` is everything that is handed on unread; `detect` is found out
 * from the first bytes.
 */
export type Protocol = 'http' | 'http2' | 'tcp' | 'detect';

const BY_NAME: Readonly<Record<string, Protocol>> = {
  http: 'http',
  http2: 'http2',
  grpc: 'http2',
  'grpc-web': 'http',
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
  const name = portName.toLowerCase();
  if (name === 'grpc-web' || name.startsWith('grpc-web-')) return 'http';
  return BY_NAME[name.split('-', 1)[0] ?? ''] ?? 'detect';
}
