import { nodeIdOf, type WorkloadInstance } from '@lateen/api/workload-instance.ts';
import { describe, expect, it } from 'vitest';
import { networkingText, pilotOf, serviceText, sidecarOf } from '../testing/pilot-of.ts';

const SHOP = serviceText('a', '[{port: 80, name: http}]', { namespace: 'shop' });
const CLUSTER = 'outbound|80||a.shop.svc.cluster.local';

function policy(namespace: string, simple: string, subsets = '[]'): string {
  const spec = `{host: a.shop.svc.cluster.local, trafficPolicy: {loadBalancer: {simple: ${simple}}}, subsets: ${subsets}}`;
  return networkingText('DestinationRule', 'a', spec, namespace);
}

const SERVER = sidecarOf('a-0', { namespace: 'shop', ports: [{ containerPort: 80, inboundPort: 1, appPort: 2 }] });

function meshConfigText(settings: string): string {
  return `---\n{apiVersion: v1, kind: ConfigMap, metadata: {name: istio, namespace: istio-system}, data: {mesh: "${settings}"}}\n`;
}

/** What the clients of a namespace hold under the name of a cluster. */
function clusterFor(namespace: string, text: string, name = CLUSTER, ...servers: readonly WorkloadInstance[]) {
  const client = sidecarOf('client', { namespace });
  const { resolved } = pilotOf(text, client, ...servers);
  const key = resolved.shared.get(nodeIdOf(client))?.clusters.get(name);
  return key === undefined ? undefined : resolved.clusters.get(key);
}

describe('a cluster', () => {
  it('is as the policy of the client says', () => {
    const text =
      SHOP + policy('client', 'RANDOM') + policy('shop', 'ROUND_ROBIN') + policy('istio-system', 'LEAST_REQUEST');
    expect(clusterFor('client', text)?.policy.loadBalancer).toEqual({ type: 'random' });
    expect(clusterFor('shop', text)?.policy.loadBalancer).toEqual({ type: 'round-robin' });
    expect(clusterFor('elsewhere', text)?.policy.loadBalancer).toEqual({ type: 'round-robin' });
    expect(clusterFor('elsewhere', SHOP + policy('istio-system', 'RANDOM'))?.policy.loadBalancer).toEqual({
      type: 'random',
    });
    expect(clusterFor('elsewhere', SHOP)?.policy.loadBalancer).toEqual({ type: 'least-request' });
  });

  it('of a subset has its labels, and its own load balancer before that of the service', () => {
    const subsets = '[{name: v1, labels: {version: v1}}, {name: v2, trafficPolicy: {loadBalancer: {simple: RANDOM}}}]';
    const text = SHOP + policy('shop', 'ROUND_ROBIN', subsets);
    expect(clusterFor('shop', text, 'outbound|80|v1|a.shop.svc.cluster.local', SERVER)).toMatchObject({
      policy: {
        loadBalancer: { type: 'round-robin' },
        tls: { type: 'mesh-where-accepted', sni: 'outbound_.80_.v1_.a.shop.svc.cluster.local' },
      },
    });
    expect(clusterFor('shop', text, 'outbound|80|v2|a.shop.svc.cluster.local')?.policy.loadBalancer).toEqual({
      type: 'random',
    });
    const { resolved } = pilotOf(
      text,
      SERVER,
      sidecarOf('a-1', {
        namespace: 'shop',
        ports: [{ containerPort: 80, inboundPort: 3, appPort: 4 }],
        labels: { app: 'a' },
      }),
      sidecarOf('a-2', {
        namespace: 'shop',
        ports: [{ containerPort: 80, inboundPort: 5, appPort: 6 }],
        health: 'draining',
      }),
    );
    const portsOf = (key: string) =>
      resolved.endpoints.get(key)?.groups.flatMap(({ endpoints }) => endpoints.map(({ port }) => port));
    expect(portsOf(`shop|shop/a|${CLUSTER}`)).toEqual([1, 3]);
    expect(portsOf('shop|shop/a|outbound|80|v1|a.shop.svc.cluster.local')).toEqual([1]);
    expect(portsOf('shop|shop/a|outbound|80|v2|a.shop.svc.cluster.local')).toEqual([1, 3]);
  });

  it.each([
    ['http', 'http2', ['istio']],
    ['grpc', 'http2', ['istio', 'h2']],
    ['tcp', 'raw', ['istio']],
    ['other', 'same-as-downstream', ['istio']],
  ])('of a port named %s speaks %s', (name, upstreamProtocol, alpn) => {
    const text = serviceText('a', `[{port: 80, name: ${name}}]`, { namespace: 'shop' });
    expect(clusterFor('shop', text, CLUSTER, SERVER)).toMatchObject({ upstreamProtocol, policy: { tls: { alpn } } });
  });

  describe('of a port for HTTP/1.1', () => {
    const spoken = (text: string, ...servers: readonly WorkloadInstance[]) =>
      clusterFor('shop', text, CLUSTER, ...servers)?.upstreamProtocol;
    const rule = (settings: string) =>
      networkingText('DestinationRule', 'a', `{host: a.shop.svc.cluster.local, trafficPolicy: ${settings}}`, 'shop');
    const other: WorkloadInstance = { ...SERVER, name: 'a-1' };

    it('speaks HTTP/2 with sidecars, unless the mesh or a rule says otherwise', () => {
      expect(spoken(SHOP, SERVER, other)).toBe('http2');
      expect(spoken(SHOP + rule('{connectionPool: {http: {h2UpgradePolicy: DO_NOT_UPGRADE}}}'), SERVER)).toBe('http1');
      expect(spoken(SHOP + meshConfigText('h2UpgradePolicy: DO_NOT_UPGRADE'), SERVER)).toBe('http1');
      expect(spoken(SHOP + meshConfigText('enableAutoMtls: false'), SERVER)).toBe('http1');
    });

    it.each(['tcp: {maxConnections: 1}', 'http: {http1MaxPendingRequests: 1}', 'http: {maxRequestsPerConnection: 1}'])(
      'keeps to it where connections are limited (%s), unless the mesh says otherwise',
      (limit) => {
        const text = SHOP + rule(`{connectionPool: {${limit}}}`);
        expect(spoken(text, SERVER)).toBe('http1');
        expect(spoken(text + meshConfigText('h2UpgradePolicy: UPGRADE'), SERVER)).toBe('http2');
      },
    );

    it('keeps to it where HTTP/2 would reach an application that does not speak it', () => {
      const stranger: WorkloadInstance = { ...other, capture: { mode: 'redirect', interception: 'redirect' } };
      expect(spoken(SHOP)).toBe('http1');
      expect(spoken(SHOP, SERVER, stranger)).toBe('http1');
      expect(spoken(SHOP + meshConfigText('h2UpgradePolicy: UPGRADE'), SERVER, stranger)).toBe('http1');
      // The sidecar goes by what it sees, and passes HTTP/2 on as HTTP/2.
      const disagreeing = serviceText('b', '[{port: 80, name: tcp}]', { namespace: 'shop', selector: '{app: a}' });
      expect(spoken(SHOP + disagreeing, SERVER)).toBe('http1');
      for (const mode of ['DISABLE', 'SIMPLE'])
        expect(spoken(SHOP + rule(`{tls: {mode: ${mode}}}`), SERVER)).toBe('http1');
    });
  });

  it('is without TLS where no endpoint takes it, so that its clients need no certificate', () => {
    const stranger = { ...SERVER, capture: { mode: 'redirect', interception: 'redirect' } } as const;
    const tls = (server?: WorkloadInstance) =>
      clusterFor('client', SHOP, CLUSTER, ...(server === undefined ? [] : [server]))?.policy.tls.type;
    expect([tls(), tls(stranger), tls(SERVER)]).toEqual(['plaintext', 'plaintext', 'mesh-where-accepted']);
    const labels = { ...stranger.labels, 'security.istio.io/tlsMode': 'istio' };
    expect(tls({ ...stranger, labels })).toBe('mesh-where-accepted');
  });
});
