import type { ConfigObject } from '@lateen/api/kinds.ts';
import { expect, test } from 'vitest';
import { DEFAULT_SETTINGS } from '../model/settings.ts';
import { meshWithMistakes } from '../testing/mesh-with-mistakes.ts';
import { analysisSteps, analyze, checks } from './analyze.ts';

const look = (objects: readonly ConfigObject[]) => analyze({ ...DEFAULT_SETTINGS, objects, placeOf: () => undefined });

test('there is time for other things between the checks', () => {
  const steps = analysisSteps({ ...DEFAULT_SETTINGS, objects: meshWithMistakes(2), placeOf: () => undefined });
  let count = 0;
  while (!steps.next().done) count++;
  expect(count).toBe(checks.length);
});

test('the order of the objects does not matter', () => {
  const objects = meshWithMistakes(20);
  expect(look(objects.toReversed())).toEqual(look(objects));
});
