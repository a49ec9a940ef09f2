import { describe, expect, it } from 'vitest';
import { type LabelSelector, selects } from './label-selector.ts';

const LABELS = { app: 'a', tier: 'front' };

describe('a label selector', () => {
  it.each<[LabelSelector, boolean]>([
    [{}, true],
    [{ matchLabels: { app: 'a' } }, true],
    [{ matchLabels: { app: 'b' } }, false],
    [{ matchExpressions: [{ key: 'app', operator: 'In', values: ['b', 'a'] }] }, true],
    [{ matchExpressions: [{ key: 'app', operator: 'In', values: ['b'] }] }, false],
    [{ matchExpressions: [{ key: 'other', operator: 'In', values: ['b'] }] }, false],
    [{ matchExpressions: [{ key: 'app', operator: 'NotIn', values: ['b'] }] }, true],
    [{ matchExpressions: [{ key: 'app', operator: 'NotIn', values: ['a'] }] }, false],
    [{ matchExpressions: [{ key: 'other', operator: 'NotIn', values: ['a'] }] }, true],
    [{ matchExpressions: [{ key: 'app', operator: 'Exists' }] }, true],
    [{ matchExpressions: [{ key: 'other', operator: 'Exists' }] }, false],
    [{ matchExpressions: [{ key: 'other', operator: 'DoesNotExist' }] }, true],
    [{ matchExpressions: [{ key: 'app', operator: 'DoesNotExist' }] }, false],
    [{ matchLabels: { app: 'a' }, matchExpressions: [{ key: 'tier', operator: 'In', values: ['back'] }] }, false],
  ])('%j: %s', (selector, expected) => {
    expect(selects(selector, LABELS)).toBe(expected);
  });
});
