import { describe, expect, test } from 'vitest';
import {
  isDns1035Label,
  isDnsLabel,
  isDnsSubdomain,
  isHeaderName,
  isHost,
  isIpv4,
  isIpv6,
  isLabelValue,
  isPortName,
  isQualifiedName,
  isWildcardHost,
} from './names.ts';

const cases: [(text: string) => boolean, string[], string[]][] = [
  [isDnsLabel, ['a', 'a-1', '1a', 'a'.repeat(63)], ['', 'A', '-a', 'a-', 'a.b', 'a_b', 'a'.repeat(64)]],
  [isDns1035Label, ['a', 'a1'], ['1a', 'a.b', '']],
  [isDnsSubdomain, ['a', 'a.b-c.1'], ['', '.a', 'a..b', 'a.-b', 'A', 'a'.repeat(254)]],
  [
    isHost,
    ['reviews', 'a.b.svc.cluster.local', 'example.com.', 'A_b', '10.0.0.1'],
    ['', '.', '*.a', 'a b', 'a:80', 'http://a'],
  ],
  [isWildcardHost, ['*', '*.a', 'a.b'], ['*a', 'a.*', '**', '*.', '*.*.a']],
  [isIpv4, ['0.0.0.0', '255.255.255.255'], ['256.0.0.1', '1.2.3', '1.2.3.4.5', '01.2.3.04']],
  [isIpv6, ['::', '::1', '2001:db8::1', '::ffff:1.2.3.4'], [':', '1.2.3.4', '1::2::3', 'g::1', '::1]/']],
  [isQualifiedName, ['app', 'app.kubernetes.io/name', 'A_b.c'], ['', '-a', 'a/b/c', 'A.b/c', '/a', 'a/']],
  [isLabelValue, ['', 'a', 'A_1.b-c'], ['-a', 'a ', 'a/b', 'a'.repeat(64)]],
  [isPortName, ['http', 'a-1', '1a'], ['', '80', 'a--b', '-a', 'HTTP', 'a234567890123456']],
  [isHeaderName, ['end-user', 'X_1', 'a.b'], ['', 'a b', 'a:', 'é']],
];

describe.each(cases.map(([test, right, wrong]) => ({ name: test.name, test, right, wrong })))('$name', (each) => {
  test.each(each.right)('%j: yes', (text) => {
    expect(each.test(text)).toBe(true);
  });
  test.each(each.wrong)('%j: no', (text) => {
    expect(each.test(text)).toBe(false);
  });
});
