import type { MeshConfig } from '@lateen/api/istio/mesh-config.ts';
import { describe, expect, it } from 'vitest';
import { buildMeshDefaults, NO_MESH_CONFIG } from './mesh-defaults.ts';
import { DEFAULT_RETRY } from './retry.ts';

describe('the configuration of the mesh', () => {
  it('has defaults of its own', () => {
    expect(NO_MESH_CONFIG).toEqual({
      outside: 'allow',
      applicationAt: 'workload',
      connectTimeoutMs: 10_000,
      retry: DEFAULT_RETRY,
      exportTo: {},
      locality: { type: 'failover', order: { regions: [], labels: [] } },
      autoMtls: true,
      http2Upgrade: 'unless-limited',
      ports: { outbound: 15_001, inbound: 15_006 },
      gateway: {},
      ingress: { served: 'of-class', className: 'istio', selector: { istio: 'ingressgateway' } },
      discovery: [],
      sources: [],
    });
  });

  it.each<[MeshConfig, Partial<typeof NO_MESH_CONFIG>]>([
    [{ outboundTrafficPolicy: { mode: 'REGISTRY_ONLY' } }, { outside: 'refuse' }],
    [{ outboundTrafficPolicy: { mode: 'ALLOW_ANY' } }, { outside: 'allow' }],
    [{ inboundTrafficPolicy: { mode: 'LOCALHOST' } }, { applicationAt: 'loopback' }],
    [{ protocolDetectionTimeout: '0s' }, { detectionTimeoutMs: 0 }],
    [{ protocolDetectionTimeout: '250ms' }, { detectionTimeoutMs: 250 }],
    [{ defaultHttpRetryPolicy: { attempts: 0 } }, { retry: { type: 'off' } }],
    [{ defaultServiceExportTo: ['.'], defaultVirtualServiceExportTo: [] }, { exportTo: { services: ['.'] } }],
    [{ localityLbSetting: { enabled: false } }, { locality: { type: 'off' } }],
    [
      { localityLbSetting: { distribute: [{ from: 'a', to: { b: 100 } }] } },
      { locality: { type: 'distribute', rules: [{ from: 'a', to: [['b', 100]] }] } },
    ],
    [{ pathNormalization: { normalization: 'NONE' } }, { paths: 'as-they-are' }],
    [
      { proxyListenPort: 1, proxyInboundListenPort: 2, proxyHttpPort: 3 },
      { ports: { outbound: 1, inbound: 2, httpProxy: 3 } },
    ],
    [
      { defaultConfig: { gatewayTopology: { numTrustedProxies: 2, proxyProtocol: {} } } },
      { gateway: { trustedProxies: 2, proxyProtocol: true } },
    ],
    [
      { defaultConfig: { gatewayTopology: { numTrustedProxies: 0, forwardClientCertDetails: 'SANITIZE' } } },
      { gateway: { clientCertificate: 'sanitize' } },
    ],
  ])('%j is %j', (config, expected) => {
    expect(buildMeshDefaults(config)).toMatchObject(expected);
  });
});
