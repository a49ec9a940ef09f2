import type * as z from 'zod/mini';
import { objectSchema } from '../kubernetes/metadata.ts';
import { isDnsLabel, isIp, isWildcardHost } from '../names.ts';
import { forEachRepeated, later, object, optional, required } from '../schema/field.ts';
import * as v from '../schema/values.ts';
import { checkServerTls, serverTls } from './server-tls.ts';

const gatewayPort = object({
  number: required(v.port(), 'Port to listen on.'),
  name: required(v.nonEmpty(), 'Name of the port; each server of the Gateway has another.'),
  protocol: required(
    v.oneOf(['HTTP', 'HTTPS', 'GRPC', 'GRPC-WEB', 'HTTP2', 'MONGO', 'TCP', 'TLS']),
    'Protocol of the port. HTTP, HTTP2, GRPC and GRPC-WEB are HTTP without TLS, HTTPS is HTTP in TLS.',
  ),
  targetPort: later(v.uint32(), 'a deprecated field', [0]),
});

const gatewayServer = object(
  {
    name: optional(v.dnsLabel(), "Name of the server, shown in Envoy's filter chains."),
    port: required(gatewayPort, 'Port that the server listens on.'),
    hosts: required(
      v.nonEmptyArray(
        v.syntax(
          isServerHost,
          "HOST or NAMESPACE/HOST, where HOST may be '*' or *.example.com and NAMESPACE may be '*' or '.'",
        ),
      ),
      'Hosts that are served; NAMESPACE/HOST takes rules from VirtualServices of that namespace only.',
    ),
    tls: optional(serverTls, 'How TLS is met. For the protocols HTTPS and TLS; for HTTP only httpsRedirect.'),
    bind: optional(
      v.syntax(isIp, 'the IP address to listen on; Unix domain sockets are not supported'),
      "Address to listen on, in place of the gateway's own.",
    ),
    defaultEndpoint: later(v.text(), 'default endpoints, which Istio does not act on either'),
  },
  {
    rules({ port: { protocol }, tls }, report) {
      const needsTls = protocol === 'HTTPS' || protocol === 'TLS';
      if (tls === undefined) {
        if (needsTls) report(`must be set for a server with the protocol ${protocol}`, ['tls']);
        return;
      }
      const { httpsRedirect, ...ending } = tls;
      if (isPlainHttp(protocol)) {
        const [field] = Object.keys(ending);
        if (field !== undefined) {
          report(`has no place in a server with the protocol ${protocol}, which is HTTP without TLS; use HTTPS`, [
            'tls',
            field,
          ]);
        }
        return;
      }
      if (httpsRedirect === true) report(`is for plain HTTP only, not for ${protocol}`, ['tls', 'httpsRedirect']);
      checkServerTls(ending, (message, path = []) => report(message, ['tls', ...path]));
    },
  },
);

/** HTTP that is not in TLS. */
function isPlainHttp(protocol: string): boolean {
  return protocol === 'HTTP' || protocol === 'HTTP2' || protocol === 'GRPC' || protocol === 'GRPC-WEB';
}

function isServerHost(value: string): boolean {
  const slash = value.indexOf('/');
  if (slash === -1) return isWildcardHost(value);
  const namespace = value.slice(0, slash);
  return (namespace === '*' || namespace === '.' || isDnsLabel(namespace)) && isWildcardHost(value.slice(slash + 1));
}

const gatewaySpec = object(
  {
    selector: optional(v.labels(), 'Labels of the proxies that are this gateway, such as istio: ingressgateway.'),
    servers: required(v.nonEmptyArray(gatewayServer), 'What the gateway listens on and serves.'),
  },
  {
    rules({ servers }, report) {
      forEachRepeated(
        servers,
        ({ port }) => port.name,
        ({ port }, index) =>
          report(`the port name ${port.name} is used by another server already`, ['servers', index, 'port', 'name']),
      );
    },
  },
);

export const gateway = objectSchema('networking.istio.io/v1', 'Gateway', gatewaySpec);

export type Gateway = z.infer<typeof gateway>;
