import { createHash, timingSafeEqual } from 'node:crypto';
import { AdminError } from './admin-error.ts';

/**
 * The admin server listens on loopback only, yet every page that a browser on this machine shows can send it requests.
 * Three things stand against that: the Host header must be a loopback name (a rebound DNS name is not), an Origin must
 * be our own, and whatever changes the mesh needs the token, which only a file with mode 0600 holds.
 */
const loopbackHost = /^(?:localhost|127\.0\.0\.1|\[::1\])(?::\d{1,5})?$/i;

export function checkHost(host: string | undefined): void {
  if (host !== undefined && loopbackHost.test(host)) return;
  throw new AdminError(
    421,
    'LAT0541',
    'The Host header does not name this server.',
    'Use http://localhost, http://127.0.0.1 or http://[::1] with the port of the admin address.',
  );
}

/** Requests without an Origin do not come from a script of another site: no browser sends them that way. */
export function checkOrigin(origin: string | undefined, host: string): void {
  if (origin === undefined || origin.toLowerCase() === `http://${host.toLowerCase()}`) return;
  throw new AdminError(
    403,
    'LAT0542',
    'Pages of other origins may not use the admin API.',
    'Call it without a browser.',
  );
}

export function checkToken(authorization: string | undefined, token: string): void {
  const given = authorization?.match(/^Bearer +(\S+)$/i)?.[1];
  if (given !== undefined && equalInConstantTime(given, token)) return;
  throw new AdminError(
    401,
    'LAT0543',
    given === undefined ? 'This request needs a token.' : 'The token is wrong.',
    'Send "Authorization: Bearer TOKEN" with the token of the mesh file, as the lateen command does.',
  );
}

/** Hashing first makes both of one length, so that not even the length of the secret can be measured. */
function equalInConstantTime(a: string, b: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}

/** Sent with every answer. `contentSecurityPolicy` is the page's own, or forbids everything. */
export function securityHeaders(contentSecurityPolicy = "default-src 'none'; frame-ancestors 'none'") {
  return {
    'Content-Security-Policy': contentSecurityPolicy,
    'X-Content-Type-Options': 'nosniff',
    'X-Frame-Options': 'DENY',
    'Referrer-Policy': 'no-referrer',
    'Cross-Origin-Opener-Policy': 'same-origin',
    'Cross-Origin-Resource-Policy': 'same-origin',
    'Cache-Control': 'no-store',
  };
}
