import { create } from '@bufbuild/protobuf';
import type { Any } from '@bufbuild/protobuf/wkt';
import { packAny } from '@lateen/envoy-api/encode';
import { ApiVersion } from '@lateen/envoy-api/envoy/config/core/v3/config_source_pb.js';
import {
  CompositePerRouteSchema,
  ExecuteFilterActionSchema,
} from '@lateen/envoy-api/envoy/extensions/filters/http/composite/v3/composite_pb.js';
import { ExtAuthzSchema } from '@lateen/envoy-api/envoy/extensions/filters/http/ext_authz/v3/ext_authz_pb.js';
import type { ExternalAuthIr } from '../../proxy/ir/route-filters.ts';
import { EXTERNAL_AUTH } from './http-filters.ts';
import type { Init } from './init.ts';
import { duration } from './values.ts';

/** How long an authorizer may take. */
const TIMEOUT_MS = 10_000;
/** What goes to an authorizer beside the host, the method, the path and the length, which always do. */
const ALWAYS_SENT = ['authorization'];
/** Never taken from its answer: they are of that connection, or who is called. */
const OF_ANSWER = ['host', 'content-length', 'transfer-encoding', 'connection', 'keep-alive', 'upgrade'];

/**
 * The filter that asks, made for the route alone: what it asks with is not for a route to change, so that the chain has a
 * place for any filter instead.
 */
export function translateExternalAuth(auth: ExternalAuthIr): Record<string, Any> {
  const filter = packAny(ExtAuthzSchema, create(ExtAuthzSchema, settings(auth)));
  const action = create(ExecuteFilterActionSchema, {
    typedConfig: { name: 'envoy.filters.http.ext_authz', typedConfig: filter },
  });
  const perRoute = create(CompositePerRouteSchema, {
    matcher: {
      onNoMatch: {
        onMatch: {
          case: 'action',
          value: { name: 'ask', typedConfig: packAny(ExecuteFilterActionSchema, action) },
        },
      },
    },
  });
  return { [EXTERNAL_AUTH]: packAny(CompositePerRouteSchema, perRoute) };
}

function settings({
  protocol,
  cluster,
  authority,
  pathPrefix,
  headers,
  responseHeaders,
  maxBodyBytes,
}: ExternalAuthIr): Init<typeof ExtAuthzSchema> {
  const timeout = duration(TIMEOUT_MS);
  const body =
    maxBodyBytes === undefined ? {} : { withRequestBody: { maxRequestBytes: maxBodyBytes, allowPartialMessage: true } };
  if (protocol === 'grpc') {
    return {
      transportApiVersion: ApiVersion.V3,
      services: {
        case: 'grpcService',
        value: { targetSpecifier: { case: 'envoyGrpc', value: { clusterName: cluster, authority } }, timeout },
      },
      ...(headers === undefined ? {} : { allowedHeaders: { patterns: headers.map(exact) } }),
      ...body,
    };
  }
  return {
    services: {
      case: 'httpService',
      value: {
        serverUri: { uri: `http://${authority}`, httpUpstreamType: { case: 'cluster', value: cluster }, timeout },
        pathPrefix: pathPrefix ?? '',
        authorizationResponse: {
          allowedUpstreamHeaders: {
            patterns: responseHeaders === undefined ? [ANY_HEADER] : responseHeaders.map(exact),
          },
        },
      },
    },
    allowedHeaders: { patterns: [...ALWAYS_SENT, ...(headers ?? [])].map(exact) },
    ...body,
  };
}

const exact = (value: string) => ({ matchPattern: { case: 'exact' as const, value }, ignoreCase: true });

/** No other than these words, and nothing that starts with a colon. (RE2 has no negation.) */
function otherThan(words: readonly string[], alsoNot = ''): string {
  const starts = [...new Set(words.flatMap((word) => word[0] ?? []))];
  const others = `[^${starts.filter((each) => each !== '-').join('')}${alsoNot}${starts.includes('-') ? '-' : ''}].*`;
  const tails = starts.map((start) => {
    const rest = words.filter((word) => word.startsWith(start)).map((word) => word.slice(1));
    return `${start}(?:${otherThan(rest)})`;
  });
  const isEnd = words.includes('');
  return [...(starts.length === 0 ? ['.+'] : [others, ...tails]), ...(isEnd ? [] : [''])].join('|');
}

const ANY_HEADER = { matchPattern: { case: 'safeRegex' as const, value: { regex: otherThan(OF_ANSWER, ':') } } };
