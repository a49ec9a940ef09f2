import { describe, expect, it } from 'vitest';
import { localityOf, localityText, patternCovers } from './locality.ts';

describe('a locality', () => {
  it.each([
    [{ 'istio-locality': 'eu.a.1' }, 'eu/a/1'],
    [{ 'istio-locality': 'eu.a' }, 'eu/a'],
    // As the annotation of a machine could have it: then dots are dots.
    [{ 'istio-locality': 'eu/a.b' }, 'eu/a.b'],
    [
      {
        'topology.kubernetes.io/region': 'eu',
        'topology.kubernetes.io/zone': 'a',
        'topology.istio.io/subzone': '1',
      },
      'eu/a/1',
    ],
    [{ 'topology.kubernetes.io/region': 'eu', 'topology.istio.io/subzone': '1' }, 'eu'],
    [{ 'topology.kubernetes.io/zone': 'a' }, undefined],
    [{ 'istio-locality': 'us', 'topology.kubernetes.io/region': 'eu' }, 'us'],
    [{}, undefined],
  ] as const)('of %j is %s', (labels: Readonly<Record<string, string>>, expected) => {
    const locality = localityOf(labels);
    expect(locality && localityText(locality)).toBe(expected);
  });

  it.each([
    ['*', '', true],
    ['eu', 'eu.a', true],
    ['eu/*', 'eu.a', true],
    ['eu/a', 'eu.a.1', true],
    ['eu/a/2', 'eu.a.1', false],
    ['eu', 'us', false],
    ['eu', '', false],
  ])('is covered by %s if it is %s: %s', (pattern, locality, expected) => {
    expect(patternCovers(pattern, localityOf({ 'istio-locality': locality }))).toBe(expected);
  });
});
