import type { MessageInitShape } from '@bufbuild/protobuf';
import type {
  HeaderMatcherSchema,
  QueryParameterMatcherSchema,
  RouteMatchSchema,
} from '@lateen/envoy-api/envoy/config/route/v3/route_components_pb.js';
import type { StringMatcherSchema } from '@lateen/envoy-api/envoy/type/matcher/v3/string_pb.js';
import type { HeaderMatchIr, QueryMatchIr, RouteMatchIr, StringMatchIr } from '../../proxy/ir/route-match.ts';

import { shareOf } from './values.ts';

type MatchInit = MessageInitShape<typeof RouteMatchSchema>;

export function translateMatch({ path, headers, query = [], lotBelow }: RouteMatchIr): MatchInit {
  return {
    pathSpecifier: translatePath(path),
    ...('ignoreCase' in path ? { caseSensitive: false } : {}),
    headers: headers.map(translateHeader),
    queryParameters: query.map(translateQuery),
    ...(lotBelow === undefined ? {} : { runtimeFraction: { defaultValue: shareOf(lotBelow) } }),
  };
}

function translatePath(path: RouteMatchIr['path']): NonNullable<MatchInit['pathSpecifier']> {
  switch (path.type) {
    case 'any':
      return { case: 'prefix', value: '/' };
    case 'exact':
      return { case: 'path', value: path.value };
    case 'prefix':
      return { case: 'prefix', value: path.value };
    case 'separated-prefix':
      return { case: 'pathSeparatedPrefix', value: path.value };
    case 'regex':
      return { case: 'safeRegex', value: { regex: path.value } };
    case 'connect':
      return { case: 'connectMatcher', value: {} };
  }
}

export function translateHeader({ name, value, invert }: HeaderMatchIr): MessageInitShape<typeof HeaderMatcherSchema> {
  const inverted = invert === true;
  if (value.type === 'present') {
    return { name, headerMatchSpecifier: { case: 'presentMatch', value: true }, invertMatch: inverted };
  }
  return {
    name,
    headerMatchSpecifier: { case: 'stringMatch', value: translateString(value) },
    invertMatch: inverted,
    // Or a header that is absent would match neither the condition nor its contrary.
    treatMissingHeaderAsEmpty: inverted,
  };
}

function translateQuery({ name, value }: QueryMatchIr): MessageInitShape<typeof QueryParameterMatcherSchema> {
  return {
    name,
    queryParameterMatchSpecifier:
      value.type === 'present'
        ? { case: 'presentMatch', value: true }
        : { case: 'stringMatch', value: translateString(value) },
  };
}

export function translateString({
  type,
  value,
  ignoreCase,
}: StringMatchIr): MessageInitShape<typeof StringMatcherSchema> {
  return {
    matchPattern: type === 'regex' ? { case: 'safeRegex', value: { regex: value } } : { case: type, value },
    ignoreCase: ignoreCase === true,
  };
}
