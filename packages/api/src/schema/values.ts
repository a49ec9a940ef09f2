/** The leaf types that fields are made of, each with its check, its message and its OpenAPI form. */
import * as z from 'zod/mini';
import { durationMs } from '../duration.ts';
import * as names from '../names.ts';
import { regexProblem } from '../re2-syntax.ts';
import { annotate, checked, list } from './field.ts';

const DURATION = 'a duration such as 3s, 250ms or 1.5h';
const MAX_DURATION_LENGTH = 64;

export function text() {
  return z.string();
}

export function bool() {
  return z.boolean();
}

/** A text that no message may quote. */
export function secretText() {
  return annotate(z.string(), { secret: true });
}

/** A text that is not empty. */
export function nonEmpty() {
  return checked(z.string(), (value) => (value === '' ? 'must not be empty' : undefined), { minLength: 1 });
}

/** A text with a syntax: `what` completes "must be ...". */
export function syntax(valid: (value: string) => boolean, what: string) {
  const schema = checked(z.string(), (value) => (valid(value) ? undefined : `must be ${what}, not ${quote(value)}`));
  return annotate(schema, { syntax: { what, valid } });
}

/** A whole number within bounds, both included. */
export function int(minimum: number, maximum: number = 2_147_483_647) {
  return checked(
    z.number(),
    (value) => {
      if (!Number.isInteger(value)) return `must be a whole number, not ${value}`;
      if (value >= minimum && value <= maximum) return undefined;
      return maximum === 2_147_483_647
        ? `must be ${minimum} or more, not ${value}`
        : `must be from ${minimum} to ${maximum}, not ${value}`;
    },
    { type: 'integer', minimum, ...(maximum !== 2_147_483_647 && { maximum }) },
  );
}

/** One of these whole numbers. */
export function oneOfNumbers(values: readonly number[]) {
  return checked(
    z.number(),
    (value) => (values.includes(value) ? undefined : `must be ${list(values.map(String), 'or')}, not ${value}`),
    { type: 'integer', enum: values },
  );
}

/** 0 to 4294967295. */
export function uint32() {
  return int(0, 4_294_967_295);
}

export function port() {
  return int(1, 65_535);
}

/** A number, whole or not, within bounds. */
export function double(minimum: number, maximum: number) {
  return checked(
    z.number(),
    (value) =>
      value >= minimum && value <= maximum ? undefined : `must be from ${minimum} to ${maximum}, not ${value}`,
    { format: 'double', minimum, maximum },
  );
}

/** A duration of at least one millisecond, in Go's syntax. */
export function duration() {
  const valid = (value: string) => value.length <= MAX_DURATION_LENGTH && (durationMs(value) ?? 0) >= 1;
  const schema = checked(
    z.string(),
    (value) => {
      if (valid(value)) return undefined;
      return durationMs(value) === undefined || value.length > MAX_DURATION_LENGTH
        ? `must be ${DURATION}, not ${quote(value)}`
        : `must be at least 1ms, not ${quote(value)}`;
    },
    {
      // An API server adds up what rules could cost, by the longest value: without a bound there are too many of these.
      maxLength: MAX_DURATION_LENGTH,
      'x-kubernetes-validations': [
        { rule: "duration(self) >= duration('1ms')", message: 'must be a duration of at least 1ms' },
      ],
    },
  );
  return annotate(schema, { syntax: { what: DURATION, valid } });
}

/** As `duration`, but zero is allowed. */
export function durationOrZero() {
  return syntax((value) => durationMs(value) !== undefined, DURATION);
}

/** One of the values. Those in `laterValues` are known but refused for now, with what they belong to. */
export function oneOf<const V extends string>(values: readonly V[], laterValues: Partial<Record<V, string>> = {}) {
  return annotate(z.enum(values), { laterValues: laterValues as Record<string, string> });
}

/** A regular expression in RE2's syntax, the one Envoy uses. The field says whether it must match the whole value. */
export function nonEmptyRegex() {
  return checked(nonEmpty(), (value) => {
    const problem = regexProblem(value);
    return problem === undefined ? undefined : `is not a valid RE2 regular expression: ${problem}`;
  });
}

export function array<S extends z.core.$ZodType>(element: S) {
  return z.array(element);
}

/** A list with at least one element. */
export function nonEmptyArray<S extends z.ZodMiniType>(element: S) {
  return checked(z.array(element), (value) => (value.length === 0 ? 'must have at least one element' : undefined), {
    minItems: 1,
  });
}

/** A list of at most so many elements. */
export function arrayUpTo<S extends z.ZodMiniType>(maxItems: number, element: S) {
  return checked(
    z.array(element),
    (value) => (value.length > maxItems ? `must have at most ${maxItems} elements, not ${value.length}` : undefined),
    { maxItems },
  );
}

/** Any keys, each with a value of the given type. */
export function map<S extends z.core.$ZodType>(value: S, key = z.string()) {
  return z.record(key, value);
}

/** Anything; kept as it is. For parts of Kubernetes objects that Lateen does not look into. */
export function anything() {
  return annotate(z.unknown(), { openapi: { 'x-kubernetes-preserve-unknown-fields': true } });
}

/** Any object; kept as it is. */
export function anyObject() {
  return annotate(z.record(z.string(), z.unknown()), {
    openapi: { 'x-kubernetes-preserve-unknown-fields': true },
  });
}

/** A port number or the name of a port. */
export function portOrName() {
  const schema = checked(z.union([z.number(), z.string()]), (value) => {
    if (typeof value === 'number') {
      return Number.isInteger(value) && value >= 1 && value <= 65_535
        ? undefined
        : `must be from 1 to 65535, not ${value}`;
    }
    if (names.isPortName(value)) return undefined;
    const hint = /^\d+$/.test(value) ? '; for a port number leave out the quotes' : '';
    return `must be a port number, or a port name of at most 15 of a-z, 0-9 and '-' with a letter${hint}`;
  });
  return annotate(schema, { openapi: { 'x-kubernetes-int-or-string': true } });
}

export function dnsLabel() {
  return syntax(names.isDnsLabel, "a name of at most 63 of a-z, 0-9 and '-', with a letter or digit at both ends");
}

export function dnsSubdomain() {
  return syntax(names.isDnsSubdomain, "a name of a-z, 0-9, '-' and '.', with a letter or digit at both ends");
}

export function portName() {
  return syntax(names.isPortName, "a port name of at most 15 of a-z, 0-9 and '-' with a letter");
}

/** A host name, without wildcard. */
export function host() {
  return syntax(names.isHost, 'a host name such as reviews or reviews.default.svc.cluster.local');
}

/** A host name or an IP address. */
export function hostOrIp() {
  return syntax((value) => names.isHost(value) || names.isIp(value), 'a host name or an IP address');
}

/** A host name, or one with a wildcard in the first place. */
export function wildcardHost() {
  return syntax(
    names.isWildcardHost,
    "a host name; a wildcard is '*' alone or the whole first part, as in *.example.com",
  );
}

export function headerName() {
  return syntax(names.isHeaderName, 'a header name');
}

/** Labels, or a selector of labels. */
export function labels() {
  return map(
    syntax(
      names.isLabelValue,
      "a label value: at most 63 of letters, digits, '-', '_' and '.', a letter or digit at both ends",
    ),
    syntax(names.isQualifiedName, 'a label key such as app or example.com/app'),
  );
}

/** Annotations: keys as for labels, values free. */
export function annotations() {
  return map(z.string(), syntax(names.isQualifiedName, 'an annotation key such as owner or example.com/owner'));
}

/** A value as a user would write it, cut if it is long. */
export function quote(value: string): string {
  return `'${value.length > 60 ? `${value.slice(0, 57)}...` : value}'`;
}

/** Exactly this text. */
export function literal<const T extends string>(value: T) {
  return z.literal(value);
}
