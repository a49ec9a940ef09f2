import { describe, expect, test } from 'vitest';
import { Regex, RegexError } from './regex.ts';

describe('the whole text matches', () => {
  test.each([
    ['a', 'a', true],
    ['a', 'ab', false],
    ['', '', true],
    ['/[a-c]+/\\d{2,3}', '/abc/123', true],
    ['/[a-c]+/\\d{2,3}', '/abc/1234', false],
    ['a|ab', 'ab', true],
    ['(a|b)*c', 'ababc', true],
    ['.*', 'a\nb', false],
    ['(?s).*', 'a\nb', true],
    ['(?i)straße', 'STRAßE', true],
    ['(?i)k', '\u212a', true],
    ['(?i)[^k]', 'K', false],
    ['a(?i)b|c', 'aB', true],
    ['a(?i)b|c', 'C', true],
    ['a(?i)b|c', 'AB', false],
    ['a(?i:b)c', 'aBC', false],
    ['(?i)a(?-i)b', 'Ab', true],
    ['(?i)a(?-i)b', 'AB', false],
    ['\\Aab\\z', 'ab', true],
    ['a\\z\\n', 'a\n', false],
    ['(?m)a$\\n^b', 'a\nb', true],
    ['a$\\nb', 'a\nb', false],
    ['\\Qa.b*\\E+', 'a.b**', true],
    ['\\Qa.b', 'a.b', true],
    ['[[:alpha:]_]+', 'ab_', true],
    ['[[:^digit:]]', '1', false],
    ['[]a]+', ']a', true],
    ['[^]a]', ']', false],
    ['[a\\-z]+', 'a-z', true],
    ['[a-]+', 'a-', true],
    ['[\\d.]+', '1.2', true],
    ['(?P<name>a)(?<other>b)', 'ab', true],
    ['a{,2}', 'a{,2}', true],
    ['a{2}', 'aa', true],
    ['(a{0,2}){2}', 'aaaa', true],
    ['\\s', '\v', false],
    ['[[:space:]]', '\v', true],
    ['\\s', '\u00a0', false],
    ['\\w+', 'aé', false],
    ['\\p{Greek}\\pL\\PL', 'αb1', true],
    ['\\p{^Greek}', 'α', false],
    ['\\x41\\x{1F600}\\101', 'A\u{1F600}A', true],
    ['.', '\u{1F600}', true],
    ['a\\b.*', 'a b', true],
    ['a\\B.*', 'a b', false],
    ['(?U)a*', 'aaa', true],
    ['^/a/?(.*)$', '/a', true],
    ['x*', 'x'.repeat(100), true],
    ['(a*)*b', 'a'.repeat(5000), false],
  ])('%s: %s: %s', (pattern, text, expected) => {
    expect(new Regex(pattern).matches(text)).toBe(expected);
  });
});

describe('replaceAll', () => {
  test.each([
    ['a', 'banana', 'x', 'bxnxnx'],
    ['a*', 'baaac', 'x', 'xbxcx'],
    ['^/users/([^/]+)/(.*)$', '/users/ann/orders/7', '/\\2/of/\\1', '/orders/7/of/ann'],
    ['(a)|(b)', 'ab', '[\\1\\2]', '[a][b]'],
    ['a+?', 'aaa', 'x', 'xxx'],
    ['(?U)a+', 'aa', 'x', 'xx'],
    ['a|ab', 'abab', 'x', 'xbxb'],
    ['(a+)(a+)', 'aaaa', '\\1-\\2', 'aaa-a'],
    ['(a+?)(a+)', 'aaaa', '\\1-\\2', 'a-aaa'],
    ['b', 'abc', '\\0\\0\\\\', 'abb\\c'],
    ['nothing', 'abc', 'x', 'abc'],
    ['', 'ab', '-', '-a-b-'],
    ['o', 'föo', 'x', 'föx'],
  ])('%s in %s by %s: %s', (pattern, text, substitution, expected) => {
    expect(new Regex(pattern).replaceAll(text, substitution)).toBe(expected);
  });
});

test.each([
  ['(?=a)', 'not one of RE2'],
  ['(a', 'not closed'],
  ['a)', "without a '('"],
  ['[a', 'too early'],
  ['a**', 'repeats a repetition'],
  ['*a', 'nothing to repeat'],
  ['\\C', 'single byte'],
  ['\\pXY', undefined],
  ['\\p{Nowhere}', 'no Unicode class'],
  ['[[:nothing:]]', 'no class'],
  ['a{1001}', 'not possible'],
  ['\\y', 'no escape'],
  ['[b-a]', 'wrong way round'],
  ['((a{100}){100}){100}', 'too large'],
])('%s is refused', (pattern, message) => {
  if (message === undefined) expect(() => new Regex(pattern)).toThrow(RegexError);
  else expect(() => new Regex(pattern)).toThrow(message);
});
