import { expect, test } from 'vitest';
import { inPrefix, parseIp } from './ip.ts';

test.each([
  ['10.1.2.3', '10.0.0.0', 8, true],
  ['10.1.2.3', '10.1.2.2', 31, true],
  ['10.1.2.3', '10.1.2.2', 32, false],
  ['10.1.2.3', '0.0.0.0', 0, true],
  ['fd00::1', 'fd00::', 64, true],
  ['fd00:1::1', 'fd00::', 32, false],
  ['1:2:3:4:5:6:7:8', '1:2:3:4::', 64, true],
  ['10.0.0.1', '::', 0, false],
])('%s in %s/%i: %s', (address, prefix, length, expected) => {
  const [ip, start] = [parseIp(address), parseIp(prefix)];
  if (ip === undefined || start === undefined) throw new Error('no address');
  expect(inPrefix(ip, start, length)).toBe(expected);
});

test.each(['a.b.c.d', '1.2.3', '1.2.3.256', '1:2', '::1::', '1:2:3:4:5:6:7:8:9', 'x::', ''])(
  '%s is no address',
  (text) => {
    expect(parseIp(text)).toBe(undefined);
  },
);
