import { fromBinary, type JsonObject } from '@bufbuild/protobuf';
import type { ClientTlsVerdict, IdentityPattern, Unknown } from '@lateen/api/verdict.ts';
import type { Cluster } from '@lateen/envoy-api/envoy/config/cluster/v3/cluster_pb.js';
import type { Metadata, TransportSocket } from '@lateen/envoy-api/envoy/config/core/v3/base_pb.js';
import { ProxyProtocolConfig_Version } from '@lateen/envoy-api/envoy/config/core/v3/proxy_protocol_pb.js';
import { InternalUpstreamTransportSchema } from '@lateen/envoy-api/envoy/extensions/transport_sockets/internal_upstream/v3/internal_upstream_pb.js';
import { ProxyProtocolUpstreamTransportSchema } from '@lateen/envoy-api/envoy/extensions/transport_sockets/proxy_protocol/v3/upstream_proxy_protocol_pb.js';
import {
  type CertificateValidationContext,
  CertificateValidationContext_TrustChainVerification,
  SubjectAltNameMatcher_SanType,
} from '@lateen/envoy-api/envoy/extensions/transport_sockets/tls/v3/common_pb.js';
import {
  type CommonTlsContext,
  UpstreamTlsContextSchema,
} from '@lateen/envoy-api/envoy/extensions/transport_sockets/tls/v3/tls_pb.js';
import type { StringMatcher } from '@lateen/envoy-api/envoy/type/matcher/v3/string_pb.js';
import { typeName } from '../any-type.ts';

/** How the proxy connects to an endpoint. */
export interface ClientSocket {
  readonly tls: ClientTlsVerdict | null;
  readonly proxyProtocol?: 'v1' | 'v2';
}

const MATCH_KEY = 'envoy.transport_socket_match';

/** The socket for endpoints with such metadata (the endpoint's own, else that of its locality). */
export function socketFor(
  cluster: Cluster,
  metadata: Metadata | undefined,
  localityMetadata: Metadata | undefined,
): TransportSocket | undefined {
  const given = metadata?.filterMetadata[MATCH_KEY] ?? localityMetadata?.filterMetadata[MATCH_KEY] ?? {};
  const fits = cluster.transportSocketMatches.find(({ match }) => includes(given, match ?? {}));
  return fits === undefined ? cluster.transportSocket : fits.transportSocket;
}

function includes(given: JsonObject, wanted: JsonObject): boolean {
  return Object.entries(wanted).every(([key, value]) => JSON.stringify(given[key]) === JSON.stringify(value));
}

const PLAINTEXT: ClientSocket = { tls: null };

export function readClientSocket(
  socket: TransportSocket | undefined,
  unknowns: Unknown[],
  where: string,
): ClientSocket {
  if (socket === undefined || socket.configType.case !== 'typedConfig') return PLAINTEXT;
  const config = socket.configType.value;
  switch (typeName(config)) {
    case 'envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer':
      return PLAINTEXT;
    case UpstreamTlsContextSchema.typeName: {
      const { commonTlsContext, sni, autoHostSni } = fromBinary(UpstreamTlsContextSchema, config.value);
      if (autoHostSni) unknowns.push({ what: 'UpstreamTlsContext.auto_host_sni', where });
      return { tls: clientTls(commonTlsContext, sni) };
    }
    case InternalUpstreamTransportSchema.typeName:
      return readClientSocket(
        fromBinary(InternalUpstreamTransportSchema, config.value).transportSocket,
        unknowns,
        where,
      );
    case ProxyProtocolUpstreamTransportSchema.typeName: {
      const outer = fromBinary(ProxyProtocolUpstreamTransportSchema, config.value);
      const version = outer.config?.version === ProxyProtocolConfig_Version.V2 ? 'v2' : 'v1';
      return { ...readClientSocket(outer.transportSocket, unknowns, where), proxyProtocol: version };
    }
    default:
      unknowns.push({ what: `transport socket ${socket.name}`, where });
      return PLAINTEXT;
  }
}

function clientTls(context: CommonTlsContext | undefined, serverName: string): ClientTlsVerdict {
  const validation = validationOf(context);
  return {
    serverName,
    applicationProtocols: context?.alpnProtocols ?? [],
    clientCertificate: hasCertificate(context),
    identities: (validation?.matchTypedSubjectAltNames ?? []).flatMap(({ sanType, matcher }) =>
      sanType === SubjectAltNameMatcher_SanType.URI || sanType === SubjectAltNameMatcher_SanType.DNS
        ? identityPattern(matcher)
        : [],
    ),
    verified: context?.validationContextType.case !== undefined && !acceptsAnybody(validation),
  };
}

function acceptsAnybody(validation: CertificateValidationContext | undefined): boolean {
  const { ACCEPT_UNTRUSTED } = CertificateValidationContext_TrustChainVerification;
  return validation?.trustChainVerification === ACCEPT_UNTRUSTED;
}

export function validationOf(context: CommonTlsContext | undefined): CertificateValidationContext | undefined {
  const type = context?.validationContextType;
  if (type?.case === 'validationContext') return type.value;
  return type?.case === 'combinedValidationContext' ? type.value.defaultValidationContext : undefined;
}

export function hasCertificate(context: CommonTlsContext | undefined): boolean {
  return (
    context !== undefined &&
    (context.tlsCertificates.length > 0 ||
      context.tlsCertificateSdsSecretConfigs.length > 0 ||
      context.tlsCertificateProviderInstance !== undefined)
  );
}

export function identityPattern(matcher: StringMatcher | undefined): IdentityPattern[] {
  const pattern = matcher?.matchPattern;
  switch (pattern?.case) {
    case 'exact':
    case 'prefix':
    case 'suffix':
    case 'contains':
      return [{ type: pattern.case, value: pattern.value }];
    case 'safeRegex':
      return [{ type: 'regex', value: pattern.value.regex }];
    default:
      return [];
  }
}
