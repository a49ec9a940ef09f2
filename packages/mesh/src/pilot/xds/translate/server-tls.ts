import { create, type MessageInitShape } from '@bufbuild/protobuf';
import type { TransportSocket } from '@lateen/envoy-api/envoy/config/core/v3/base_pb.js';
import { TransportSocketSchema } from '@lateen/envoy-api/envoy/config/core/v3/base_pb.js';
import { QuicDownstreamTransportSchema } from '@lateen/envoy-api/envoy/extensions/transport_sockets/quic/v3/quic_transport_pb.js';
import {
  type CertificateValidationContextSchema,
  CertificateValidationContext_TrustChainVerification as TrustChain,
} from '@lateen/envoy-api/envoy/extensions/transport_sockets/tls/v3/common_pb.js';
import {
  DownstreamTlsContextSchema as Downstream,
  type DownstreamTlsContextSchema,
} from '@lateen/envoy-api/envoy/extensions/transport_sockets/tls/v3/tls_pb.js';
import type { SecretRefIr } from '../../proxy/ir/secret.ts';
import type { CertificateServerTlsIr, ClientVerificationIr, ServerTlsIr } from '../../proxy/ir/server-tls.ts';
import { nameMatcher } from './originated-tls.ts';
import { AGENT, downstreamMeshTls, PILOT_SECRETS, TLS } from './tls.ts';
import { tlsParameters } from './tls-parameters.ts';
import { extension } from './values.ts';

type DownstreamInit = MessageInitShape<typeof DownstreamTlsContextSchema>;

export function serverTls(ir: ServerTlsIr): TransportSocket {
  if (ir.type === 'mesh') return downstreamMeshTls(ir);
  return create(TransportSocketSchema, extension(TLS, Downstream, downstreamContext(ir)));
}

/** TLS as a part of QUIC (RFC 9001). */
export function quicTls(ir: CertificateServerTlsIr): TransportSocket {
  return create(
    TransportSocketSchema,
    extension('envoy.transport_sockets.quic', QuicDownstreamTransportSchema, {
      downstreamTlsContext: downstreamContext(ir),
    }),
  );
}

function downstreamContext({ certificates, clients, parameters, alpn }: CertificateServerTlsIr): DownstreamInit {
  return {
    ...(clients?.required === true ? { requireClientCertificate: true } : {}),
    commonTlsContext: {
      tlsParams: tlsParameters(parameters),
      alpnProtocols: [...alpn],
      tlsCertificateSdsSecretConfigs: certificates.map(sdsConfig),
      ...(clients === undefined ? {} : validation(clients)),
    },
  };
}

function validation(
  clients: ClientVerificationIr,
): Pick<NonNullable<DownstreamInit['commonTlsContext']>, 'validationContextType'> {
  const { authorities, untrusted, names, certificateHashes, publicKeyHashes } = clients;
  const context: MessageInitShape<typeof CertificateValidationContextSchema> = {
    verifyCertificateHash: [...certificateHashes],
    verifyCertificateSpki: [...publicKeyHashes],
    matchTypedSubjectAltNames: names.map(nameMatcher),
    ...(untrusted ? { trustChainVerification: TrustChain.ACCEPT_UNTRUSTED } : {}),
  };
  return {
    validationContextType:
      authorities === undefined
        ? { case: 'validationContext', value: context }
        : {
            case: 'combinedValidationContext',
            value: { defaultValidationContext: context, validationContextSdsSecretConfig: sdsConfig(authorities) },
          },
  };
}

function sdsConfig({ name, from }: SecretRefIr) {
  return { name, sdsConfig: from === 'agent' ? AGENT : PILOT_SECRETS };
}
