import { expect, test } from 'vitest';
import { didYouMean, suggest } from './suggest.ts';

test.each([
  ['htp', ['hosts', 'http', 'tcp'], 'http'],
  ['tiemout', ['timeout', 'retries'], 'timeout'],
  ['LABELS', ['labels'], 'labels'],
  ['subsets', ['subset'], 'subset'],
  ['x', ['http'], undefined],
  ['route', ['http'], undefined],
  ['a'.repeat(200), ['a'.repeat(199)], undefined],
])('%s among %j: %s', (word, candidates, expected) => {
  expect(suggest(word, candidates)).toBe(expected);
});

test('as the end of a sentence', () => {
  expect(didYouMean('htp', ['http'])).toBe(", did you mean 'http'?");
  expect(didYouMean('abc', ['http'])).toBe('');
});
