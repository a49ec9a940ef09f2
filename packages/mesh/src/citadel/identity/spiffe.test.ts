import { expect, test } from 'vitest';
import { buildSpiffeId, buildTrustDomainId, parseSpiffeId } from './spiffe.ts';

test('builds and parses the names of workloads', () => {
  const identity = { trustDomain: 'cluster.local', namespace: 'default', serviceAccount: 'bookinfo-reviews' };
  const id = 'spiffe://cluster.local/ns/default/sa/bookinfo-reviews';
  expect(buildSpiffeId(identity)).toBe(id);
  expect(parseSpiffeId(id)).toEqual(identity);
  expect(buildTrustDomainId('cluster.local')).toBe('spiffe://cluster.local');
});

test.each([
  'spiffe://cluster.local/ns/default',
  'spiffe://cluster.local/ns/default/sa/',
  'spiffe://cluster.local/ns/default/sa/a/b',
  'spiffe://Cluster.local/ns/default/sa/a',
  'spiffe://cluster.local:80/ns/default/sa/a',
  'spiffe:///ns/default/sa/a',
  'spiffe://cluster.local/ns/a.b/sa/a',
  'spiffe://cluster.local/ns/../sa/a',
  'spiffe://cluster.local/ns/default/sa/..',
  'spiffe://cluster.local/ns/default/sa/a%2fb',
  'spiffe://cluster.local/ns/default/sa/a\n',
  'http://cluster.local/ns/default/sa/a',
])('refuses %j', (id) => {
  expect(() => parseSpiffeId(id)).toThrow(expect.objectContaining({ code: 'LAT0440' }));
});

test('refuses to build what could not be told apart', () => {
  const refused = { trustDomain: 'cluster.local', namespace: 'a/sa/b', serviceAccount: 'c' };
  expect(() => buildSpiffeId(refused)).toThrow('"a/sa/b" is not a valid namespace.');
  expect(() => buildSpiffeId({ ...refused, namespace: 'a'.repeat(64) })).toThrow('namespace');
  expect(() => buildSpiffeId({ ...refused, namespace: 'a', serviceAccount: 'a'.repeat(254) })).toThrow(
    'service account',
  );
});
