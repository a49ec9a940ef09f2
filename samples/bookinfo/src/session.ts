// Who is signed in: a name in a cookie, signed so that it cannot be made up. There are no passwords in the sample.

import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { fatal, HttpError } from './service.ts';

const cookieName = 'session';
const lifetimeMs = 12 * 60 * 60 * 1000;
const maxNameLength = 64;
const minKeyLength = 16;

const key = sessionKey();

/** The Set-Cookie value that signs `user` in. */
export function signInCookie(user: string): string {
  const payload = `${Date.now() + lifetimeMs}.${Buffer.from(user, 'utf8').toString('base64url')}`;
  const value = `${payload}.${sign(payload).toString('base64url')}`;
  return `${cookieName}=${value}; Path=/; HttpOnly; SameSite=Lax; Max-Age=${lifetimeMs / 1000}`;
}

export function signOutCookie(): string {
  return `${cookieName}=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0`;
}

/** The user whom a request's Cookie header names, if its signature is right and it has not expired. */
export function signedInUser(cookieHeader: string | undefined): string | undefined {
  for (const cookie of cookieHeader?.split(';') ?? []) {
    const text = cookie.trim();
    if (!text.startsWith(`${cookieName}=`)) continue;
    const user = verify(text.slice(cookieName.length + 1));
    if (user !== undefined) return user;
  }
  return undefined;
}

/** Checks a name that somebody typed. It will be sent as a header, so control characters are refused. */
export function parseUserName(text: string): string {
  const name = text.trim();
  if (name === '') throw new HttpError(400, 'Type a user name to sign in, for example jason.');
  if (name.length > maxNameLength) throw new HttpError(400, `A user name has at most ${maxNameLength} characters.`);
  if (/\p{Cc}/u.test(name)) throw new HttpError(400, 'A user name cannot hold control characters.');
  return name;
}

function verify(value: string): string | undefined {
  const [expires = '', name = '', signature = '', ...rest] = value.split('.', 4);
  if (rest.length > 0) return undefined;
  const given = Buffer.from(signature, 'base64url');
  const expected = sign(`${expires}.${name}`);
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) return undefined;
  return Number(expires) > Date.now() ? Buffer.from(name, 'base64url').toString('utf8') : undefined;
}

function sign(payload: string): Buffer {
  return createHmac('sha256', key).update(payload).digest();
}

/** SESSION_KEY lets several replicas, and the next process, accept each other's sessions. */
function sessionKey(): string | Buffer {
  const configured = process.env.SESSION_KEY;
  if (configured === undefined || configured === '') return randomBytes(32);
  if (configured.length < minKeyLength) fatal(`SESSION_KEY must have at least ${minKeyLength} characters.`);
  return configured;
}
