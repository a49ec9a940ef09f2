import { expect, test } from 'vitest';
import { isInSubnet } from './address.ts';

test.each<[address: string, subnet: string, isIn: boolean]>([
  ['10.1.2.3', '10.1.0.0/16', true],
  ['10.2.2.3', '10.1.0.0/16', false],
  ['10.1.2.3', '10.1.2.3', true],
  ['10.1.2.4', '10.1.2.3', false],
  ['10.1.2.4', '10.1.2.3/31', false],
  ['10.1.2.2', '10.1.2.3/31', true],
  ['10.1.2.3', '0.0.0.0/0', true],
  ['2001:db8::1', '2001:db8::/32', true],
  ['2001:db9::1', '2001:db8::/32', false],
  ['::1', '::1', true],
  ['::ffff:10.1.2.3', '::ffff:10.1.0.0/112', true],
  ['10.1.2.3', '::/0', false],
  ['::1', '0.0.0.0/0', false],
])('%s in %s: %s', (address, subnet, isIn) => {
  expect(isInSubnet(address, subnet)).toBe(isIn);
});
