import type * as z from 'zod/mini';
import { objectSchema } from '../kubernetes/metadata.ts';
import { isIp } from '../names.ts';
import { forEachRepeated, object, optional, required } from '../schema/field.ts';
import * as v from '../schema/values.ts';
import { arrayOfOneTo, isAnnotationKey, mapUpTo, objectName, pattern, textUpTo } from './common.ts';
import { checkListeners, labelSelector, listeners } from './listener.ts';
import { localObjectRef, objectRef, secretRef } from './references.ts';

const DOMAIN = '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*';
const HOST = new RegExp(`^(\\*\\.)?${DOMAIN}$`);

const address = object(
  {
    type: optional(
      pattern(
        `^(Hostname|IPAddress|NamedAddress|${DOMAIN}\\/[A-Za-z0-9\\/\\-._~%!$&'()*+,;=:]+)$`,
        253,
        'Hostname, IPAddress, NamedAddress or DOMAIN/PATH',
      ),
      'IPAddress, the default, Hostname or NamedAddress.',
    ),
    value: optional(textUpTo(253), 'The address; any of the type if it is left out.'),
  },
  {
    rules({ type = 'IPAddress', value }, report) {
      if (value === undefined) return;
      if (type === 'IPAddress' && !isIp(value)) report(`must be an IP address, not ${v.quote(value)}`, ['value']);
      if (type === 'Hostname' && value !== '' && !HOST.test(value)) {
        report(`must be a host name in lower case, not ${v.quote(value)}`, ['value']);
      }
    },
  },
);

const frontendTls = object({
  validation: optional(
    object({
      caCertificateRefs: required(
        arrayOfOneTo(16, objectRef),
        'ConfigMaps or Secrets with the authorities that sign the certificates of clients, in ca.crt.',
      ),
      mode: optional(
        v.oneOf(['AllowValidOnly', 'AllowInsecureFallback']),
        'AllowValidOnly, the default: clients must show a valid certificate. AllowInsecureFallback: they may show none, or any.',
      ),
    }),
    'Which certificates clients must have.',
  ),
});

const gatewayTls = object({
  backend: optional(
    object({ clientCertificateRef: optional(secretRef, 'Secret with certificate and key that the gateway shows.') }),
    'TLS between the gateway and backends.',
  ),
  frontend: optional(
    object(
      {
        default: required(frontendTls, 'For all HTTPS listeners on ports that are not listed in perPort.'),
        perPort: optional(
          v.arrayUpTo(
            64,
            object({
              port: required(v.port(), 'Port of the listeners.'),
              tls: required(frontendTls, 'For these listeners.'),
            }),
          ),
          'For the listeners of single ports.',
        ),
      },
      {
        rules({ perPort = [] }, report) {
          forEachRepeated(
            perPort,
            ({ port }) => String(port),
            ({ port }, index) => report(`the port ${port} is listed twice`, ['perPort', index, 'port']),
          );
        },
      },
    ),
    'TLS between clients and the gateway.',
  ),
});

const labelValue = pattern(
  '^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$',
  63,
  "a label value: at most 63 of letters, digits, '-', '_' and '.', a letter or digit at both ends",
);
const key = (what: string) => v.syntax(isAnnotationKey, `${what} such as app or example.com/app`);

const infrastructure = object({
  labels: optional(
    mapUpTo(8, v.map(labelValue, key('a label key'))),
    'Labels for what is made for the Gateway, such as its Deployment and Service.',
  ),
  annotations: optional(
    mapUpTo(16, v.map(textUpTo(4096), key('an annotation key'))),
    'Annotations for what is made for the Gateway.',
  ),
  parametersRef: optional(localObjectRef, 'More settings of what is made.'),
});

const gatewaySpec = object(
  {
    gatewayClassName: required(objectName(), 'GatewayClass that says who runs the gateway.'),
    listeners: required(listeners(), 'What the gateway listens on.'),
    addresses: optional(v.arrayUpTo(16, address), 'Addresses that are asked for.'),
    infrastructure: optional(infrastructure, 'What is made to run the gateway.'),
    allowedListeners: optional(
      object({
        namespaces: optional(
          object({
            from: optional(
              v.oneOf(['All', 'Selector', 'Same', 'None']),
              'None, the default. Same: the namespace of the Gateway. All: every one. Selector: those that the selector matches.',
            ),
            selector: optional(labelSelector, 'For Selector: labels of the namespaces.'),
          }),
          'Namespaces whose ListenerSets may attach.',
        ),
      }),
      'Which ListenerSets may attach.',
    ),
    tls: optional(gatewayTls, 'TLS of all listeners.'),
    defaultScope: optional(
      v.oneOf(['All', 'None']),
      'All: the Gateway is a default one, to which routes with useDefaultGateways attach. None, the default.',
    ),
  },
  {
    rules(spec, report) {
      checkListeners(spec, report);
      forEachRepeated(
        spec.addresses ?? [],
        ({ type = 'IPAddress', value }) =>
          value !== undefined && (type === 'IPAddress' || type === 'Hostname') ? `${type} ${value}` : undefined,
        ({ value }, index) => report(`the address ${value} is listed twice`, ['addresses', index, 'value']),
      );
    },
  },
);

/** Files say `kind: Gateway`: see `written-kind.ts`. */
export const kubernetesGateway = objectSchema('gateway.networking.k8s.io/v1', 'KubernetesGateway', gatewaySpec);

export type KubernetesGateway = z.infer<typeof kubernetesGateway>;
