import { describe, expect, test } from 'vitest';
import { interleave, median, percentile } from './stats.ts';

describe('percentile', () => {
  const oneToHundred = Array.from({ length: 100 }, (_, index) => 100 - index);

  test.each([
    [0, 1],
    [1, 1],
    [50, 50],
    [50.5, 51],
    [95, 95],
    [99, 99],
    [99.1, 100],
    [100, 100],
  ])('p%d of 1 to 100 is %d', (percent, value) => {
    expect(percentile(oneToHundred, percent)).toBe(value);
  });

  test('is always one of the values, also of a few', () => {
    expect(percentile([7], 99)).toBe(7);
    expect(percentile([30, 10, 20], 50)).toBe(20);
    expect(percentile([10, 20], 50)).toBe(10);
    expect(percentile([10, 20], 51)).toBe(20);
  });

  test('orders by number and leaves its argument alone', () => {
    const values = [100, 9, 20];
    expect(percentile(values, 100)).toBe(100);
    expect(values).toEqual([100, 9, 20]);
  });

  test('refuses what has no answer', () => {
    expect(() => percentile([], 50)).toThrow(RangeError);
    expect(() => percentile([1], 101)).toThrow(RangeError);
    expect(() => percentile([1], Number.NaN)).toThrow(RangeError);
  });
});

test('the median is the middle, or between the two in the middle', () => {
  expect(median([5])).toBe(5);
  expect(median([100, 9, 20])).toBe(20);
  expect(median([1, 2, 4, 100])).toBe(3);
  expect(() => median([])).toThrow(RangeError);
});

test('rounds measure every variant, each time beginning with another one', async () => {
  const order: string[] = [];
  const measured = await interleave(['a', 'b', 'c'], 3, async (variant, round) => {
    order.push(variant);
    return `${variant}${round}`;
  });
  expect(order).toEqual(['a', 'b', 'c', 'b', 'c', 'a', 'c', 'a', 'b']);
  expect(measured.get('b')).toEqual(['b0', 'b1', 'b2']);
});
