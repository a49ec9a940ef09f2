import type { VirtualService } from '@lateen/api/kinds.ts';

export type HttpRule = NonNullable<VirtualService['spec']['http']>[number];
export type HttpMatch = NonNullable<HttpRule['match']>[number];
export type TextMatch = { readonly exact?: string; readonly prefix?: string; readonly regex?: string };

/** Whether every request that `b` matches is matched by `a`, too. In doubt: no. */
export function covers(a: HttpMatch, b: HttpMatch): boolean {
  return (
    coversPath(a, b) &&
    coversOptional(a.method, b.method) &&
    coversOptional(a.scheme, b.scheme) &&
    coversOptional(a.authority, b.authority) &&
    coversEach(a.headers, b.headers) &&
    coversEach(a.queryParams, b.queryParams) &&
    coversAbsent(a.withoutHeaders, b.withoutHeaders) &&
    (!a.port || a.port === b.port) &&
    (!a.sourceNamespace || a.sourceNamespace === b.sourceNamespace) &&
    Object.entries(a.sourceLabels ?? {}).every(([key, value]) => b.sourceLabels?.[key] === value)
  );
}

/** Whether the match asks for nothing of a request. */
export function matchesAnything(match: HttpMatch): boolean {
  return covers(match, {});
}

function coversPath(a: HttpMatch, b: HttpMatch): boolean {
  // Every path starts with a slash.
  if (a.uri === undefined || a.uri.prefix === '/' || isAnyRegex(a.uri.regex)) return true;
  if (b.uri === undefined) return false;
  if (!a.ignoreUriCase) return !(b.ignoreUriCase && hasLetters(b.uri)) && coversText(a.uri, b.uri);
  return coversText(lower(a.uri), lower(b.uri));
}

function hasLetters({ exact = '', prefix = '', regex = '' }: TextMatch): boolean {
  return regex === '' && /[a-z]/i.test(exact + prefix);
}

/** Regular expressions are matched as they are whatever the case. */
function lower({ exact, prefix, regex }: TextMatch): TextMatch {
  if (exact !== undefined) return { exact: exact.toLowerCase() };
  if (prefix !== undefined) return { prefix: prefix.toLowerCase() };
  return regex === undefined ? {} : { regex };
}

function coversOptional(a: TextMatch | undefined, b: TextMatch | undefined): boolean {
  return a === undefined || isAnyRegex(a.regex) || (b !== undefined && coversText(a, b));
}

/** All of `a`'s conditions hold wherever `b`'s do. */
function coversEach(
  a: Readonly<Record<string, TextMatch>> | undefined,
  b: Readonly<Record<string, TextMatch>> | undefined,
): boolean {
  return Object.entries(a ?? {}).every(([name, condition]) => {
    const other = b?.[name];
    return other !== undefined && coversText(condition, other);
  });
}

/** What must be absent for `a` must be absent for `b`, or more. */
function coversAbsent(
  a: Readonly<Record<string, TextMatch>> | undefined,
  b: Readonly<Record<string, TextMatch>> | undefined,
): boolean {
  return Object.entries(a ?? {}).every(([name, condition]) => {
    const other = b?.[name];
    return other !== undefined && coversText(other, condition);
  });
}

/** An empty match asks only that something is there. */
function coversText(a: TextMatch, b: TextMatch): boolean {
  if (a.exact === undefined && a.prefix === undefined && a.regex === undefined) return true;
  if (isAnyRegex(a.regex)) return true;
  if (a.exact !== undefined) return b.exact === a.exact;
  if (a.prefix !== undefined) {
    const start = b.exact ?? b.prefix ?? (b.regex === undefined ? undefined : literalStart(b.regex));
    return start?.startsWith(a.prefix) ?? false;
  }
  if (a.regex === b.regex) return true;
  return b.exact !== undefined && (matchesWhole(a.regex ?? '', b.exact) ?? false);
}

function isAnyRegex(regex: string | undefined): boolean {
  return regex === '.*' || regex === '^.*$' || regex === '^.*' || regex === '.*$';
}

/** What every text that the expression matches starts with; empty if that is not plain to see. */
export function literalStart(regex: string): string {
  if (regex.includes('|') || regex.includes('(?')) return '';
  const pattern = regex.startsWith('^') ? regex.slice(1) : regex;
  const literal = /^(?:[^\\^$.*+?()[\]{}]|\\[/.\-_~])*/.exec(pattern)?.[0] ?? '';
  // What a quantifier follows may be absent.
  const optional = /^[*?{]/.test(pattern.slice(literal.length));
  return (optional ? literal.replace(/\\?.$/, '') : literal).replaceAll('\\', '');
}

/** Whether the expression matches all of the text; undefined if this is not the place to tell. */
export function matchesWhole(regex: string, text: string): boolean | undefined {
  // RE2's own syntax, which JavaScript reads in another way.
  if (/\(\?[^:]|\\[^wdsWDSbB./\-_~\\^$*+?()[\]{}|]|\[\[:/.test(regex) || text.length > 1024) return undefined;
  // With more repetition than this, an engine that goes back takes too long.
  if ((regex.match(/[*+{]/g) ?? []).length > 2 || /\([^)]*[*+{][^)]*\)[*+{]/.test(regex)) return undefined;
  try {
    return new RegExp(`^(?:${regex})$`, 's').test(text);
  } catch {
    return undefined;
  }
}
