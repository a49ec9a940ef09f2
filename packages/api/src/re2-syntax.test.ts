import { expect, test } from 'vitest';
import { regexProblem } from './re2-syntax.ts';

test.each([
  '',
  'a|b|',
  '()',
  '(?:a)(?P<n>b)(?<m>c)(?i)d(?i-s:e)(?-i)',
  'a*?b+?c??d{2}e{2,}?f{2,3}',
  'a{', // not a repetition: stands for itself
  'a{,2}',
  '^$\\b\\B\\A\\z',
  '[a-z]',
  '[]a]',
  '[^]a]',
  '[a-]',
  '[\\]\\d-]',
  '[[:alpha:]_]',
  '[\\w.-]+',
  '\\d\\D\\s\\S\\w\\W\\.\\/\\-\\x41\\x{1F600}\\pN\\p{Greek}\\P{^Lu}',
  '\\012',
  '\\Qa(b\\E*',
  '/api/v[0-9]+/(users|groups)/.*',
])('%j is RE2', (pattern) => {
  expect(regexProblem(pattern)).toBeUndefined();
});

test.each([
  ['(a', "a '(' is not closed"],
  ['a)', "unexpected ')' at character 2"],
  ['[a', "a '[' is not closed"],
  ['[z-a]', "'z-a' has its bounds the wrong way round"],
  ['*a', "nothing to repeat before '*' at character 1"],
  ['a|*', "nothing to repeat before '*' at character 3"],
  ['(+a)', "nothing to repeat before '+' at character 2"],
  ['a**', "'*' repeats a repetition at character 3"],
  ['a++', "'+' repeats a repetition at character 3"],
  ['a{2}{3}', "'{3}' repeats a repetition at character 5"],
  ['a{1001}', '{1001} repeats more than 1000 times'],
  ['a{3,2}', '{3,2} has its bounds the wrong way round'],
  ['(?=a)', "look-around such as '(?=' is not supported by RE2"],
  ['(?!a)', "look-around such as '(?!' is not supported by RE2"],
  ['(?<=a)', "look-around such as '(?<=' is not supported by RE2"],
  ['(?<!a)', "look-around such as '(?<!' is not supported by RE2"],
  ['(?>a)', "unknown group '(?>'"],
  ['(?#note)', "unknown group '(?#'"],
  ['(a)\\1', "back references such as '\\1' are not supported by RE2"],
  ['(?P<a>b)(?P=a)', "back references such as '(?P=' are not supported by RE2"],
  ['\\k<a>', "back references such as '\\k' are not supported by RE2"],
  ['\\y', "unknown escape '\\y'"],
  ['\\x4', "'\\x' needs two hexadecimal digits"],
  ['\\p', "'\\p' needs the name of a class"],
  ['a\\', 'it ends with a backslash'],
])('%j is not: %s', (pattern, problem) => {
  expect(regexProblem(pattern)).toBe(problem);
});
