import {
  type RedirectAction,
  RedirectAction_RedirectResponseCode,
} from '@lateen/envoy-api/envoy/config/route/v3/route_components_pb.js';
import { headerValue, pathOnly, type RoutedRequest } from '../http/request.ts';
import { type MatchedPath, pathRewrite, type TextRewrite } from './rewrite.ts';
import { isUndecidable, type Undecidable } from './string-match.ts';

export interface Redirect {
  readonly status: number;
  readonly location: (request: RoutedRequest) => string;
}

const STATUS: Readonly<Record<RedirectAction_RedirectResponseCode, number>> = {
  [RedirectAction_RedirectResponseCode.MOVED_PERMANENTLY]: 301,
  [RedirectAction_RedirectResponseCode.FOUND]: 302,
  [RedirectAction_RedirectResponseCode.SEE_OTHER]: 303,
  [RedirectAction_RedirectResponseCode.TEMPORARY_REDIRECT]: 307,
  [RedirectAction_RedirectResponseCode.PERMANENT_REDIRECT]: 308,
};

export function prepareRedirect(action: RedirectAction, matched: MatchedPath): Redirect | Undecidable {
  const path = redirectedPath(action, matched);
  if (isUndecidable(path)) return path;
  return {
    status: STATUS[action.responseCode],
    location(request) {
      const scheme = redirectedScheme(action, request);
      const port = action.portRedirect === 0 ? '' : `:${action.portRedirect}`;
      const host = action.hostRedirect === '' ? requestHost(request, scheme, port !== '') : action.hostRedirect;
      return `${scheme}://${host}${port}${path(request.path)}`;
    },
  };
}

function redirectedScheme({ schemeRewriteSpecifier: scheme }: RedirectAction, request: RoutedRequest): string {
  if (scheme.case === 'schemeRedirect' && scheme.value !== '') return scheme.value;
  return scheme.case === 'httpsRedirect' && scheme.value ? 'https' : request.scheme;
}

/** The query stays, unless the new path has one of its own. */
function redirectedPath(action: RedirectAction, matched: MatchedPath): TextRewrite | Undecidable {
  const specifier = action.pathRewriteSpecifier;
  const strip = (path: string) => (action.stripQuery ? path.replace(/\?.*$/, '') : path);
  switch (specifier.case) {
    case undefined:
      return strip;
    case 'pathRedirect': {
      const path = specifier.value;
      if (path === '') return strip;
      if (path.includes('?')) return () => path;
      return (before) => strip(path + before.slice(pathOnly(before).length));
    }
    case 'prefixRewrite':
    case 'regexRewrite': {
      const rewrite = pathRewrite(
        specifier.case === 'prefixRewrite'
          ? { prefixRewrite: specifier.value }
          : { prefixRewrite: '', regexRewrite: specifier.value },
        matched,
      );
      if (rewrite === undefined) return strip;
      return isUndecidable(rewrite) ? rewrite : (before) => strip(rewrite(before));
    }
    case 'pathRewrite':
      return { undecidable: 'the path of a redirect is made by a formatter (path_rewrite)' };
  }
}

/** The request's own, without a port that a new port or a new scheme makes wrong. */
function requestHost(request: RoutedRequest, newScheme: string, newPort: boolean): string {
  const { authority } = request;
  const end = authority.startsWith('[') ? authority.lastIndexOf(']:') + 1 || -1 : authority.lastIndexOf(':');
  if (end === -1) return authority;
  const port = authority.slice(end);
  const protocol = headerValue(request, 'x-forwarded-proto') ?? request.scheme;
  const outdated =
    newScheme !== protocol && ((protocol === 'https' && port === ':443') || (protocol === 'http' && port === ':80'));
  return newPort || outdated ? authority.slice(0, end) : authority;
}
