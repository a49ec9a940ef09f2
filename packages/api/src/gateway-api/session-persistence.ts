import { object, optional } from '../schema/field.ts';
import * as v from '../schema/values.ts';
import { duration, textUpTo } from './common.ts';

/** Requests of one session go to one endpoint. */
export const sessionPersistence = object(
  {
    type: optional(v.oneOf(['Cookie', 'Header']), 'What carries the session: a Cookie, the default, or a Header.'),
    sessionName: optional(textUpTo(128), 'Name of the cookie or header; chosen if it is left out.'),
    absoluteTimeout: optional(duration(), 'After which a session ends.'),
    cookieConfig: optional(
      object({
        lifetimeType: optional(
          v.oneOf(['Permanent', 'Session']),
          'Session, the default: the client forgets the cookie at its end. Permanent: the cookie lasts for absoluteTimeout.',
        ),
      }),
      'For the type Cookie.',
    ),
  },
  {
    rules({ type = 'Cookie', absoluteTimeout, cookieConfig }, report) {
      if (cookieConfig !== undefined && type !== 'Cookie') {
        report(`must not be set for the type ${type}`, ['cookieConfig']);
      }
      if (cookieConfig?.lifetimeType === 'Permanent' && absoluteTimeout === undefined) {
        report('must be set for cookies with the lifetimeType Permanent', ['absoluteTimeout']);
      }
    },
  },
);
