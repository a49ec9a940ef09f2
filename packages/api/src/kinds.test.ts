import { expect, test } from 'vitest';
import { apiVersionOf, type Kind, kindNames, kinds } from './kinds.ts';
import { lookUpKind } from './known-kinds.ts';
import { keyOf, keyOfRef, refOfKey } from './object-key.ts';

test('no two kinds answer to one word', () => {
  const words = kindNames.flatMap((name) => {
    const kind: Kind = kinds[name];
    return [kind.plural, kind.singular, ...kind.shortNames];
  });
  expect(new Set(words).size).toBe(words.length);
});

test('kinds are told by group, version and name', () => {
  expect(apiVersionOf(kinds.VirtualService)).toBe('networking.istio.io/v1');
  expect(apiVersionOf(kinds.Service)).toBe('v1');
  expect(lookUpKind('networking.istio.io/v1alpha3', 'Gateway').kind).toBe(kinds.Gateway);
  expect(lookUpKind('gateway.networking.k8s.io/v1', 'Gateway').problem?.code).toBe('LAT0106');
  expect(lookUpKind('networking.istio.io/v2', 'Gateway').problem?.code).toBe('LAT0107');
  expect(lookUpKind('v1', 'toString').problem?.code).toBe('LAT0105');
  expect(lookUpKind('toString/v1', 'Foo').problem?.code).toBe('LAT0105');
  expect(lookUpKind('x/networking.istio.io/v1', 'Gateway').problem?.code).toBe('LAT0107');
});

test('keys', () => {
  const reviews = { kind: 'VirtualService', metadata: { name: 'reviews', namespace: 'default' } };
  const namespace = { kind: 'Namespace', metadata: { name: 'default' } };
  expect(keyOf(reviews)).toBe('VirtualService/default/reviews');
  expect(keyOf(namespace)).toBe('Namespace//default');
  expect(refOfKey(keyOf(namespace))).toEqual({ kind: 'Namespace', namespace: '', name: 'default' });
  expect(keyOfRef({ kind: 'VirtualService', namespace: 'default', name: 'reviews' })).toBe(keyOf(reviews));
});
