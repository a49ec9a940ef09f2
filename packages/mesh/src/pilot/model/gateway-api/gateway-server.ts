import { type Gateway, HTTP3, type ServerProtocol } from '../gateway.ts';
import type { GatewayDeployment } from './gateway-deployment.ts';
import type { PlacedListener } from './gateway-listeners.ts';
import type { ListenerTls } from './listener-tls.ts';

/**
 * A listener as proxies serve it; undefined if they cannot.
 *
 * @param annotations of the Gateway
 */
export function buildGatewayServer(
  listener: PlacedListener,
  { namespace, selector }: NonNullable<GatewayDeployment['servedBy']>,
  annotations: Readonly<Record<string, string>>,
  { tls, problems = [] }: Partial<ListenerTls> = {},
): Gateway | undefined {
  const { key, source, protocol, port, hostname = '*' } = listener;
  const isRefused = [...listener.problems, ...problems].some(({ type }) => type === 'Accepted');
  const needsTls = protocol === 'HTTPS' || protocol === 'TLS';
  if (isRefused || listener.conflict !== undefined || (needsTls && tls === undefined)) return undefined;
  const http3 = annotations[HTTP3] === 'true' && protocol === 'HTTPS' && tls?.type === 'terminate';
  return {
    key,
    namespace,
    selector,
    servers: [
      {
        port,
        portName: listener.name,
        protocol: protocol as ServerProtocol,
        hosts: [{ host: hostname }],
        ...(tls === undefined ? {} : { tls }),
        httpsRedirect: false,
        http3: http3 && (tls.parameters.maxVersion ?? '1.3') === '1.3',
        isolated: true,
        source,
      },
    ],
    source,
  };
}
