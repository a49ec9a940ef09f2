import { checked, object, optional, required } from '../schema/field.ts';
import * as v from '../schema/values.ts';

/** 1 MiB, as in Istio: a body stands in the route table of every proxy. */
export const MAX_DIRECT_BODY_BYTES = 1_048_576;

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

export const httpRedirect = object(
  {
    uri: optional(v.text(), 'Replaces the whole path; the query stays.'),
    prefixRewrite: optional(v.text(), 'Replaces the part of the path that `uri.prefix` of the match matched.'),
    authority: optional(v.text(), 'Replaces the host.'),
    port: optional(v.port(), 'Replaces the port.'),
    derivePort: optional(
      v.oneOf(['FROM_PROTOCOL_DEFAULT', 'FROM_REQUEST_PORT']),
      'Takes the port from the scheme (80, 443), or keeps the one of the request.',
    ),
    scheme: optional(v.oneOf(['http', 'https']), 'Replaces the scheme.'),
    redirectCode: optional(
      checked(v.int(300, 399), (code) =>
        [301, 302, 303, 307, 308].includes(code) ? undefined : `must be 301, 302, 303, 307 or 308, not ${code}`,
      ),
      'Status of the response: 301 (the default), 302, 303, 307 or 308.',
    ),
  },
  {
    atMostOne: [
      ['port', 'derivePort'],
      ['uri', 'prefixRewrite'],
    ],
    rules(redirect, report) {
      const { authority = '' } = redirect;
      const own = /:\d+$/.exec(authority.slice(authority.lastIndexOf(']') + 1))?.[0];
      for (const field of ['port', 'derivePort'] as const) {
        if (own !== undefined && redirect[field] !== undefined)
          report(`must not be set where authority has a port: two would stand in the Location (${own} is the first)`, [
            field,
          ]);
      }
      if (Object.keys(redirect).length === 0)
        report('must set at least one of uri, prefixRewrite, authority, port, scheme or redirectCode');
    },
  },
);

const tooLong = (bytes: number) =>
  bytes > MAX_DIRECT_BODY_BYTES ? `must have at most ${MAX_DIRECT_BODY_BYTES} bytes, not ${bytes}` : undefined;

export const directResponse = object({
  status: required(v.int(200, 599), 'HTTP status to answer with.'),
  body: optional(
    object(
      {
        string: optional(
          checked(v.text(), (body) => tooLong(new TextEncoder().encode(body).length)),
          'Body as text.',
        ),
        bytes: optional(
          checked(v.text(), (body) => (BASE64.test(body) ? tooLong((body.length * 3) / 4) : 'must be base64')),
          'Body as base64.',
        ),
      },
      { exactlyOne: ['string', 'bytes'] },
    ),
    'Body to answer with; none by default. Its type is said in headers.response.',
  ),
});
