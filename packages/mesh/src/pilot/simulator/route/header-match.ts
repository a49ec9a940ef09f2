import type { HeaderMatcher } from '@lateen/envoy-api/envoy/config/route/v3/route_components_pb.js';
import { headerValue } from '../http/request.ts';
import { type Condition, undecidableCondition } from './condition.ts';
import { isUndecidable, plainTest, regexTest, stringTest, type TextTest, type Undecidable } from './string-match.ts';

/** A header that is missing fulfils no condition on its value, not even an inverted one, unless it counts as empty. */
export function headerCondition(matcher: HeaderMatcher): Condition {
  const name = matcher.name.toLowerCase();
  const { headerMatchSpecifier: specifier, invertMatch, treatMissingHeaderAsEmpty } = matcher;
  const label = headerLabel(name);
  if (specifier.case === 'presentMatch' || specifier.case === undefined) {
    return presence(name, label, (specifier.value ?? true) !== invertMatch);
  }
  const test = valueTest(specifier);
  if (isUndecidable(test)) return undecidableCondition(`${label}: ${test.undecidable}`);
  const wanted = invertMatch ? `anything but ${test.wanted}` : test.wanted;
  return {
    words: `${label} ${wanted}`,
    check(request) {
      const value = headerValue(request, name);
      if (value === undefined && !treatMissingHeaderAsEmpty) return `${label} is not there, wanted ${wanted}`;
      if (test.matches(value ?? '') !== invertMatch) return undefined;
      return `${label} is ${value === undefined ? 'not there' : JSON.stringify(value)}, wanted ${wanted}`;
    },
  };
}

function presence(name: string, label: string, wanted: boolean): Condition {
  return {
    words: wanted ? `${label} present` : `no ${label}`,
    check(request) {
      if ((headerValue(request, name) !== undefined) === wanted) return undefined;
      return wanted ? `${label} is not there` : `${label} is there, wanted none`;
    },
  };
}

type Specifier = Exclude<HeaderMatcher['headerMatchSpecifier'], { case: 'presentMatch' | undefined }>;

function valueTest(specifier: Specifier): TextTest | Undecidable {
  switch (specifier.case) {
    case 'stringMatch':
      return stringTest(specifier.value);
    case 'exactMatch':
      return plainTest('exact', specifier.value);
    case 'prefixMatch':
      return plainTest('prefix', specifier.value);
    case 'suffixMatch':
      return plainTest('suffix', specifier.value);
    case 'containsMatch':
      return plainTest('contains', specifier.value);
    case 'safeRegexMatch':
      return regexTest(specifier.value.regex);
    case 'rangeMatch': {
      const { start, end } = specifier.value;
      return {
        wanted: `a number from ${start} to less than ${end}`,
        matches: (text) => /^[+-]?\d{1,19}$/.test(text.trim()) && BigInt(text) >= start && BigInt(text) < end,
      };
    }
  }
}

/** What people call it. */
export function headerLabel(name: string): string {
  switch (name) {
    case ':method':
      return 'method';
    case ':authority':
    case 'host':
      return 'host';
    case ':scheme':
      return 'scheme';
    case ':path':
      return 'path with query';
    default:
      return `header ${name}`;
  }
}
