import type * as z from 'zod/mini';
import { durationMs } from '../duration.ts';
import { checked, clusterOnly, later, object, optional } from '../schema/field.ts';
import * as v from '../schema/values.ts';
import { tcpKeepalive } from './connection-pool.ts';

const TELEMETRY = 'telemetry';
const TRACING = 'tracing';
const PROXY_IMAGE = 'on one machine proxies run without images';
const BY_LATEEN = 'Lateen lays this down itself';

/** A server that proxies report to. */
export const remoteService = object({
  address: optional(v.text(), 'Its address, as HOST:PORT.'),
  tlsSettings: optional(v.anyObject(), 'TLS to it.'),
  tcpKeepalive: optional(tcpKeepalive, 'Keep-alive of connections to it.'),
});

const disabled = object({ disabled: optional(v.bool(), 'Turns it off.') });

const proxyHeaders = object({
  forwardedClientCert: optional(
    v.oneOf(['UNDEFINED', 'SANITIZE', 'FORWARD_ONLY', 'APPEND_FORWARD', 'SANITIZE_SET', 'ALWAYS_FORWARD_ONLY']),
    'What becomes of x-forwarded-client-cert.',
  ),
  setCurrentClientCertDetails: optional(v.anyObject(), 'Parts of x-forwarded-client-cert.'),
  server: optional(
    object({ disabled: optional(v.bool(), 'Turns it off.'), value: optional(v.text(), 'Its value.') }),
    'The header server.',
  ),
  requestId: optional(disabled, 'The header x-request-id.'),
  attemptCount: optional(disabled, 'The header x-envoy-attempt-count.'),
  envoyDebugHeaders: optional(disabled, 'The debugging headers of Envoy.'),
  metadataExchangeHeaders: optional(
    object({ mode: optional(v.oneOf(['UNDEFINED', 'IN_MESH']), 'Where they are used.') }),
    'Headers that tell the peer who it is.',
  ),
  preserveHttp1HeaderCase: optional(v.bool(), 'Keeps upper and lower case of HTTP/1 headers.'),
  xForwardedHost: optional(v.anyObject(), 'The header x-forwarded-host.'),
  xForwardedPort: optional(v.anyObject(), 'The header x-forwarded-port.'),
});

export const gatewayTopology = object({
  numTrustedProxies: optional(
    v.uint32(),
    'Proxies in front of the gateways: so many addresses of x-forwarded-for, from its end, are believed. 0 by default.',
  ),
  forwardClientCertDetails: optional(
    v.oneOf(['UNDEFINED', 'SANITIZE', 'FORWARD_ONLY', 'APPEND_FORWARD', 'SANITIZE_SET', 'ALWAYS_FORWARD_ONLY']),
    'What gateways do with the header x-forwarded-client-cert of a request. SANITIZE_SET by default.',
  ),
  proxyProtocol: optional(object({}), 'Gateways take connections with the PROXY protocol in front.'),
});

/** The tracing of `defaultConfig`; none of it is looked into yet. */
const tracing = object({
  zipkin: optional(v.anyObject(), 'Zipkin.'),
  lightstep: optional(v.anyObject(), 'Lightstep.'),
  datadog: optional(v.anyObject(), 'Datadog.'),
  stackdriver: optional(v.anyObject(), 'Stackdriver.'),
  openCensusAgent: optional(v.anyObject(), 'OpenCensus.'),
  customTags: optional(v.anyObject(), 'Tags of spans.'),
  maxPathTagLength: optional(v.uint32(), 'Longest path in a tag.'),
  sampling: optional(v.double(0, 100), 'Share of the requests.'),
  tlsSettings: optional(v.anyObject(), 'TLS to the server.'),
  enableIstioTags: optional(v.bool(), 'Tags of the mesh.'),
});

const drainDuration = checked(v.duration(), (value) => {
  const ms = durationMs(value) ?? 0;
  if (ms % 1000 !== 0) return `must be whole seconds, not ${v.quote(value)}`;
  return ms <= 3_600_000 ? undefined : `must be at most 1h, not ${v.quote(value)}`;
});

/** Istio's ProxyConfig message: `defaultConfig` of the mesh, and the annotation `proxy.istio.io/config` of a pod. */
export const proxyDefaults = object(
  {
    concurrency: optional(
      v.int(0),
      'Worker threads of a proxy; 0 for one for each processor. On one machine 1 by default.',
    ),
    drainDuration: optional(
      drainDuration,
      'How long connections of a listener that goes away are drained, in whole seconds. On one machine 5s by default.',
    ),
    terminationDrainDuration: optional(
      v.durationOrZero(),
      'How long requests under way may take to finish when a proxy ends. 5s by default; for a gateway on one machine 3s.',
    ),
    holdApplicationUntilProxyStarts: optional(
      v.bool(),
      'Starts the application when its proxy is ready. On one machine that is so by default.',
    ),
    proxyMetadata: optional(
      v.map(v.text()),
      'Environment variables of the proxy; those that start with ISTIO_META_ become metadata of its node.',
    ),
    gatewayTopology: optional(gatewayTopology, 'What stands in front of the gateways.'),
    proxyHeaders: later(proxyHeaders, 'headers that proxies set'),
    configPath: clusterOnly(v.text(), BY_LATEEN),
    binaryPath: clusterOnly(v.text(), BY_LATEEN),
    customConfigFile: later(v.text(), 'bootstraps of your own', ['']),
    proxyBootstrapTemplatePath: later(v.text(), 'bootstraps of your own', ['']),
    serviceCluster: clusterOnly(v.text(), BY_LATEEN),
    tracingServiceName: later(
      v.oneOf(['APP_LABEL_AND_NAMESPACE', 'CANONICAL_NAME_ONLY', 'CANONICAL_NAME_AND_NAMESPACE']),
      TRACING,
      ['APP_LABEL_AND_NAMESPACE'],
    ),
    parentShutdownDuration: clusterOnly(
      v.durationOrZero(),
      'a proxy that is restarted shares nothing with the next one',
    ),
    discoveryAddress: clusterOnly(v.text(), BY_LATEEN),
    controlPlaneAuthPolicy: clusterOnly(v.oneOf(['NONE', 'MUTUAL_TLS']), BY_LATEEN),
    proxyAdminPort: clusterOnly(v.int(0, 65_535), 'on one machine each proxy has a port of its own'),
    statusPort: clusterOnly(v.int(0, 65_535), 'on one machine each proxy has a port of its own'),
    interceptionMode: clusterOnly(v.oneOf(['REDIRECT', 'TPROXY', 'NONE']), 'on one machine nothing is redirected'),
    image: clusterOnly(object({ imageType: optional(v.text(), 'Flavour of the image.') }), PROXY_IMAGE),
    meshId: later(v.text(), 'several meshes', ['']),
    readinessProbe: later(v.anyObject(), 'onboarding of machines'),
    caCertificatesPem: later(v.array(v.text()), 'certificate authorities of others'),
    privateKeyProvider: later(v.anyObject(), 'providers of private keys'),
    zipkinAddress: later(v.text(), TRACING, ['']),
    tracing: later(tracing, TRACING),
    statsdUdpAddress: later(v.text(), TELEMETRY, ['']),
    envoyAccessLogService: later(remoteService, TELEMETRY),
    envoyMetricsService: later(remoteService, TELEMETRY),
    statNameLength: later(v.int(0), TELEMETRY, [189]),
    extraStatTags: later(v.array(v.text()), TELEMETRY),
    proxyStatsMatcher: later(
      object({
        inclusionPrefixes: optional(v.array(v.text()), 'Starts of names.'),
        inclusionSuffixes: optional(v.array(v.text()), 'Ends of names.'),
        inclusionRegexps: optional(v.array(v.text()), 'Regular expressions.'),
      }),
      TELEMETRY,
    ),
    statsCompression: later(v.bool(), TELEMETRY, [true]),
    statsEvictionInterval: later(v.durationOrZero(), TELEMETRY, ['0s']),
    fileFlushInterval: later(v.durationOrZero(), TELEMETRY, ['1s']),
    fileFlushMinSizeKb: later(v.uint32(), TELEMETRY, [64]),
    runtimeValues: later(v.map(v.text()), 'runtime settings of Envoy'),
    connectionSettings: later(v.anyObject(), 'hardening of connections'),
  },
  { atMostOne: [['serviceCluster', 'tracingServiceName']] },
);

export type ProxyDefaults = z.infer<typeof proxyDefaults>;
