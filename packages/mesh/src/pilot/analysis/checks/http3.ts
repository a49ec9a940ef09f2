import type { Gateway } from '@lateen/api/kinds.ts';
import { buildGateway, HTTP3 } from '../../model/gateway.ts';
import { type Check, refOf } from '../check.ts';

/** HTTP/3 that a Gateway asks for and does not get. */
export const http3: Check = {
  about: 'HTTP/3 that is asked for and not offered',
  *run(mesh) {
    for (const gateway of mesh.of('Gateway')) {
      for (const message of problemsOf(gateway)) {
        yield { code: 'LAT0596', object: refOf(gateway), path: 'metadata.annotations', message };
      }
    }
  },
};

function problemsOf(gateway: Gateway): string[] {
  const value = gateway.metadata.annotations?.[HTTP3];
  if (value === undefined || value === 'false') return [];
  if (value !== 'true') return [`${HTTP3} must be true or false, not ${JSON.stringify(value)}`];
  const https = buildGateway(gateway).servers.filter(
    ({ protocol, tls }) => protocol === 'HTTPS' && tls?.type === 'terminate',
  );
  if (https.length === 0) return [`${HTTP3} has no effect: no server has the protocol HTTPS and ends TLS`];
  return https
    .filter((server) => !server.http3)
    .map(({ portName }) => `the server ${portName} does not take TLS 1.3, so it does not offer HTTP/3`);
}
