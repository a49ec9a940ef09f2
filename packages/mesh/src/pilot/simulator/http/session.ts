import { fromBinary } from '@bufbuild/protobuf';
import type { HeaderChange, Unknown } from '@lateen/api/verdict.ts';
import { StatefulSessionPerRouteSchema } from '@lateen/envoy-api/envoy/extensions/filters/http/stateful_session/v3/stateful_session_pb.js';
import { CookieBasedSessionStateSchema } from '@lateen/envoy-api/envoy/extensions/http/stateful_session/cookie/v3/cookie_pb.js';
import { HeaderBasedSessionStateSchema } from '@lateen/envoy-api/envoy/extensions/http/stateful_session/header/v3/header_pb.js';
import { typeName } from '../any-type.ts';
import { cookieValue } from '../route/route-match.ts';
import type { PreparedManager } from './connection-manager.ts';
import { type FilterOverrides, filterState } from './http-filters.ts';
import { headerValue, type RoutedRequest } from './request.ts';

/**
 * What clients are told of the endpoint that they got. Which one a session is with already is not read: that is named as
 * unknown. `levels` is the configuration that holds for the target, the most specific first.
 */
export function sessionChanges(
  { filters }: PreparedManager,
  levels: readonly FilterOverrides[],
  request: RoutedRequest,
  unknowns: Unknown[],
): HeaderChange[] {
  return filters.flatMap((filter): HeaderChange[] => {
    if (filter.kind !== 'session') return [];
    const { enabled, override } = filterState(filter, levels);
    if (!enabled || override === undefined) return [];
    const where = `HTTP filter ${filter.name}`;
    const perRoute = fromBinary(StatefulSessionPerRouteSchema, override.value).override;
    const state = perRoute.case === 'statefulSession' ? perRoute.value.sessionState?.typedConfig : undefined;
    if (state === undefined) return [];
    const known = () => unknowns.push({ what: 'the endpoint that the session is with', where });
    switch (typeName(state)) {
      case CookieBasedSessionStateSchema.typeName: {
        const { name = '' } = fromBinary(CookieBasedSessionStateSchema, state.value).cookie ?? {};
        if (cookieValue(request, name) !== undefined) known();
        return [{ action: 'append', name: 'set-cookie', value: null }];
      }
      case HeaderBasedSessionStateSchema.typeName: {
        const { name } = fromBinary(HeaderBasedSessionStateSchema, state.value);
        if (headerValue(request, name) !== undefined) known();
        return [{ action: 'overwrite', name, value: null }];
      }
      default:
        unknowns.push({ what: `session state ${typeName(state)}`, where });
        return [];
    }
  });
}
