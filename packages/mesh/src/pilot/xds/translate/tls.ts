import { create } from '@bufbuild/protobuf';
import { type TransportSocket, TransportSocketSchema } from '@lateen/envoy-api/envoy/config/core/v3/base_pb.js';
import {
  ApiConfigSource_ApiType,
  ApiVersion,
  type ConfigSource,
  ConfigSourceSchema,
} from '@lateen/envoy-api/envoy/config/core/v3/config_source_pb.js';
import {
  type SubjectAltNameMatcher,
  SubjectAltNameMatcher_SanType,
  SubjectAltNameMatcherSchema,
} from '@lateen/envoy-api/envoy/extensions/transport_sockets/tls/v3/common_pb.js';
import {
  type CommonTlsContext,
  CommonTlsContextSchema,
  DownstreamTlsContextSchema,
  UpstreamTlsContextSchema,
} from '@lateen/envoy-api/envoy/extensions/transport_sockets/tls/v3/tls_pb.js';
import type { MeshServerTlsIr } from '../../proxy/ir/server-tls.ts';
import type { TlsParametersIr } from '../../proxy/ir/tls-parameters.ts';
import type { MeshTlsIr } from '../../proxy/ir/upstream-tls.ts';
import { tlsParameters } from './tls-parameters.ts';
import { duration, extension } from './values.ts';

/** Names of the secrets that the agent beside each proxy serves, as in Istio. */
const WORKLOAD_CERTIFICATE = 'default';
const MESH_ROOTS = 'ROOTCA';

export const TLS = 'envoy.transport_sockets.tls';

/** ALPN names by which a sidecar tells the mesh's TLS from an application's own, as in Istio. */
export const MESH_ALPN = ['istio', 'istio-peer-exchange', 'istio-http/1.0', 'istio-http/1.1', 'istio-h2'];

/** What a server agrees to. Envoy takes a connection for HTTP/2 only if that was agreed on, or nothing was. */
const AGREED_ALPN = { http: ['h2', 'http/1.1'], tcp: MESH_ALPN } as const;

/** The secrets that the agent beside the proxy serves. */
export const AGENT: ConfigSource = create(ConfigSourceSchema, {
  configSourceSpecifier: {
    case: 'apiConfigSource',
    value: {
      apiType: ApiConfigSource_ApiType.GRPC,
      transportApiVersion: ApiVersion.V3,
      setNodeOnFirstMessageOnly: true,
      grpcServices: [{ targetSpecifier: { case: 'envoyGrpc', value: { clusterName: 'sds-grpc' } } }],
    },
  },
  resourceApiVersion: ApiVersion.V3,
  // A listener without its certificate would refuse everybody: wait for it as long as it takes.
  initialFetchTimeout: duration(0),
});

/** How long a listener or cluster waits for a secret. */
const SECRET_WAIT_MS = 1_000;

/**
 * Secrets that come by the stream of all other resources. One that does not exist must not keep a listener from opening,
 * because others are served there as well: connections that need it are refused, until it comes.
 */
export const PILOT_SECRETS: ConfigSource = create(ConfigSourceSchema, {
  configSourceSpecifier: { case: 'ads', value: {} },
  resourceApiVersion: ApiVersion.V3,
  initialFetchTimeout: duration(SECRET_WAIT_MS),
});

export function upstreamMeshTls({ sni, peerIds, alpn, parameters }: MeshTlsIr): TransportSocket {
  return create(
    TransportSocketSchema,
    extension(TLS, UpstreamTlsContextSchema, {
      sni,
      commonTlsContext: meshContext(alpn, peerIds.map(peerMatcher).concat(nobodyIf(peerIds)), parameters),
    }),
  );
}

/** Any workload whose certificate the mesh's roots signed. Who of them may call is for authorization to say. */
export function downstreamMeshTls({ carries, parameters }: MeshServerTlsIr): TransportSocket {
  return create(
    TransportSocketSchema,
    extension(TLS, DownstreamTlsContextSchema, {
      requireClientCertificate: true,
      commonTlsContext: meshContext(
        AGREED_ALPN[carries],
        [sanMatcher({ case: 'prefix', value: 'spiffe://' })],
        parameters,
      ),
    }),
  );
}

/** Both ends are Envoys, so nothing older is needed. */
const MESH_PARAMETERS: TlsParametersIr = { minVersion: '1.3' };

function meshContext(
  alpn: readonly string[],
  peers: SubjectAltNameMatcher[],
  parameters: TlsParametersIr = MESH_PARAMETERS,
): CommonTlsContext {
  return create(CommonTlsContextSchema, {
    tlsParams: tlsParameters(parameters),
    alpnProtocols: [...alpn],
    tlsCertificateSdsSecretConfigs: [{ name: WORKLOAD_CERTIFICATE, sdsConfig: AGENT }],
    validationContextType: {
      case: 'combinedValidationContext',
      value: {
        defaultValidationContext: { matchTypedSubjectAltNames: peers },
        validationContextSdsSecretConfig: { name: MESH_ROOTS, sdsConfig: AGENT },
      },
    },
  });
}

/** Identities are URIs; other names that a ServiceEntry gives are those of DNS. */
function peerMatcher(name: string): SubjectAltNameMatcher {
  const sanType = name.includes('://') ? SubjectAltNameMatcher_SanType.URI : SubjectAltNameMatcher_SanType.DNS;
  const isPrefix = name.endsWith('*');
  return sanMatcher({ case: isPrefix ? 'prefix' : 'exact', value: isPrefix ? name.slice(0, -1) : name }, sanType);
}

/** An empty list of matchers would accept every peer; a service without instances must accept none. */
function nobodyIf(peerIds: readonly string[]): SubjectAltNameMatcher[] {
  return peerIds.length === 0 ? [peerMatcher('spiffe://nobody')] : [];
}

function sanMatcher(
  matchPattern: { case: 'exact' | 'prefix'; value: string },
  sanType = SubjectAltNameMatcher_SanType.URI,
): SubjectAltNameMatcher {
  return create(SubjectAltNameMatcherSchema, { sanType, matcher: { matchPattern } });
}
