import { create } from '@bufbuild/protobuf';
import type { Any } from '@bufbuild/protobuf/wkt';
import { packAny } from '@lateen/envoy-api/encode';
import { StatefulSessionPerRouteSchema } from '@lateen/envoy-api/envoy/extensions/filters/http/stateful_session/v3/stateful_session_pb.js';
import { CookieBasedSessionStateSchema } from '@lateen/envoy-api/envoy/extensions/http/stateful_session/cookie/v3/cookie_pb.js';
import { HeaderBasedSessionStateSchema } from '@lateen/envoy-api/envoy/extensions/http/stateful_session/header/v3/header_pb.js';
import type { SessionIr, WeightedDestinationIr } from '../../proxy/ir/route-action.ts';
import { STATEFUL_SESSION } from './http-filters.ts';
import { duration, extension } from './values.ts';

/** Requests of one session go to the endpoint that the client was told of. If that is gone, to another. */
export function translateSession({ session }: WeightedDestinationIr): Record<string, Any> {
  if (session === undefined) return {};
  const perRoute = create(StatefulSessionPerRouteSchema, {
    override: { case: 'statefulSession', value: { sessionState: sessionState(session) } },
  });
  return { [STATEFUL_SESSION]: packAny(StatefulSessionPerRouteSchema, perRoute) };
}

function sessionState(session: SessionIr) {
  const { name, configType } =
    session.type === 'header'
      ? extension('envoy.http.stateful_session.header', HeaderBasedSessionStateSchema, { name: session.name })
      : extension('envoy.http.stateful_session.cookie', CookieBasedSessionStateSchema, {
          cookie: {
            name: session.name,
            path: session.path,
            ...(session.lifetimeMs === undefined ? {} : { ttl: duration(session.lifetimeMs) }),
          },
        });
  return { name, typedConfig: configType.value };
}
