import type { HTTPRoute } from '@lateen/api/kinds.ts';
import type { HeaderMatchIr, PathMatchIr, QueryMatchIr, StringMatchIr } from '../../proxy/ir/route-match.ts';
import type { SourceRef } from '../../proxy/ir/source.ts';
import type { RouteMatch } from '../route-match.ts';
import type { Rank } from './precedence.ts';

type Rule = NonNullable<HTTPRoute['spec']['rules']>[number];
type HttpMatch = NonNullable<Rule['matches']>[number];

/** Where a match stands among those of all routes: the age of its route, then its place there. */
export interface MatchPlace {
  readonly age: Rank;
  readonly rule: number;
  readonly match: number;
  readonly source: SourceRef;
}

export function buildHttpMatch(
  match: HttpMatch | undefined,
  { age, rule, match: index, source }: MatchPlace,
): RouteMatch {
  const { path, headers = [], queryParams = [], method } = match ?? {};
  const pathMatch = buildPath(path);
  const ofHeaders = firstByName(headers, (name) => name.toLowerCase());
  const ofQuery = firstByName(queryParams, (name) => name);
  return {
    path: pathMatch,
    headers: [
      ...ofHeaders.map(
        ({ name, type, value }): HeaderMatchIr => ({ name: name.toLowerCase(), value: stringMatch(type, value) }),
      ),
      ...(method === undefined ? [] : [{ name: ':method', value: { type: 'exact', value: method } } as const]),
    ],
    query: ofQuery.map(({ name, type, value }): QueryMatchIr => ({ name, value: stringMatch(type, value) })),
    rank: [...pathRank(path), method === undefined ? 1 : 0, -ofHeaders.length, -ofQuery.length, ...age, rule, index],
    source,
  };
}

/**
 * The API ranks exact paths before prefixes, and long prefixes before short ones. Regular expressions, which it leaves open,
 * come between the two, as who writes one next to a prefix means it to be asked.
 */
function pathRank({ type = 'PathPrefix', value = '/' }: NonNullable<HttpMatch['path']> = {}): Rank {
  const order = ['Exact', 'RegularExpression', 'PathPrefix'].indexOf(type);
  return [order, type === 'Exact' ? 0 : -value.length];
}

function buildPath({ type = 'PathPrefix', value = '/' }: NonNullable<HttpMatch['path']> = {}): PathMatchIr {
  if (type === 'Exact') return { type: 'exact', value };
  if (type === 'RegularExpression') return { type: 'regex', value };
  const prefix = value.replace(/\/+$/, '');
  return prefix === '' ? { type: 'prefix', value: '/' } : { type: 'separated-prefix', value: prefix };
}

function stringMatch(type: string | undefined, value: string): StringMatchIr {
  return { type: type === 'RegularExpression' ? 'regex' : 'exact', value };
}

/** Of several entries for one name, the first counts. */
export function firstByName<T extends { readonly name: string }>(
  entries: readonly T[],
  same: (name: string) => string,
): T[] {
  const seen = new Set<string>();
  return entries.filter(({ name }) => !seen.has(same(name)) && seen.add(same(name)));
}
