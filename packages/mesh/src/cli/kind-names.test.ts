import { kinds, kindNames as known } from '@lateen/api/kinds.ts';
import { expect, test } from 'vitest';
import { findKind, kindNames, objectTitle } from './kind-names.ts';

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

test('titles', () => {
  expect(objectTitle({ kind: 'Deployment', name: 'x' })).toBe('deployment.apps/x');
  expect(objectTitle({ kind: 'Unknown', name: 'x' })).toBe('unknown/x');
});
