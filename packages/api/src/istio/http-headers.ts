import { formatProblem } from '../envoy-format.ts';
import { isHeaderName } from '../names.ts';
import { checked, object, optional } from '../schema/field.ts';
import * as v from '../schema/values.ts';

/** Envoy's own limit. */
const MAX_VALUE_LENGTH = 16_384;

/** The header by which HTTP/1 says the host, and that by which HTTP/2 does. */
const AUTHORITY = ['host', ':authority'];

function isAuthority(name: string): boolean {
  return AUTHORITY.includes(name.toLowerCase());
}

const headerValue = checked(v.text(), (value) => {
  if (/[\0\r\n]/.test(value)) return 'must not have line ends or NUL in it';
  if (value.length > MAX_VALUE_LENGTH) return `must have at most ${MAX_VALUE_LENGTH} characters, not ${value.length}`;
  return formatProblem(value);
});

const requestHeaderName = v.syntax((name) => isHeaderName(name) || name === ':authority', 'a header name');
const responseHeaderName = v.syntax((name) => isHeaderName(name) && !isAuthority(name), 'the name of another header');
const removedHeaderName = v.syntax(
  (name) => isHeaderName(name) && !isAuthority(name),
  'a header name; the host cannot be removed',
);

const VALUES = 'Values may use what Envoy knows of the request, as %REQ(x-user)%; %% is a percent sign.';

const requestOperations = object(
  {
    set: optional(
      v.map(headerValue, requestHeaderName),
      `Overwrites these headers. ${VALUES} \`host\` replaces the host, as rewrite.authority does.`,
    ),
    add: optional(v.map(headerValue, requestHeaderName), 'Adds these values to those that the headers have.'),
    remove: optional(v.array(removedHeaderName), 'Removes these headers.'),
  },
  {
    rules(operations, report) {
      const hosts = (['set', 'add'] as const).flatMap((field) =>
        Object.entries(operations[field] ?? {}).flatMap(([name, value]) =>
          isAuthority(name) ? [{ field, name, value }] : [],
        ),
      );
      for (const { field, name, value } of hosts) {
        if (value === '' || value.includes('%')) report('must be a host, written out', [field, name]);
      }
      const second = hosts[1];
      if (second !== undefined) report('replaces the host a second time', [second.field, second.name]);
    },
  },
);

const responseOperations = object({
  set: optional(v.map(headerValue, responseHeaderName), `Overwrites these headers. ${VALUES}`),
  add: optional(v.map(headerValue, responseHeaderName), 'Adds these values to those that the headers have.'),
  remove: optional(v.array(removedHeaderName), 'Removes these headers.'),
});

export const headers = object({
  request: optional(requestOperations, 'Changes to the request before it is sent on.'),
  response: optional(responseOperations, 'Changes to the response before it is returned.'),
});
