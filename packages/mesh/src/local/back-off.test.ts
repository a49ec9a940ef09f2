import { expect, test } from 'vitest';
import { BackOff, containerBackOff, infrastructureBackOff } from './back-off.ts';

test('doubles with each failure in a row, up to the maximum', () => {
  const backOff = new BackOff(containerBackOff);
  const delays = Array.from({ length: 11 }, () => backOff.failed(50));
  expect(delays).toEqual([100, 200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 30_000, 30_000]);
});

test('starts again after a good run', () => {
  const backOff = new BackOff(containerBackOff);
  backOff.failed(0);
  backOff.failed(0);
  expect(backOff.failed(29_999)).toBe(400);
  expect(backOff.failed(30_000)).toBe(100);
  expect(backOff.failed(0)).toBe(200);
});

test('brings proxies and the control plane back at once the first time', () => {
  const backOff = new BackOff(infrastructureBackOff);
  expect([0, 0, 0, 0].map((ranMs) => backOff.failed(ranMs))).toEqual([0, 100, 200, 400]);
  expect(backOff.failed(10_000)).toBe(0);
  for (let count = 0; count < 100; count += 1) backOff.failed(0);
  expect(backOff.failed(0)).toBe(5000);
});
