import { create, type MessageInitShape } from '@bufbuild/protobuf';
import type { Any } from '@bufbuild/protobuf/wkt';
import { packAny } from '@lateen/envoy-api/encode';
import type {
  HttpProtocolOptionsSchema as CommonOptionsSchema,
  Http2ProtocolOptionsSchema,
} from '@lateen/envoy-api/envoy/config/core/v3/protocol_pb.js';
import { HttpProtocolOptionsSchema } from '@lateen/envoy-api/envoy/extensions/upstreams/http/v3/http_protocol_options_pb.js';
import type { UpstreamProtocol } from '../../proxy/ir/cluster.ts';
import type { ConnectionPoolIr, UpstreamPolicyIr } from '../../proxy/ir/upstream-policy.ts';
import { SAME_CASE } from './header-case.ts';
import { HTTP2_DEFAULTS } from './http2.ts';
import type { Init } from './init.ts';
import { requestHash } from './load-balancer.ts';
import { errorMatcher } from './outlier-detection.ts';
import { duration } from './values.ts';

type OptionsInit = Init<typeof HttpProtocolOptionsSchema>;
type HttpProtocol = Exclude<UpstreamProtocol, 'raw'>;

/** What of a policy concerns HTTP. */
type HttpPolicy = Pick<UpstreamPolicyIr, 'connectionPool' | 'loadBalancer' | 'outlierDetection' | 'tls'>;

/** How HTTP is spoken with the endpoints of a cluster; nothing for TCP. */
export function httpProtocolOptions(
  protocol: UpstreamProtocol,
  pool: Omit<ConnectionPoolIr, 'connectTimeoutMs'>,
  policy?: HttpPolicy,
): { typedExtensionProtocolOptions?: Record<string, Any> } {
  if (protocol === 'raw') return {};
  return packOptions({
    ...commonOptions(pool),
    upstreamProtocolOptions: versionOptions(protocol, http2Options(pool)),
    ...(policy === undefined ? {} : policyOptions(policy)),
  });
}

/** For hosts that a request names. Envoy insists on the server name, though there is no TLS. */
export function forwardProtocolOptions() {
  return packOptions({
    upstreamProtocolOptions: versionOptions('http1', {}),
    upstreamHttpProtocolOptions: { autoSni: true, autoSanValidation: true },
  });
}

function packOptions(options: OptionsInit): { typedExtensionProtocolOptions: Record<string, Any> } {
  const packed = packAny(HttpProtocolOptionsSchema, create(HttpProtocolOptionsSchema, options));
  return {
    typedExtensionProtocolOptions: { 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': packed },
  };
}

function policyOptions({ loadBalancer, outlierDetection, tls }: HttpPolicy): OptionsInit {
  const { errorStatuses } = outlierDetection ?? {};
  return {
    hashPolicy: requestHash(loadBalancer),
    ...(errorStatuses === undefined ? {} : { outlierDetection: { errorMatcher: errorMatcher(errorStatuses) } }),
    ...(tls.type === 'originate' && tls.sni === undefined
      ? {
          upstreamHttpProtocolOptions: {
            autoSni: true,
            autoSanValidation: tls.verification.type === 'authorities' && tls.verification.names === 'from-request',
          },
        }
      : {}),
  };
}

function commonOptions(pool: Omit<ConnectionPoolIr, 'connectTimeoutMs'>): OptionsInit {
  const { idleTimeoutMs, maxConnectionDurationMs, maxRequestsPerConnection } = pool;
  const options: MessageInitShape<typeof CommonOptionsSchema> = {
    ...(idleTimeoutMs === undefined ? {} : { idleTimeout: duration(idleTimeoutMs) }),
    ...(maxConnectionDurationMs === undefined ? {} : { maxConnectionDuration: duration(maxConnectionDurationMs) }),
    ...(maxRequestsPerConnection === undefined ? {} : { maxRequestsPerConnection }),
  };
  return Object.keys(options).length === 0 ? {} : { commonHttpProtocolOptions: options };
}

function http2Options({
  maxConcurrentStreams,
  http2Keepalive,
}: Omit<ConnectionPoolIr, 'connectTimeoutMs'>): MessageInitShape<typeof Http2ProtocolOptionsSchema> {
  return {
    ...HTTP2_DEFAULTS,
    ...(maxConcurrentStreams === undefined ? {} : { maxConcurrentStreams }),
    ...(http2Keepalive === undefined
      ? {}
      : {
          connectionKeepalive: {
            ...(http2Keepalive.intervalMs === undefined ? {} : { interval: duration(http2Keepalive.intervalMs) }),
            timeout: duration(http2Keepalive.timeoutMs),
          },
        }),
  };
}

const HTTP1 = { headerKeyFormat: SAME_CASE };

function versionOptions(
  protocol: HttpProtocol,
  http2: MessageInitShape<typeof Http2ProtocolOptionsSchema>,
): NonNullable<OptionsInit['upstreamProtocolOptions']> {
  switch (protocol) {
    case 'http1':
      return {
        case: 'explicitHttpConfig',
        value: { protocolConfig: { case: 'httpProtocolOptions', value: HTTP1 } },
      };
    case 'http2':
      return {
        case: 'explicitHttpConfig',
        value: { protocolConfig: { case: 'http2ProtocolOptions', value: http2 } },
      };
    case 'same-as-downstream':
      return {
        case: 'useDownstreamProtocolConfig',
        value: { httpProtocolOptions: HTTP1, http2ProtocolOptions: http2 },
      };
  }
}
