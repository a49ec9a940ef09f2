import { describe, expect, it } from 'vitest';
import { pilotOf, serviceText, sidecarOf } from '../testing/pilot-of.ts';

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
