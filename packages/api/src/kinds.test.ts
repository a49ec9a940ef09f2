import { expect, test } from 'vitest';
import { apiVersionOf, type Kind, kindNames, kinds } from './kinds.ts';
import { lookUpKind } from './known-kinds.ts';
import { keyOf, keyOfRef, refOfKey } from './object-key.ts';
import { writtenKind } from './written-kind.ts';

test('no two kinds answer to one word', () => {
  const words = kindNames.flatMap((name) => {
    const { group, plural, singular, shortNames, writtenAs }: Kind = kinds[name];
    // The plain words are those of the other kind.
    return writtenAs === undefined ? [plural, singular, ...shortNames] : [`${plural}.${group}`, ...shortNames];
  });
  expect(new Set(words).size).toBe(words.length);
});

test('kinds are told by group, version and name', () => {
  expect(apiVersionOf(kinds.VirtualService)).toBe('networking.istio.io/v1');
  expect(apiVersionOf(kinds.Service)).toBe('v1');
  expect(lookUpKind('networking.istio.io/v1alpha3', 'Gateway').kind).toBe(kinds.Gateway);
  expect(lookUpKind('networking.istio.io/v2', 'Gateway').problem?.code).toBe('LAT0107');
  expect(lookUpKind('v1', 'toString').problem?.code).toBe('LAT0105');
  expect(lookUpKind('toString/v1', 'Foo').problem?.code).toBe('LAT0105');
  expect(lookUpKind('x/networking.istio.io/v1', 'Gateway').problem?.code).toBe('LAT0107');
});

test.each(kindNames)('%s is found in each of its versions', (name) => {
  const kind: Kind = kinds[name];
  for (const version of kind.versions) {
    const found = lookUpKind(kind.group === '' ? version : `${kind.group}/${version}`, writtenKind(name));
    expect(found).toEqual({ kind });
  }
});

test('two kinds are written alike, and told apart by their group', () => {
  for (const name of kindNames) {
    const kind: Kind = kinds[name];
    expect(writtenKind(name)).toBe(kind.writtenAs ?? name);
  }
  expect(kinds.KubernetesGateway.writtenAs).toBe('Gateway');
  expect(lookUpKind('networking.istio.io/v1', 'Gateway').kind).toBe(kinds.Gateway);
  const wrongVersion = lookUpKind('gateway.networking.k8s.io/v2', 'Gateway');
  expect(wrongVersion.kind).toBe(kinds.KubernetesGateway);
  expect(wrongVersion.problem?.message).toContain('networking.istio.io/v1alpha3, gateway.networking.k8s.io/v1,');
  expect(lookUpKind('gateway.networking.k8s.io/v1', 'KubernetesGateway').problem?.code).toBe('LAT0105');
});

test('keys', () => {
  const reviews = { kind: 'VirtualService', metadata: { name: 'reviews', namespace: 'default' } };
  const namespace = { kind: 'Namespace', metadata: { name: 'default' } };
  expect(keyOf(reviews)).toBe('VirtualService/default/reviews');
  expect(keyOf(namespace)).toBe('Namespace//default');
  expect(refOfKey(keyOf(namespace))).toEqual({ kind: 'Namespace', namespace: '', name: 'default' });
  expect(keyOfRef({ kind: 'VirtualService', namespace: 'default', name: 'reviews' })).toBe(keyOf(reviews));
});
