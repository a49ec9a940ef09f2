import { expect, it } from 'vitest';
import { readAsked } from './asked-host.ts';

it.each([
  ['80/reviews', '80', 'reviews'],
  ['80/reviews:9080', '80', 'reviews'],
  ['9080/Reviews.Default', '9080', 'reviews.default'],
  ['80/10.0.0.1:80', '80', '10.0.0.1'],
  ['80/[fd00::1]:80', '80', '[fd00::1]'],
  ['80/_srv.example.com.', '80', '_srv.example.com.'],
])('%s is a host that can be asked for', (asked, table, host) => {
  expect(readAsked(asked)).toEqual({ table, host });
});

it.each([
  '80/*',
  '80/*.test',
  '80/',
  'reviews',
  '/reviews',
  '80/a b',
  '80/a/b',
  '80/a"b',
  '80/fd00::1',
  `80/${'a'.repeat(300)}`,
])('%s is none: it would match other hosts, or none at all', (asked) => {
  expect(readAsked(asked)).toBeUndefined();
});
