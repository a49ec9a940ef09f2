import type { GatewayStatus } from './admin.ts';

const SCHEMES: Readonly<Record<string, string>> = {
  HTTP: 'http',
  HTTP2: 'http',
  GRPC: 'http',
  'GRPC-WEB': 'http',
  HTTPS: 'https',
  TLS: 'tls',
  UDP: 'udp',
};

/** Where its ports are found on this machine; which they are in the Gateways is said where it is not as always. */
export function gatewayUrls({ url, ports }: Pick<GatewayStatus, 'url' | 'ports'>): string[] {
  if (ports.length === 0) return url === '' ? [] : [url];
  return ports.map(({ port, hostPort, protocol }) => {
    const isExpected = port === hostPort || (port < 1024 && hostPort === port + 8000);
    return `${SCHEMES[protocol] ?? 'tcp'}://localhost:${hostPort}${isExpected ? '' : ` (port ${port})`}`;
  });
}
