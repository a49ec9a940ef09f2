import type { StringMatcher } from '@lateen/envoy-api/envoy/type/matcher/v3/string_pb.js';
import { Regex, RegexError } from '../regex/regex.ts';

/** A condition on a text, made ready to be asked often. */
export interface TextTest {
  /** `exactly "jason"` */
  readonly wanted: string;
  readonly matches: (text: string) => boolean;
}

/** What cannot be simulated of a condition, in words. */
export interface Undecidable {
  readonly undecidable: string;
}

export function isUndecidable(value: object): value is Undecidable {
  return 'undecidable' in value;
}

export function stringTest({ matchPattern, ignoreCase }: StringMatcher): TextTest | Undecidable {
  switch (matchPattern.case) {
    case 'exact':
    case 'prefix':
    case 'suffix':
    case 'contains':
      return plainTest(matchPattern.case, matchPattern.value, ignoreCase);
    case 'safeRegex':
      return regexTest(matchPattern.value.regex);
    case 'custom':
      return { undecidable: `the string matcher ${matchPattern.value.name}` };
    case undefined:
      return { undecidable: 'a string matcher without a pattern' };
  }
}

type PlainKind = 'exact' | 'prefix' | 'suffix' | 'contains';

const WANTED: Readonly<Record<PlainKind, string>> = {
  exact: 'exactly',
  prefix: 'something that starts with',
  suffix: 'something that ends with',
  contains: 'something that contains',
};

export function plainTest(kind: PlainKind, pattern: string, ignoreCase = false): TextTest {
  const wanted = `${WANTED[kind]} ${JSON.stringify(pattern)}${ignoreCase ? ' in any case' : ''}`;
  const compare = COMPARE[kind];
  if (!ignoreCase) return { wanted, matches: (text) => compare(text, pattern) };
  const lower = asciiLower(pattern);
  return { wanted, matches: (text) => compare(asciiLower(text), lower) };
}

const COMPARE: Readonly<Record<PlainKind, (text: string, pattern: string) => boolean>> = {
  exact: (text, pattern) => text === pattern,
  prefix: (text, pattern) => text.startsWith(pattern),
  suffix: (text, pattern) => text.endsWith(pattern),
  contains: (text, pattern) => text.includes(pattern),
};

/** As Envoy does: other letters keep their case. */
export function asciiLower(text: string): string {
  return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}

export function regexTest(pattern: string): TextTest | Undecidable {
  const regex = compiled(pattern);
  if (isUndecidable(regex)) return regex;
  return { wanted: `something that matches ${pattern}`, matches: (text) => regex.matches(text) };
}

export function compiled(pattern: string): Regex | Undecidable {
  try {
    return new Regex(pattern);
  } catch (error) {
    if (!(error instanceof RegexError)) throw error;
    return { undecidable: `the regular expression ${pattern}: ${error.message}` };
  }
}
