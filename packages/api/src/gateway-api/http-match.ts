import type * as z from 'zod/mini';
import { regexProblem } from '../re2-syntax.ts';
import { object, optional, type Report, required } from '../schema/field.ts';
import * as v from '../schema/values.ts';
import { headerName, headerValue, namedUpTo, textUpTo } from './common.ts';
import { METHODS } from './http-filter.ts';

/** A value that is a regular expression must be one. */
export function checkRegex(
  { type, value }: { readonly type?: string; readonly value?: string },
  report: Report,
  field = 'value',
): void {
  if (type !== 'RegularExpression' || value === undefined) return;
  const problem = regexProblem(value);
  if (problem !== undefined) report(`is not a valid RE2 regular expression: ${problem}`, [field]);
}

export const valueMatchType = optional(
  v.oneOf(['Exact', 'RegularExpression']),
  'Exact, the default, or RegularExpression: RE2 syntax, the whole value must match.',
);

const PATH_CHARACTERS = /^(?:[-A-Za-z0-9/._~!$&'()*+,;=:@]|%[0-9a-fA-F]{2})+$/;

const pathMatch = object(
  {
    type: optional(
      v.oneOf(['Exact', 'PathPrefix', 'RegularExpression']),
      'PathPrefix, the default: the path starts with these elements. Exact: it is this one. RegularExpression: RE2 syntax, the whole path must match.',
    ),
    value: optional(textUpTo(1024), 'The path, without query; / by default.'),
  },
  {
    rules({ type = 'PathPrefix', value = '/' }, report) {
      if (type === 'RegularExpression') {
        checkRegex({ type, value }, report);
        return;
      }
      if (!value.startsWith('/')) report("must start with '/'", ['value']);
      const wrong = ['//', '/./', '/../', '%2f', '%2F', '#'].find((part) => value.includes(part));
      if (wrong !== undefined) report(`must not contain '${wrong}'`, ['value']);
      const end = ['/..', '/.'].find((part) => value.endsWith(part));
      if (end !== undefined) report(`must not end with '${end}'`, ['value']);
      if (wrong === undefined && !PATH_CHARACTERS.test(value)) {
        report('has characters that a path must not have; write them as %XX', ['value']);
      }
    },
  },
);

const headerMatch = object(
  {
    type: valueMatchType,
    name: required(headerName(), 'Name of the header, in any case.'),
    value: required(headerValue(), 'Value that it must have.'),
  },
  { rules: (match, report) => checkRegex(match, report) },
);

const queryParamMatch = object(
  {
    type: valueMatchType,
    name: required(headerName(), 'Name of the parameter.'),
    value: required(textUpTo(1024, 1), 'Value that it must have.'),
  },
  { rules: (match, report) => checkRegex(match, report) },
);

export const httpMatch = object({
  path: optional(pathMatch, 'Path of the request; all of them by default.'),
  headers: optional(namedUpTo(16, headerMatch), 'Headers that the request must have, all of them.'),
  queryParams: optional(namedUpTo(16, queryParamMatch), 'Parameters that its query must have, all of them.'),
  method: optional(v.oneOf(METHODS), 'Method of the request; any by default.'),
});

export type HttpMatch = z.infer<typeof httpMatch>;
