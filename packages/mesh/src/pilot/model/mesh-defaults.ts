import { optionalDurationMs } from '@lateen/api/duration.ts';
import type { MeshConfig } from '@lateen/api/istio/mesh-config.ts';
import type { HttpConnectionIr } from '../proxy/ir/listener.ts';
import type { RetryIr } from '../proxy/ir/route-action.ts';
import type { SourceRef } from '../proxy/ir/source.ts';
import type { TlsParametersIr } from '../proxy/ir/tls-parameters.ts';
import type { TcpKeepaliveIr } from '../proxy/ir/upstream-policy.ts';
import { buildTcpKeepalive } from './connection-pool.ts';
import { defined } from './defined.ts';
import { buildIngressSettings, type IngressSettings } from './ingress-class.ts';
import type { LabelSelector } from './label-selector.ts';
import { buildLocalityDefault, DEFAULT_LOCALITY, type LocalitySetting } from './locality-setting.ts';
import { buildRetry, DEFAULT_RETRY } from './retry.ts';
import { said } from './visibility.ts';

/** What holds wherever no object says otherwise: the configuration of the mesh, with its own defaults. */
export interface MeshDefaults {
  /** Calls to hosts that the mesh does not know. */
  readonly outside: 'allow' | 'refuse';
  /** Where applications of redirected workloads are met. */
  readonly applicationAt: 'workload' | 'loopback';
  readonly connectTimeoutMs: number;
  /** How long the first bytes of a connection are waited for where they tell its protocol. 0: as long as it takes. Absent: a moment. */
  readonly detectionTimeoutMs?: number;
  /** How often names are looked up where DNS does not tell. Absent: as Envoy and Istio do it. */
  readonly dnsRefreshMs?: number;
  readonly tcpKeepalive?: TcpKeepaliveIr;
  readonly retry: RetryIr;
  /** `exportTo` of objects that say nothing of it. */
  readonly exportTo: {
    readonly services?: readonly string[];
    readonly virtualServices?: readonly string[];
    readonly destinationRules?: readonly string[];
  };
  readonly locality: LocalitySetting;
  /** Workloads of the mesh are called over its mutual TLS without being asked to. */
  readonly autoMtls: boolean;
  /** Whether HTTP/1.1 between workloads of the mesh becomes HTTP/2, also where a policy limits connections. */
  readonly http2Upgrade: 'always' | 'unless-limited' | 'never';
  /** Absent: as RFC 3986 has it. */
  readonly paths?: HttpConnectionIr['paths'];
  /** Of TLS between workloads of the mesh. */
  readonly meshTls?: TlsParametersIr;
  /** Of TLS with others. */
  readonly otherTls?: TlsParametersIr;
  readonly ports: {
    readonly outbound: number;
    readonly inbound: number;
    /** Absent: no HTTP proxy. */
    readonly httpProxy?: number;
  };
  readonly gateway: GatewayTopology;
  readonly ingress: IngressSettings;
  /** Only objects of namespaces that one of these selects count. None: all do. */
  readonly discovery: readonly LabelSelector[];
  /** None where nothing is configured. */
  readonly sources: readonly SourceRef[];
}

/** What stands in front of gateways. */
export interface GatewayTopology {
  readonly trustedProxies?: number;
  readonly clientCertificate?: HttpConnectionIr['clientCertificate'];
  /** Connections start with a PROXY header. */
  readonly proxyProtocol?: true;
}

export function buildMeshDefaults(config: MeshConfig, source?: SourceRef): MeshDefaults {
  const { defaultConfig = {}, proxyHttpPort = 0 } = config;
  const path = NORMALIZATION[config.pathNormalization?.normalization ?? 'DEFAULT'];
  return defined({
    outside: config.outboundTrafficPolicy?.mode === 'REGISTRY_ONLY' ? ('refuse' as const) : ('allow' as const),
    applicationAt: config.inboundTrafficPolicy?.mode === 'LOCALHOST' ? ('loopback' as const) : ('workload' as const),
    connectTimeoutMs: optionalDurationMs(config.connectTimeout) ?? CONNECT_TIMEOUT_MS,
    detectionTimeoutMs: optionalDurationMs(config.protocolDetectionTimeout),
    dnsRefreshMs: optionalDurationMs(config.dnsRefreshRate),
    tcpKeepalive: config.tcpKeepalive === undefined ? undefined : buildTcpKeepalive(config.tcpKeepalive),
    retry: config.defaultHttpRetryPolicy === undefined ? DEFAULT_RETRY : buildRetry(config.defaultHttpRetryPolicy),
    exportTo: defined({
      services: said(config.defaultServiceExportTo),
      virtualServices: said(config.defaultVirtualServiceExportTo),
      destinationRules: said(config.defaultDestinationRuleExportTo),
    }),
    locality:
      config.localityLbSetting === undefined ? DEFAULT_LOCALITY : buildLocalityDefault(config.localityLbSetting),
    autoMtls: config.enableAutoMtls ?? true,
    http2Upgrade: HTTP2_UPGRADES[config.h2UpgradePolicy ?? 'DEFAULT'],
    paths: path,
    meshTls: config.meshMTLS === undefined ? undefined : buildTlsParameters(config.meshMTLS),
    otherTls: config.tlsDefaults === undefined ? undefined : buildTlsParameters(config.tlsDefaults),
    ports: defined({
      outbound: config.proxyListenPort ?? OUTBOUND_PORT,
      inbound: config.proxyInboundListenPort ?? INBOUND_PORT,
      httpProxy: proxyHttpPort === 0 ? undefined : proxyHttpPort,
    }),
    gateway: buildGatewayTopology(defaultConfig.gatewayTopology),
    ingress: buildIngressSettings(config),
    discovery: config.discoverySelectors ?? [],
    sources: source === undefined ? [] : [source],
  });
}

const HTTP2_UPGRADES = { UPGRADE: 'always', DO_NOT_UPGRADE: 'never', DEFAULT: 'unless-limited' } as const;

/** Ten seconds, as Istio. */
const CONNECT_TIMEOUT_MS = 10_000;
/** Where the kernel sends calls by an application and calls to it, as Istio's agent tells it. */
const OUTBOUND_PORT = 15_001;
const INBOUND_PORT = 15_006;

const NORMALIZATION: Readonly<Record<string, HttpConnectionIr['paths']>> = {
  NONE: 'as-they-are',
  MERGE_SLASHES: 'merge-slashes',
  DECODE_AND_MERGE_SLASHES: 'decode-and-merge-slashes',
};

type TlsConfig = NonNullable<MeshConfig['tlsDefaults']>;

function buildTlsParameters({ minProtocolVersion, cipherSuites = [], ecdhCurves = [] }: TlsConfig): TlsParametersIr {
  return defined({
    minVersion: minProtocolVersion === 'TLSV1_3' ? ('1.3' as const) : ('1.2' as const),
    cipherSuites: cipherSuites.length === 0 ? undefined : cipherSuites,
    ecdhCurves: ecdhCurves.length === 0 ? undefined : ecdhCurves,
  });
}

type Topology = NonNullable<NonNullable<MeshConfig['defaultConfig']>['gatewayTopology']>;

const CLIENT_CERTIFICATE: Readonly<Record<string, GatewayTopology['clientCertificate']>> = {
  SANITIZE: 'sanitize',
  FORWARD_ONLY: 'forward-only',
  APPEND_FORWARD: 'append-forward',
  SANITIZE_SET: 'sanitize-set',
  ALWAYS_FORWARD_ONLY: 'always-forward-only',
};

export function buildGatewayTopology(topology: Topology = {}): GatewayTopology {
  const { numTrustedProxies = 0, forwardClientCertDetails, proxyProtocol } = topology;
  return defined({
    trustedProxies: numTrustedProxies === 0 ? undefined : numTrustedProxies,
    clientCertificate: CLIENT_CERTIFICATE[forwardClientCertDetails ?? ''],
    proxyProtocol: proxyProtocol === undefined ? undefined : (true as const),
  });
}

export const NO_MESH_CONFIG: MeshDefaults = buildMeshDefaults({});
