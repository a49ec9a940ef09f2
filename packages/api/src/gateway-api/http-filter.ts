import type * as z from 'zod/mini';
import { object, optional, type Report, required } from '../schema/field.ts';
import * as v from '../schema/values.ts';
import { headerName, pattern, preciseHostname, setUpTo, textUpTo } from './common.ts';
import { externalAuth } from './external-auth.ts';
import { checkFilter, checkRepeatedFilters } from './filter-rules.ts';
import { headerModifier } from './header-modifier.ts';
import { localObjectRef } from './references.ts';
import { requestMirror } from './request-mirror.ts';

export const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE', 'PATCH'] as const;

const pathModifier = object(
  {
    type: required(v.oneOf(['ReplaceFullPath', 'ReplacePrefixMatch']), 'What is replaced.'),
    replaceFullPath: optional(textUpTo(1024), 'For ReplaceFullPath: the new path.'),
    replacePrefixMatch: optional(textUpTo(1024), 'For ReplacePrefixMatch: what stands in place of the prefix.'),
  },
  { rules: checkFilter({ ReplaceFullPath: 'replaceFullPath', ReplacePrefixMatch: 'replacePrefixMatch' }) },
);

const requestRedirect = object({
  scheme: optional(v.oneOf(['http', 'https']), 'New scheme; that of the request by default.'),
  hostname: optional(preciseHostname(), 'New host; that of the request by default.'),
  path: optional(pathModifier, 'New path; that of the request by default.'),
  port: optional(
    v.port(),
    'New port. By default the usual one of the new scheme; without a new scheme, that of the listener.',
  ),
  statusCode: optional(v.oneOfNumbers([301, 302, 303, 307, 308]), 'Status of the answer; 302 by default.'),
});

const urlRewrite = object({
  hostname: optional(preciseHostname(), 'New Host header.'),
  path: optional(pathModifier, 'New path.'),
});

const ORIGIN = '(^\\*$)|(^(http(s)?):\\/\\/(((\\*\\.)?([a-zA-Z0-9\\-]+\\.)*[a-zA-Z0-9-]+|\\*)(:([0-9]{1,5}))?)$)';

const cors = object(
  {
    allowOrigins: optional(
      setUpTo(64, pattern(ORIGIN, 253, "an origin such as https://example.com, https://*.example.com or '*'")),
      'Origins whose scripts may call.',
    ),
    allowCredentials: optional(v.bool(), 'Whether they may send credentials; false by default.'),
    allowMethods: optional(setUpTo(9, v.oneOf([...METHODS, '*'])), 'Methods that they may use.'),
    allowHeaders: optional(setUpTo(64, headerName()), 'Headers that they may send.'),
    exposeHeaders: optional(setUpTo(64, headerName()), 'Headers of the answer that they may read.'),
    maxAge: optional(v.int(1), 'For how many seconds a browser may remember all this; 5 by default.'),
  },
  {
    rules(value, report) {
      for (const field of ['allowOrigins', 'allowMethods', 'allowHeaders'] as const) {
        const all: readonly string[] = value[field] ?? [];
        if (all.length > 1 && all.includes('*')) report("must not list others beside '*'", [field]);
      }
    },
  },
);

const FIELD_OF_TYPE = {
  RequestHeaderModifier: 'requestHeaderModifier',
  ResponseHeaderModifier: 'responseHeaderModifier',
  RequestMirror: 'requestMirror',
  RequestRedirect: 'requestRedirect',
  URLRewrite: 'urlRewrite',
  ExtensionRef: 'extensionRef',
  CORS: 'cors',
  ExternalAuth: 'externalAuth',
} as const;

const httpFilter = object(
  {
    type: required(
      v.oneOf(Object.keys(FIELD_OF_TYPE) as (keyof typeof FIELD_OF_TYPE)[]),
      'What the filter does; the field of the same name says more.',
    ),
    requestHeaderModifier: optional(headerModifier, 'Changes headers of the request.'),
    responseHeaderModifier: optional(headerModifier, 'Changes headers of the response.'),
    requestMirror: optional(requestMirror, 'Sends a copy of the request to another backend as well.'),
    requestRedirect: optional(requestRedirect, 'Answers that the client shall go elsewhere.'),
    urlRewrite: optional(urlRewrite, 'Changes host and path on the way to the backend.'),
    cors: optional(cors, 'Which scripts of other origins may call.'),
    externalAuth: optional(externalAuth, 'Asks another service whether the request may go on.'),
    extensionRef: optional(localObjectRef, 'A filter of an implementation.'),
  },
  { rules: checkFilter(FIELD_OF_TYPE) },
);

export const httpFilters = () => v.arrayUpTo(16, httpFilter);

export type HttpFilter = z.infer<typeof httpFilter>;

const ONCE: ReadonlySet<string> = new Set([
  ...['CORS', 'RequestHeaderModifier', 'ResponseHeaderModifier', 'RequestRedirect', 'URLRewrite'],
]);

/** Which filters may stand together in one list. */
export function checkHttpFilters(
  filters: readonly HttpFilter[],
  path: readonly (string | number)[],
  report: Report,
): void {
  checkRepeatedFilters(filters, ONCE, path, report);
  const rewrite = filters.findIndex(({ type }) => type === 'URLRewrite');
  if (rewrite >= 0 && filters.some(({ type }) => type === 'RequestRedirect')) {
    report('URLRewrite and RequestRedirect exclude each other', [...path, rewrite, 'type']);
  }
}
