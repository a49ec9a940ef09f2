import { expect, test } from 'vitest';
import { renewalTime, retryDelay } from './rotation.ts';

test('a certificate is renewed between 50 and 60 % of its time', () => {
  expect(renewalTime(10_000, 0, 0)).toBe(5000);
  expect(renewalTime(10_000, 0, 1)).toBe(6000);
  expect(renewalTime(10_000, 4000, 0)).toBe(7000);
});

test('retries wait longer and longer, up to a bound', () => {
  const delays = (notAfter: number | undefined) =>
    [1, 2, 3, 5, 50].map((failures) => retryDelay(failures, notAfter, 0, 1));
  // The workload cannot start without a certificate.
  expect(delays(undefined)).toEqual([20, 40, 80, 250, 250]);
  expect(delays(-1)).toEqual([20, 40, 80, 250, 250]);
  // Half a day left.
  expect(delays(12 * 60 * 60 * 1000)).toEqual([20, 40, 80, 320, 10_000]);
  // A minute left.
  expect(delays(60_000)).toEqual([20, 40, 80, 320, 3000]);
});

test('half of the wait is at random', () => {
  expect(retryDelay(3, undefined, 0, 0)).toBe(40);
  expect(retryDelay(3, undefined, 0, 0.5)).toBe(60);
});
