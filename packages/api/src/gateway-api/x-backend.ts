import type * as z from 'zod/mini';
import { objectSchema } from '../kubernetes/metadata.ts';
import { isIp } from '../names.ts';
import { checked, object, optional, required } from '../schema/field.ts';
import * as v from '../schema/values.ts';
import { backendTlsValidation } from './backend-tls-validation.ts';
import { pattern, preciseHostname } from './common.ts';
import { secretRef } from './references.ts';

const externalName = checked(preciseHostname(), (value) =>
  isIp(value) || value.endsWith('.cluster.local')
    ? `must be a host outside of the cluster, by name, not ${v.quote(value)}`
    : undefined,
);

const portName = pattern(
  '^([a-z0-9]([-a-z0-9]*[a-z0-9])?)?$',
  63,
  "a name of at most 63 of a-z, 0-9 and '-', with a letter or digit at both ends",
);

const tls = object(
  {
    mode: required(
      v.oneOf(['None', 'ServerOnly', 'ClientAndServer']),
      'None: no TLS. ServerOnly: the backend shows a certificate. ClientAndServer: the client does, too.',
    ),
    clientCertificateRef: optional(secretRef, 'For ClientAndServer: Secret with certificate and key of the client.'),
    validation: optional(backendTlsValidation, 'Which certificates the backend may show.'),
  },
  {
    rules({ mode, clientCertificateRef: ref }, report) {
      if (mode === 'ClientAndServer' && ref === undefined) {
        report('must be set with the mode ClientAndServer', ['clientCertificateRef']);
      }
      if (mode !== 'ClientAndServer' && ref !== undefined) {
        report(`must not be set with the mode ${mode}`, ['clientCertificateRef']);
      }
    },
  },
);

const xBackendSpec = object(
  {
    type: required(v.oneOf(['ExternalHostname']), 'What the backend is: a host outside, by name.'),
    externalHostname: optional(
      object({ hostname: required(externalName, 'Name of the host.') }),
      'For ExternalHostname: the host.',
    ),
    port: required(
      object({
        port: required(v.port(), 'Number of the port.'),
        name: optional(portName, 'Name of the port.'),
      }),
      'Port of the backend.',
    ),
    protocol: optional(
      v.oneOf(['TCP', 'HTTP', 'HTTP2', 'HTTP11', 'H2C', 'MCP']),
      'Protocol that the backend speaks; what the route says by default.',
    ),
    tls: optional(tls, 'How the backend is called with TLS.'),
  },
  {
    rules({ type, externalHostname }, report) {
      if (externalHostname === undefined) report(`must be set for the type ${type}`, ['externalHostname']);
    },
  },
);

export const xBackend = objectSchema('gateway.networking.x-k8s.io/v1alpha1', 'XBackend', xBackendSpec);

export type XBackend = z.infer<typeof xBackend>;
