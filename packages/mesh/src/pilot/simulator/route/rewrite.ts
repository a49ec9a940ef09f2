import type {
  RouteAction,
  RouteMatch,
  WeightedCluster_ClusterWeight,
} from '@lateen/envoy-api/envoy/config/route/v3/route_components_pb.js';
import type { RegexMatchAndSubstitute } from '@lateen/envoy-api/envoy/type/matcher/v3/regex_pb.js';
import { headerValue, pathOnly, type RoutedRequest, setHeader } from '../http/request.ts';
import { asciiLower, compiled, isUndecidable, type Undecidable } from './string-match.ts';

/** Changes a text, or tells why that cannot be simulated. */
export type TextRewrite = (text: string) => string;

export function regexRewrite({ pattern, substitution }: RegexMatchAndSubstitute): TextRewrite | Undecidable {
  const regex = compiled(pattern?.regex ?? '');
  return isUndecidable(regex) ? regex : (text) => regex.replaceAll(text, substitution);
}

/** What of the path a prefix rewrite replaces. */
export type MatchedPath = (path: string) => string;

export function matchedPath({ pathSpecifier: specifier }: RouteMatch): MatchedPath {
  switch (specifier.case) {
    case 'prefix':
    case 'path':
    case 'pathSeparatedPrefix':
      return () => specifier.value;
    default:
      return pathOnly;
  }
}

/** The path as the upstream gets it, query and all; undefined if the route leaves it as it is. */
export function pathRewrite(
  { prefixRewrite, regexRewrite: regex }: Pick<RouteAction, 'prefixRewrite' | 'regexRewrite'>,
  matched: MatchedPath,
): TextRewrite | Undecidable | undefined {
  if (prefixRewrite !== '') return (path) => replacePrefix(path, matched(path), prefixRewrite);
  if (regex === undefined) return undefined;
  const rewrite = regexRewrite(regex);
  if (isUndecidable(rewrite)) return rewrite;
  return (path) => {
    const bare = pathOnly(path);
    return rewrite(bare) + path.slice(bare.length);
  };
}

export function replacePrefix(path: string, prefix: string, replacement: string): string {
  // Without regard to case, as the route may have matched that way; it has matched, so only the length counts.
  return asciiLower(path).startsWith(asciiLower(prefix)) ? replacement + path.slice(prefix.length) : path;
}

export type HostRewrite = (request: RoutedRequest) => string | undefined;

/** The host that the upstream gets in place of the request's. */
export function hostRewrite(
  action: RouteAction,
  weighted: WeightedCluster_ClusterWeight | undefined,
): HostRewrite | Undecidable | undefined {
  const own = weighted?.hostRewriteSpecifier;
  if (own?.case === 'hostRewriteLiteral') return () => own.value;
  const specifier = action.hostRewriteSpecifier;
  switch (specifier.case) {
    case 'hostRewriteLiteral':
      return () => specifier.value;
    case 'hostRewriteHeader':
      return (request) => headerValue(request, specifier.value.toLowerCase()) || undefined;
    case 'hostRewritePathRegex': {
      const rewrite = regexRewrite(specifier.value);
      return isUndecidable(rewrite) ? rewrite : ({ path }) => rewrite(pathOnly(path));
    }
    case 'autoHostRewrite':
      // The name of the endpoint, where it has one: known only when one was chosen.
      return specifier.value.value
        ? { undecidable: 'the host is that of the endpoint (auto_host_rewrite)' }
        : undefined;
    case 'hostRewrite':
      return { undecidable: 'the host is made by a formatter (host_rewrite)' };
    case undefined:
      return undefined;
  }
}

export function rewriteHost(request: RoutedRequest, host: string | undefined, keepForwardedHost: boolean): void {
  if (host === undefined) return;
  if (keepForwardedHost && request.authority !== '') {
    const before = headerValue(request, 'x-forwarded-host');
    setHeader(
      request.headers,
      'x-forwarded-host',
      before === undefined ? request.authority : `${before},${request.authority}`,
    );
  }
  request.authority = host;
}

export function rewritePath(request: RoutedRequest, rewrite: TextRewrite | undefined): void {
  if (rewrite === undefined || request.path === '') return;
  setHeader(request.headers, 'x-envoy-original-path', request.path);
  request.path = rewrite(request.path);
}
