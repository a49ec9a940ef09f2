import { describe, expect, it, test } from 'vitest';
import { readNode } from './read-node.ts';

const ID = 'sidecar~10.1.0.2~reviews-1.shop~shop.svc.cluster.local';

const read = (id: string, metadata: Readonly<Record<string, unknown>> = {}) => readNode({ id, cluster: '', metadata });

describe('a node like those of Istio', () => {
  it('is a workload instance, with metadata or without', () => {
    expect(read(ID)).toEqual({
      name: 'reviews-1',
      namespace: 'shop',
      role: 'sidecar',
      workload: 'reviews-1',
      labels: {},
      serviceAccount: 'default',
      address: '10.1.0.2',
      ports: [],
      health: 'ready',
      capture: { mode: 'redirect', interception: 'redirect' },
    });
    expect(
      read(ID, {
        NAMESPACE: 'shop',
        LABELS: { app: 'reviews' },
        SERVICE_ACCOUNT: 'bookinfo-reviews',
        WORKLOAD_NAME: 'reviews-v1',
        CLUSTER_ID: 'Kubernetes',
        NETWORK: '',
        INSTANCE_IPS: '10.1.0.2,fd00::2',
        APP_CONTAINERS: 'reviews',
        INTERCEPTION_MODE: 'TPROXY',
        POD_PORTS: '[{"name":"http","containerPort":9080,"protocol":"TCP"},{"containerPort":53,"protocol":"UDP"}]',
      }),
    ).toMatchObject({
      workload: 'reviews-v1',
      labels: { app: 'reviews' },
      serviceAccount: 'bookinfo-reviews',
      ports: [{ containerPort: 9080, name: 'http', inboundPort: 9080, appPort: 9080 }],
      capture: { mode: 'redirect', interception: 'tproxy' },
    });
  });

  it('is a gateway on ports of its own if its type is router', () => {
    expect(read('router~10.1.0.2~gw-1.shop~shop.svc.cluster.local')).toMatchObject({
      role: 'router',
      capture: { mode: 'gateway', hostPorts: {}, opensAll: true },
    });
  });

  it('may have dots in its name', () => {
    expect(read('sidecar~fd00::1~a.b.c.shop~shop.svc.cluster.local')).toMatchObject({
      name: 'a.b.c',
      namespace: 'shop',
    });
  });
});

describe('a node ID that cannot be understood is refused', () => {
  it.each([
    ['', 'four parts'],
    ['envoy-1', 'four parts'],
    ['sidecar~10.1.0.2~reviews.shop', 'four parts'],
    ['ztunnel~10.1.0.2~a.shop~shop.svc.cluster.local', '"ztunnel" is neither sidecar nor router'],
    ['sidecar~localhost~a.shop~shop.svc.cluster.local', '"localhost" is no IP address'],
    ['sidecar~10.1.0.2~reviews~shop.svc.cluster.local', '"reviews" is not NAME.NAMESPACE'],
    ['sidecar~10.1.0.2~a.Shop~shop.svc.cluster.local', '"a.Shop" is not NAME.NAMESPACE'],
  ])('%j', (id, problem) => {
    expect(() => read(id)).toThrow(
      expect.objectContaining({ code: 'LAT0730', message: expect.stringContaining(problem) }),
    );
  });
});

test('what stands in front of a gateway comes from the settings that its agent tells', () => {
  const gatewayTopology = { numTrustedProxies: 2 };
  const node = read('router~10.1.0.2~edge.shop~shop.svc.cluster.local', {
    PROXY_CONFIG: { concurrency: 2, tracing: {}, gatewayTopology },
  });
  expect(node).toMatchObject({ role: 'router', gatewayTopology });
  expect(read(ID, { PROXY_CONFIG: { concurrency: 2 } })).not.toHaveProperty('gatewayTopology');
});

describe('metadata that cannot be used is refused', () => {
  const many = Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`l${i}`, '']));
  it.each([
    [{ NAMESPACE: 'other' }, 'NAMESPACE is "other", but the node ID says "shop"'],
    [{ NAMESPACE: 3 }, 'NAMESPACE must be a text'],
    [{ LABELS: 'app=a' }, 'LABELS must be a mapping of texts'],
    [{ LABELS: ['app'] }, 'LABELS must be a mapping of texts'],
    [{ LABELS: { app: 3 } }, 'LABELS.app must be a text'],
    [{ LABELS: many }, 'LABELS has 300 labels; at most 256 are read'],
    [{ INSTANCE_IPS: '10.1.0.2,host' }, 'INSTANCE_IPS has "host", which is no IP address'],
    [{ INTERCEPTION_MODE: 'redirect' }, 'INTERCEPTION_MODE is "redirect", not one of REDIRECT, TPROXY, NONE'],
    [{ POD_PORTS: '[{' }, 'POD_PORTS is not JSON'],
    [{ POD_PORTS: { containerPort: 80 } }, 'POD_PORTS must be a list'],
    [{ POD_PORTS: [{ containerPort: 0 }] }, 'POD_PORTS[0] must have a containerPort'],
    [{ CLUSTER_ID: {} }, 'CLUSTER_ID must be a text'],
    [{ PROXY_CONFIG: '{}' }, 'PROXY_CONFIG must be a mapping'],
    [
      { PROXY_CONFIG: { gatewayTopology: { numTrustedProxies: -1 } } },
      'PROXY_CONFIG.gatewayTopology.numTrustedProxies must be',
    ],
  ])('%j', (metadata, problem) => {
    expect(() => read(ID, metadata)).toThrow(
      expect.objectContaining({ code: 'LAT0731', message: expect.stringContaining(problem) }),
    );
  });
});
