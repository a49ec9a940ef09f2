import type { GRPCRoute } from '@lateen/api/kinds.ts';
import { escapeRegex } from '@lateen/api/re2-syntax.ts';
import type { HeaderMatchIr, PathMatchIr } from '../../proxy/ir/route-match.ts';
import type { RouteMatch } from '../route-match.ts';
import { firstByName, type MatchPlace } from './http-match.ts';

type Rule = NonNullable<GRPCRoute['spec']['rules']>[number];
type GrpcMatch = NonNullable<Rule['matches']>[number];
type MethodMatch = NonNullable<GrpcMatch['method']>;

/** The path of a call is `/SERVICE/METHOD` (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md). */
export function buildGrpcMatch(
  match: GrpcMatch | undefined,
  { age, rule, match: index, source }: MatchPlace,
): RouteMatch {
  const { method = {}, headers = [] } = match ?? {};
  const ofHeaders = firstByName(headers, (name) => name.toLowerCase());
  return {
    path: buildPath(method),
    headers: ofHeaders.map(
      ({ name, type, value }): HeaderMatchIr => ({
        name: name.toLowerCase(),
        value: { type: type === 'RegularExpression' ? 'regex' : 'exact', value },
      }),
    ),
    query: [],
    rank: [-(method.service ?? '').length, -(method.method ?? '').length, -ofHeaders.length, ...age, rule, index],
    source,
  };
}

function buildPath({ type = 'Exact', service = '', method = '' }: MethodMatch): PathMatchIr {
  if (service === '' && method === '') return { type: 'prefix', value: '/' };
  if (type === 'RegularExpression') {
    return { type: 'regex', value: `/${service === '' ? ANY : group(service)}/${method === '' ? ANY : group(method)}` };
  }
  if (service === '') return { type: 'regex', value: `/${ANY}/${escapeRegex(method)}` };
  return method === '' ? { type: 'prefix', value: `/${service}/` } : { type: 'exact', value: `/${service}/${method}` };
}

const ANY = '[^/]+';

/** So that `a|b` ends where it should. */
function group(regex: string): string {
  return `(?:${regex})`;
}
