import {
  type HttpConnectionManager,
  HttpConnectionManager_PathWithEscapedSlashesAction,
} from '@lateen/envoy-api/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js';

export type NormalizedPath =
  | { readonly type: 'path'; readonly path: string }
  | { readonly type: 'redirect'; readonly path: string }
  | { readonly type: 'refused'; readonly reason: string };

/** What a connection manager makes of the path before anything else looks at it. */
export function normalizePath(original: string, manager: HttpConnectionManager): NormalizedPath {
  if (original === '') return { type: 'path', path: '' };
  if (original.includes('#')) return { type: 'refused', reason: 'the path has a fragment' };
  const action = manager.pathWithEscapedSlashesAction;
  const queryAt = original.indexOf('?');
  let path = queryAt === -1 ? original : original.slice(0, queryAt);
  const query = queryAt === -1 ? '' : original.slice(queryAt);
  let redirect = false;
  if (KEEP_SLASHES.has(action)) {
    // As it is.
  } else if (ESCAPED_SLASH.test(path)) {
    if (action === HttpConnectionManager_PathWithEscapedSlashesAction.REJECT_REQUEST) {
      return { type: 'refused', reason: 'the path has an escaped slash' };
    }
    path = path.replace(/%2f/gi, '/').replace(/%5c/gi, '\\');
    redirect = action === HttpConnectionManager_PathWithEscapedSlashesAction.UNESCAPE_AND_REDIRECT;
  }
  if (manager.normalizePath === true) {
    const canonical = canonicalPath(path);
    if (canonical === undefined) return { type: 'refused', reason: 'the path cannot be normalized' };
    path = canonical;
  }
  if (manager.mergeSlashes) path = path.replace(/\/{2,}/g, '/');
  return { type: redirect ? 'redirect' : 'path', path: path + query };
}

const ESCAPED_SLASH = /%(?:2f|5c)/i;
const KEEP_SLASHES = new Set([
  HttpConnectionManager_PathWithEscapedSlashesAction.IMPLEMENTATION_SPECIFIC_DEFAULT,
  HttpConnectionManager_PathWithEscapedSlashesAction.KEEP_UNCHANGED,
]);

/** Characters that are escaped, and characters that are not although they may be. */
const TO_ESCAPE = /[ "<>^`{}|\u007f-\u{10ffff}]/gu;
const TO_UNESCAPE = /%(2[dDeE]|3\d|[46][1-9a-fA-F]|[57][0-9aA]|5[fF]|7[eE])/g;

/** As Chromium canonicalizes the path of a URL, which is what Envoy uses. Undefined: it cannot be done. */
export function canonicalPath(path: string): string | undefined {
  if (path.includes('\u0000') || path.includes('%00')) return undefined;
  const segments = path.replaceAll('\\', '/').split('/');
  if (!path.startsWith('/') && !path.startsWith('\\')) segments.unshift('');
  const kept: string[] = [];
  for (const [index, written] of segments.slice(1).entries()) {
    const segment = written.replace(TO_UNESCAPE, (escaped) =>
      String.fromCharCode(Number.parseInt(escaped.slice(1), 16)),
    );
    if (segment !== '.' && segment !== '..') {
      kept.push(segment.replace(TO_ESCAPE, escapedBytes));
      continue;
    }
    if (segment === '..') kept.pop();
    if (index === segments.length - 2) kept.push('');
  }
  return `/${kept.join('/')}`;
}

function escapedBytes(char: string): string {
  return [...new TextEncoder().encode(char)]
    .map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`)
    .join('');
}

/** The host as routes see it. `localPort` is the one that the connection came to. */
export function normalizeHost(
  authority: string,
  isConnect: boolean,
  manager: HttpConnectionManager,
  localPort: number,
): string {
  let host = authority;
  const { stripPortMode, stripMatchingHostPort, stripTrailingHostDot } = manager;
  const portAt = portStart(host);
  const stripAny = stripPortMode.case === 'stripAnyHostPort' && stripPortMode.value;
  if (stripTrailingHostDot) {
    const end = portAt === -1 ? host.length : portAt;
    if (host[end - 1] === '.') host = host.slice(0, end - 1) + host.slice(end);
  }
  if (stripAny || stripMatchingHostPort) {
    const at = portStart(host);
    if (at !== -1 && (stripAny || host.slice(at + 1) === String(localPort)) && !(isConnect && !stripAny)) {
      host = host.slice(0, at);
    }
  }
  return host;
}

/** Where `:PORT` begins; -1 if there is none. */
export function portStart(host: string): number {
  const at = host.lastIndexOf(':');
  return at === -1 || host.lastIndexOf(']') > at ? -1 : at;
}
