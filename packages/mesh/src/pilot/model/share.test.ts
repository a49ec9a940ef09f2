import { expect, it } from 'vitest';
import { perMillion } from './share.ts';

it('counts percent in millionths', () => {
  expect(perMillion({ value: 100 })).toBe(1_000_000);
  expect(perMillion({ value: 0.1 })).toBe(1_000);
  expect(perMillion({ value: 0.0001 })).toBe(1);
  expect(perMillion({ value: 33.3333 })).toBe(333_333);
  expect(perMillion({})).toBe(0);
  expect(perMillion(undefined)).toBeUndefined();
});
