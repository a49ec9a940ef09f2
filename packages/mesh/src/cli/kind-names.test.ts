import { kinds, kindNames as known } from '@lateen/api/kinds.ts';
import { expect, test } from 'vitest';
import { findKind, kindNames, kindOfObject, objectTitle } from './kind-names.ts';

test('the kinds of the command line are those of the API', () => {
  expect([...kindNames.map((each) => each.kind)].sort()).toEqual([...known].sort());
  for (const { kind, plural, short, group, namespaced } of kindNames) {
    const schema = Object.values(kinds).find((each) => each.kind === kind);
    expect({ kind, plural, short, group, namespaced }).toEqual({
      kind,
      plural: schema?.plural,
      short: schema?.shortNames,
      group: schema?.group,
      namespaced: schema?.namespaced,
    });
  }
});

test.each(['vs', 'VirtualService', 'virtualservices', 'virtualservice.networking.istio.io'])('%s', (word) => {
  expect(findKind(word).kind).toBe('VirtualService');
});

test.each([
  ['gateways', 'Gateway'],
  ['Gateway', 'Gateway'],
  ['gw', 'Gateway'],
  ['gateways.networking.istio.io', 'Gateway'],
  ['gtw', 'KubernetesGateway'],
  ['gateways.gateway.networking.k8s.io', 'KubernetesGateway'],
  ['gateway.gateway.networking.k8s.io', 'KubernetesGateway'],
])('of two kinds that are called Gateway, %s is %s', (word, kind) => {
  expect(findKind(word).kind).toBe(kind);
});

test('the inner name of a kind is no word of the command line', () => {
  expect(() => findKind('KubernetesGateway')).toThrow('Unknown kind "KubernetesGateway"');
});

test('objects are told by their kind and group', () => {
  const kindOf = (apiVersion: string) => kindOfObject({ apiVersion, kind: 'Gateway' })?.kind;
  expect(kindOf('networking.istio.io/v1')).toBe('Gateway');
  expect(kindOf('gateway.networking.k8s.io/v1beta1')).toBe('KubernetesGateway');
  expect(kindOfObject({ apiVersion: 'v1', kind: 'Unknown' })).toBeUndefined();
});

test('titles', () => {
  expect(objectTitle({ kind: 'Deployment', name: 'x' })).toBe('deployment.apps/x');
  expect(objectTitle({ kind: 'Gateway', name: 'x' })).toBe('gateway.networking.istio.io/x');
  expect(objectTitle({ kind: 'KubernetesGateway', name: 'x' })).toBe('gateway.gateway.networking.k8s.io/x');
  expect(objectTitle({ kind: 'Unknown', name: 'x' })).toBe('unknown/x');
});
