import { durationMs } from '../duration.ts';
import { isHeaderName } from '../names.ts';
import { checked, object, optional } from '../schema/field.ts';
import * as v from '../schema/values.ts';
import { stringMatch } from './common.ts';

/** Methods and header names are the same kind of word (RFC 9110, section 5.6.2). */
const words = (what: string) => v.array(v.syntax(isHeaderName, what));

export const corsPolicy = object(
  {
    allowOrigins: optional(v.array(stringMatch), 'Origins that may call; an exact * is any.'),
    allowOrigin: optional(v.array(v.nonEmpty()), 'Deprecated: origins as plain text; write allowOrigins.'),
    allowMethods: optional(words('an HTTP method, or *'), 'Methods that they may use.'),
    allowHeaders: optional(words('a header name, or *'), 'Headers that they may send.'),
    exposeHeaders: optional(words('a header name, or *'), 'Headers of answers that they may read.'),
    maxAge: optional(
      checked(v.duration(), (value) => ((durationMs(value) ?? 0) % 1000 === 0 ? undefined : 'must be whole seconds')),
      'How long browsers may keep the answer to a preflight.',
    ),
    allowCredentials: optional(v.bool(), 'Whether they may send cookies and other credentials.'),
    unmatchedPreflights: optional(
      v.oneOf(['UNSPECIFIED', 'FORWARD', 'IGNORE']),
      'Preflights of other origins: FORWARD sends them on (the default), IGNORE answers them here, without permission.',
    ),
  },
  { atMostOne: [['allowOrigins', 'allowOrigin']] },
);
