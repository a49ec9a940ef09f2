import { durationMs } from '@lateen/api/duration.ts';
import type { HTTPRoute } from '@lateen/api/kinds.ts';
import { defined } from '../defined.ts';
import { hashOf } from '../hash.ts';
import type { Session } from '../session.ts';
import type { Problem } from './conditions.ts';

export type SessionPersistence = NonNullable<NonNullable<HTTPRoute['spec']['rules']>[number]['sessionPersistence']>;

/**
 * A session is kept by what Envoy gives to the client and gets back. It ends earlier than the cookie or header only if the
 * endpoint goes, so that a lifetime is for permanent cookies alone.
 *
 * @param path of the field, in the object
 * @param owner tells the session from those of others, where it has no name
 * @param paths those that have the session and all below it; absent: all
 */
export function buildSession(
  { type = 'Cookie', sessionName = '', absoluteTimeout, cookieConfig = {} }: SessionPersistence,
  path: string,
  owner: string,
  paths?: string,
): { readonly session?: Session; readonly problems: readonly Problem[] } {
  const isPermanent = cookieConfig.lifetimeType === 'Permanent';
  if (absoluteTimeout !== undefined && !isPermanent) {
    const message = 'absoluteTimeout is supported for cookies with the lifetimeType Permanent only';
    const at = `${path}.absoluteTimeout`;
    return { problems: [{ type: 'Accepted', reason: 'UnsupportedValue', message, path: at }] };
  }
  const name = sessionName === '' ? `lateen-session-${hashOf(owner).toString(16)}` : sessionName;
  if (type === 'Header') return { session: { type: 'header', name: name.toLowerCase() }, problems: [] };
  const lifetimeMs = absoluteTimeout === undefined ? undefined : durationMs(absoluteTimeout);
  return {
    session: defined({ type: 'cookie' as const, name, lifetimeMs, path: paths }),
    problems: [],
  };
}
