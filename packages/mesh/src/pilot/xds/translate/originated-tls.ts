import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { isIp } from '@lateen/api/names.ts';
import { type TransportSocket, TransportSocketSchema } from '@lateen/envoy-api/envoy/config/core/v3/base_pb.js';
import { type ConfigSource, ConfigSourceSchema } from '@lateen/envoy-api/envoy/config/core/v3/config_source_pb.js';
import {
  CertificateValidationContext_TrustChainVerification,
  type SubjectAltNameMatcher,
  SubjectAltNameMatcher_SanType,
  SubjectAltNameMatcherSchema,
} from '@lateen/envoy-api/envoy/extensions/transport_sockets/tls/v3/common_pb.js';
import type { SdsSecretConfigSchema } from '@lateen/envoy-api/envoy/extensions/transport_sockets/tls/v3/secret_pb.js';
import {
  type CommonTlsContextSchema,
  UpstreamTlsContextSchema,
} from '@lateen/envoy-api/envoy/extensions/transport_sockets/tls/v3/tls_pb.js';
import type { SecretRefIr } from '../../proxy/ir/secret.ts';
import type { OriginatedTlsIr, VerificationIr } from '../../proxy/ir/upstream-tls.ts';
import type { Init } from './init.ts';
import { AGENT, PILOT_SECRETS, TLS } from './tls.ts';
import { tlsParameters } from './tls-parameters.ts';
import { duration, extension } from './values.ts';

/** How long a cluster waits for its secrets. The agent answers at once, unless a file is missing. */
const SECRET_WAIT_MS = 2_000;

/** Which application protocol is offered is left to the connection pool, which knows what it is going to speak. */
export function originatedTls({ sni, certificate, verification, parameters }: OriginatedTlsIr): TransportSocket {
  return create(
    TransportSocketSchema,
    extension(TLS, UpstreamTlsContextSchema, {
      ...(sni === undefined ? {} : { sni }),
      commonTlsContext: {
        ...(parameters === undefined ? {} : { tlsParams: tlsParameters(parameters) }),
        ...(certificate === undefined ? {} : { tlsCertificateSdsSecretConfigs: [secret(certificate)] }),
        validationContextType: validation(verification),
      },
    }),
  );
}

function validation(ir: VerificationIr): NonNullable<Init<typeof CommonTlsContextSchema>['validationContextType']> {
  if (ir.type === 'none') {
    return {
      case: 'validationContext',
      value: { trustChainVerification: CertificateValidationContext_TrustChainVerification.ACCEPT_UNTRUSTED },
    };
  }
  return {
    case: 'combinedValidationContext',
    value: {
      defaultValidationContext: {
        matchTypedSubjectAltNames: ir.names === 'from-request' ? [] : ir.names.map(nameMatcher),
        ...(ir.revokedFile === undefined ? {} : { crl: { specifier: { case: 'filename', value: ir.revokedFile } } }),
      },
      validationContextSdsSecretConfig: secret(ir.authorities),
    },
  };
}

/** One of the names in a certificate, of whatever type it is by its form. */
export function nameMatcher(name: string): SubjectAltNameMatcher {
  return create(SubjectAltNameMatcherSchema, {
    sanType: sanTypeOf(name),
    matcher: { matchPattern: { case: 'exact', value: name } },
  });
}

function sanTypeOf(name: string): SubjectAltNameMatcher_SanType {
  if (name.includes('://')) return SubjectAltNameMatcher_SanType.URI;
  if (name.includes('@')) return SubjectAltNameMatcher_SanType.EMAIL;
  return isIp(name) ? SubjectAltNameMatcher_SanType.IP_ADDRESS : SubjectAltNameMatcher_SanType.DNS;
}

function secret({ name, from }: SecretRefIr): MessageInitShape<typeof SdsSecretConfigSchema> {
  return { name, sdsConfig: from === 'agent' ? FILES : PILOT_SECRETS };
}

const FILES: ConfigSource = create(ConfigSourceSchema, {
  ...AGENT,
  initialFetchTimeout: duration(SECRET_WAIT_MS),
} as MessageInitShape<typeof ConfigSourceSchema>);
