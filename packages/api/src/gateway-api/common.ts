import type * as z from 'zod/mini';
import { annotate, checked, factsOf, forEachRepeated } from '../schema/field.ts';
import * as v from '../schema/values.ts';

const SUBDOMAIN = '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*';

/** A text that matches as a whole and is not too long: `what` completes "must be ...". */
export function pattern(source: string, maxLength: number, what: string) {
  const expression = new RegExp(source);
  const schema = v.syntax((text) => text.length <= maxLength && expression.test(text), what);
  const minLength = expression.test('') ? {} : { minLength: 1 };
  return annotate(schema, { openapi: { pattern: source, maxLength, ...minLength } });
}

/** A text of so many characters. */
export function textUpTo(maxLength: number, minLength: 0 | 1 = 0) {
  return checked(
    v.text(),
    (value) => {
      const { length } = [...value];
      if (length < minLength) return 'must not be empty';
      return length > maxLength ? `must have at most ${maxLength} characters, not ${length}` : undefined;
    },
    { maxLength, ...(minLength > 0 && { minLength }) },
  );
}

export function objectName() {
  return textUpTo(253, 1);
}

export function namespaceName() {
  return pattern(
    '^[a-z0-9]([-a-z0-9]*[a-z0-9])?$',
    63,
    "a name of at most 63 of a-z, 0-9 and '-', with a letter or digit at both ends",
  );
}

export function groupName() {
  return pattern(
    `^$|^${SUBDOMAIN}$`,
    253,
    'an API group such as gateway.networking.k8s.io, or empty for the core group',
  );
}

export function kindName() {
  return pattern('^[a-zA-Z]([-a-zA-Z0-9]*[a-zA-Z0-9])?$', 63, 'a kind such as Service');
}

/** Name of a listener, a port or a rule. */
export function sectionName() {
  return pattern(`^${SUBDOMAIN}$`, 253, "a name of a-z, 0-9, '-' and '.', with a letter or digit at both ends");
}

/** A host name in lower case, or one with a wildcard in place of its first part. */
export function hostname() {
  return pattern(
    `^(\\*\\.)?${SUBDOMAIN}$`,
    253,
    'a host name in lower case, or one with a wildcard as its first part, such as *.example.com',
  );
}

export function preciseHostname() {
  return pattern(`^${SUBDOMAIN}$`, 253, 'a host name in lower case, without wildcard');
}

export function controllerName() {
  return pattern(
    `^${SUBDOMAIN}\\/[A-Za-z0-9\\/\\-._~%!$&'()*+,;=:]+$`,
    253,
    'a name of the form DOMAIN/PATH, such as lateen.dev/gateway-controller',
  );
}

export function headerName() {
  return pattern("^[A-Za-z0-9!#$%&'*+\\-.^_\\x60|~]+$", 256, 'a header name of at most 256 characters');
}

export function headerValue() {
  return pattern(
    '^[!-~]+([\\t ][!-~]+)*$',
    4096,
    'a header value: visible ASCII characters, single spaces between them, at most 4096 in all',
  );
}

const DURATION = /^([0-9]{1,5}(h|m|s|ms)){1,4}$/;

/** Stricter than durations elsewhere: whole numbers, and no unit below milliseconds. */
export function duration() {
  const what = 'a duration of whole hours, minutes, seconds and milliseconds, such as 10s, 500ms or 1m30s';
  const schema = v.syntax((text) => DURATION.test(text), what);
  return annotate(schema, { openapi: { pattern: DURATION.source } });
}

/** Values for extensions of others, by name. */
export function options() {
  return mapUpTo(16, v.map(textUpTo(4096), v.syntax(isAnnotationKey, 'a key such as example.com/my-option')));
}

const ANNOTATION_KEY = new RegExp(`^(${SUBDOMAIN}/)?([A-Za-z0-9][-A-Za-z0-9_.]{0,61})?[A-Za-z0-9]$`);

/** A key of labels and annotations; what stands before the slash has less than 253 characters. */
export function isAnnotationKey(key: string): boolean {
  return ANNOTATION_KEY.test(key) && (key.split('/')[0] ?? '').length < 253;
}

/** A mapping of at most so many keys. */
export function mapUpTo<S extends z.ZodMiniType<Record<string, unknown>>>(maxProperties: number, schema: S): S {
  return checked(
    schema,
    (value) => {
      const { length } = Object.keys(value as Record<string, unknown>);
      return length > maxProperties ? `must have at most ${maxProperties} keys, not ${length}` : undefined;
    },
    { maxProperties },
  );
}

/** A list of one to so many elements. */
export function arrayOfOneTo<S extends z.ZodMiniType>(maxItems: number, element: S) {
  return checked(
    v.arrayUpTo(maxItems, element),
    (value) => (value.length === 0 ? 'must have at least one element' : undefined),
    { minItems: 1 },
  );
}

/** The list, of which no two elements may have the same key. */
export function distinct<S extends z.ZodMiniType<readonly unknown[]>>(
  schema: S,
  keyOf: (element: z.output<S>[number]) => string | undefined,
): S {
  const copy = schema.check((context) => {
    const elements = context.value as z.output<S>;
    forEachRepeated(elements, keyOf, (element, index) => {
      const message = `${v.quote(keyOf(element) ?? '')} is listed twice`;
      context.issues.push({ code: 'custom', input: context.value, path: [index], message, params: { rule: true } });
    });
  });
  return annotate(copy, factsOf(schema));
}

/** A list of at most so many elements, none of them twice. */
export function setUpTo<S extends z.ZodMiniType<string>>(maxItems: number, element: S) {
  return distinct(v.arrayUpTo(maxItems, element), String);
}

/** A list of at most so many elements that are told apart by their names. */
export function namedUpTo<S extends z.ZodMiniType<{ name: string }>>(maxItems: number, element: S) {
  return distinct(v.arrayUpTo(maxItems, element), (each) => (each as { name: string }).name);
}
