import { expect, test } from 'vitest';
import { durationMs, optionalDurationMs } from './duration.ts';

test.each([
  ['3s', 3000],
  ['250ms', 250],
  ['1.5h', 5_400_000],
  ['1h1m1s1ms', 3_661_001],
  ['.5s', 500],
  ['100us', 0.1],
  ['100µs', 0.1],
  ['0s', 0],
  ['0', 0],
])('%s is %d ms', (text, ms) => {
  expect(durationMs(text)).toBeCloseTo(ms, 9);
});

test.each(['', '3', 's', '-1s', '3 s', '3d', '3S', '1s ', '1e3s', 'soon', '1..5s'])('%j is no duration', (text) => {
  expect(durationMs(text)).toBeUndefined();
});

test('an absent field stays absent', () => {
  expect(optionalDurationMs(undefined)).toBeUndefined();
  expect(optionalDurationMs('1m')).toBe(60_000);
});
