import { expect, test } from 'vitest';
import { pilotOf, serviceText } from '../../testing/pilot-of.ts';

const PEM = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n';

const policy = (name: string, target: string, validation: string, created?: string) => `
apiVersion: gateway.networking.k8s.io/v1
kind: BackendTLSPolicy
metadata: {name: ${name}${created === undefined ? '' : `, creationTimestamp: "${created}"`}}
spec:
  targetRefs: [{group: "", kind: Service, ${target}}]
  validation: {hostname: shop.test, ${validation}}
`;

const bundle = `
apiVersion: v1
kind: ConfigMap
metadata: {name: authorities}
data: {ca.crt: ${JSON.stringify(PEM)}}
`;

const VALID = 'caCertificateRefs: [{group: "", kind: ConfigMap, name: authorities}]';

const route = `
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: web}
spec: {gatewayClassName: lateen, listeners: [{name: http, port: 80, protocol: HTTP}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: web}
spec: {parentRefs: [{name: web}], rules: [{backendRefs: [{name: shop, port: 80}]}]}
`;

function statesOf(...documents: readonly string[]) {
  const all = [serviceText('shop', '[{name: http, port: 80}, {name: other, port: 81}]'), bundle, route, ...documents];
  const { model } = pilotOf(all.join('---\n'));
  const state = (name: string) => model.backendTlsStates.get(`BackendTLSPolicy/default/${name}`);
  return {
    ancestors: (name: string) => state(name)?.ancestors,
    problems: (name: string) => state(name)?.problems.map(({ type, reason }) => `${type} ${reason}`),
    tls: (port: number) => model.services.get('default/shop.default.svc.cluster.local')?.backendTls?.[port],
  };
}

test('a policy stands with the Gateways whose routes lead to its services', () => {
  const states = statesOf(policy('a', 'name: shop', VALID));
  expect(states.ancestors('a')).toEqual([{ namespace: 'default', name: 'web' }]);
  expect(states.problems('a')).toEqual([]);
  expect(states.tls(80)?.tls).toMatchObject({ type: 'originate', sni: 'shop.test', names: ['shop.test'] });
});

test('of policies for one target the oldest counts, then the first by name', () => {
  const states = statesOf(
    policy('a', 'name: shop', VALID),
    policy('b', 'name: shop', VALID, '2026-01-02T00:00:00Z'),
    policy('c', 'name: shop', VALID, '2026-01-01T00:00:00Z'),
  );
  expect(['a', 'b', 'c'].map(states.problems)).toEqual([['Accepted Conflicted'], ['Accepted Conflicted'], []]);
  expect(states.tls(80)?.source.name).toBe('c');
});

test('a policy for one port leaves the others to one for all of them', () => {
  const states = statesOf(policy('all', 'name: shop', VALID), policy('one', 'name: shop, sectionName: other', VALID));
  expect(['all', 'one'].map(states.problems)).toEqual([[], []]);
  expect([80, 81].map((port) => states.tls(port)?.source.name)).toEqual(['all', 'one']);
});

test.each([
  ['name: gone', VALID, ['Accepted TargetNotFound']],
  ['name: shop, sectionName: gone', VALID, ['Accepted TargetNotFound']],
  ['name: shop', 'wellKnownCACertificates: System', []],
  ['name: shop', 'wellKnownCACertificates: example.com/all', ['Accepted Invalid']],
  [
    'name: shop',
    'caCertificateRefs: [{group: "", kind: ConfigMap, name: gone}]',
    ['ResolvedRefs InvalidCACertificateRef', 'Accepted NoValidCACertificate'],
  ],
  [
    'name: shop',
    'caCertificateRefs: [{group: "", kind: Pod, name: gone}]',
    ['ResolvedRefs InvalidKind', 'Accepted NoValidCACertificate'],
  ],
  [
    'name: shop',
    'caCertificateRefs: [{group: "", kind: ConfigMap, name: gone}, {group: "", kind: ConfigMap, name: authorities}]',
    ['ResolvedRefs InvalidCACertificateRef'],
  ],
])('%s, %s: %j', (target, validation, problems) => {
  expect(statesOf(policy('a', target, validation)).problems('a')).toEqual(problems);
});

test('without authorities nobody is called', () => {
  const states = statesOf(policy('a', 'name: shop', 'caCertificateRefs: [{group: "", kind: ConfigMap, name: gone}]'));
  expect(states.tls(80)?.tls).toEqual({ type: 'refuse' });
});
