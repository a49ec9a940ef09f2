import { describe, expect, it } from 'vitest';
import { gatewayOf, networkingText, pilotOf, serviceText, sidecarOf } from '../testing/pilot-of.ts';

const ENDPOINT = 'default/a.default.svc.cluster.local|80';

describe('endpoints', () => {
  it('are the instances with all labels of the selector, in the namespace of the service', () => {
    const { model } = pilotOf(
      serviceText('a', '[{port: 80, targetPort: web}]', { selector: '{version: v1, app: a}' }),
      sidecarOf('a-0'),
      sidecarOf('a-1', { health: 'unready', serviceAccount: 'two' }),
      sidecarOf('b-0', { labels: { app: 'a', version: 'v2' } }),
      sidecarOf('c-0', { namespace: 'other' }),
    );
    expect(model.endpoints.get(ENDPOINT)).toMatchObject([
      { instance: 'a-0.default', port: 20_000, ready: true, meshTls: true },
      { instance: 'a-1.default', ready: false },
    ]);
    expect(model.peerIds.get(ENDPOINT)).toEqual([
      'spiffe://cluster.local/ns/default/sa/one',
      'spiffe://cluster.local/ns/default/sa/two',
    ]);
  });

  it('need a selector, and a port that the instance has', () => {
    expect(
      pilotOf(serviceText('a', '[{port: 80}]', { selector: '{}' }), sidecarOf('a-0')).model.endpoints.get(ENDPOINT),
    ).toEqual([]);
    expect(pilotOf(serviceText('a', '[{port: 80}]'), sidecarOf('a-0')).model.endpoints.get(ENDPOINT)).toEqual([]);
    expect(
      pilotOf(serviceText('a', '[{port: 80, targetPort: 8080}]'), sidecarOf('a-0')).model.endpoints.get(ENDPOINT),
    ).toHaveLength(1);
    expect(
      pilotOf(serviceText('a', '[{port: 80, targetPort: wob}]'), sidecarOf('a-0')).model.endpoints.get(ENDPOINT),
    ).toEqual([]);
  });
});

describe('a service in front of a gateway', () => {
  const endpoints = (ports: string, hostPorts: Record<number, number>) => {
    const text = serviceText('edge', ports, { selector: '{istio: ingressgateway}' });
    const capture = { mode: 'gateway', hostPorts, portNames: { web: 8080 } } as const;
    const { model } = pilotOf(text, gatewayOf({}, { capture }));
    return model.endpoints.get('default/edge.default.svc.cluster.local|80');
  };

  it('leads to the listener for its own port, before that for its target port', () => {
    expect(endpoints('[{port: 80, targetPort: 8080}]', { 80: 23_000, 8080: 23_001 })).toMatchObject([
      { instance: 'gateway.default', port: 23_000, meshTls: false, ready: true },
    ]);
    expect(endpoints('[{port: 80, targetPort: 8080}]', { 8080: 23_001 })).toMatchObject([{ port: 23_001 }]);
    expect(endpoints('[{port: 80, targetPort: web}]', { 8080: 23_001 })).toMatchObject([{ port: 23_001 }]);
  });

  it('leads nowhere while no Gateway opens such a port', () => {
    expect(endpoints('[{port: 80, targetPort: 8080}]', { 443: 23_000 })).toEqual([]);
    expect(endpoints('[{port: 80, targetPort: other}]', { 443: 23_000 })).toEqual([]);
  });
});

describe('the Service of a gateway that runs by itself', () => {
  const KEY = 'istio-system/istio-egressgateway.istio-system.svc.cluster.local';
  const egress = gatewayOf(
    { 443: 23_000, 9443: 23_001 },
    {
      name: 'istio-egressgateway',
      namespace: 'istio-system',
      labels: { app: 'istio-egressgateway', istio: 'egressgateway' },
      serviceAccount: 'egress',
    },
  );
  const gateway = networkingText(
    'Gateway',
    'out',
    '{selector: {istio: egressgateway}, servers: [{port: {number: 9443, name: http, protocol: HTTP}, hosts: ["*"]}]}',
  );

  it('has the usual ports and those that Gateways open, and leads to it', () => {
    const { model } = pilotOf(gateway, egress);
    expect(model.services.get(KEY)?.ports.map(({ port, protocol }) => `${port} ${protocol}`)).toEqual([
      '80 http2',
      '443 tcp',
      '9443 http',
    ]);
    expect(model.endpoints.get(`${KEY}|80`)).toEqual([]);
    expect(model.endpoints.get(`${KEY}|9443`)).toMatchObject([{ port: 23_001 }]);
    expect(model.peerIds.get(`${KEY}|9443`)).toEqual(['spiffe://cluster.local/ns/istio-system/sa/egress']);
  });

  it('is there while the gateway runs, unless the user has one', () => {
    expect(pilotOf(gateway).model.services.get(KEY)).toBeUndefined();
    const own = serviceText('istio-egressgateway', '[{port: 81}]', { namespace: 'istio-system' });
    expect(pilotOf(gateway + own, egress).model.services.get(KEY)?.ports).toMatchObject([{ port: 81 }]);
  });
});

describe('a container port', () => {
  const inbound = (text: string) => pilotOf(text, sidecarOf('a-0')).model.inbound.get('a-0.default');

  it('has the protocol that all services in front of it agree on', () => {
    expect(inbound(serviceText('a', '[{port: 80, targetPort: 8080, name: http}]'))).toMatchObject([
      { protocol: 'http' },
    ]);
    const two = (other: string) =>
      inbound(
        serviceText('a', '[{port: 80, targetPort: 8080, name: http}]') +
          serviceText('b', `[{port: 81, targetPort: web, name: ${other}}]`, { selector: '{app: a}' }),
      );
    expect(two('http-b')).toMatchObject([{ protocol: 'http' }]);
    expect(two('tcp')).toMatchObject([{ protocol: 'detect' }]);
    expect(two('http')?.[0]?.services.map(({ name }) => name)).toEqual(['a', 'b']);
  });

  it('without a service is found out', () => {
    expect(inbound('')).toMatchObject([{ containerPort: 8080, protocol: 'detect', services: [] }]);
  });

  it('is met as the policies say, and peers know', () => {
    const disabled = `---\n{apiVersion: security.istio.io/v1, kind: PeerAuthentication, metadata: {name: x}, spec: {mtls: {mode: DISABLE}}}\n`;
    const { model } = pilotOf(serviceText('a', '[{port: 80, targetPort: 8080}]') + disabled, sidecarOf('a-0'));
    expect(model.inbound.get('a-0.default')).toMatchObject([{ peers: { mode: 'none' } }]);
    expect(model.endpoints.get(ENDPOINT)).toMatchObject([{ meshTls: false }]);
  });
});
