import { create, type MessageInitShape } from '@bufbuild/protobuf';
import type { AccessLogFilterSchema } from '@lateen/envoy-api/envoy/config/accesslog/v3/accesslog_pb.js';
import { type Filter, FilterSchema } from '@lateen/envoy-api/envoy/config/listener/v3/listener_components_pb.js';
import {
  HttpConnectionManager_CodecType,
  HttpConnectionManager_ForwardClientCertDetails,
  HttpConnectionManager_PathWithEscapedSlashesAction,
  HttpConnectionManager_ServerHeaderTransformation,
  HttpConnectionManagerSchema,
} from '@lateen/envoy-api/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js';
import { RETRY_SAFE_HEADER } from '../../model/retry.ts';
import type { HttpConnectionIr } from '../../proxy/ir/listener.ts';
import { SAME_CASE } from './header-case.ts';
import { httpFilters } from './http-filters.ts';
import { HTTP2_DEFAULTS } from './http2.ts';
import type { Init } from './init.ts';
import { translateRouteTable } from './route.ts';
import { translateHeader } from './route-match.ts';
import { ADS, duration, extension } from './values.ts';

type ManagerInit = Init<typeof HttpConnectionManagerSchema>;

export function translateHttpConnection(ir: HttpConnectionIr): Filter {
  const manager: ManagerInit = {
    statPrefix: ir.statPrefix,
    codecType: HttpConnectionManager_CodecType[ir.http3 === true ? 'HTTP3' : 'AUTO'],
    ...(ir.http3 === true ? { http3ProtocolOptions: {} } : {}),
    routeSpecifier:
      ir.routes.type === 'discovered'
        ? { case: 'rds', value: { configSource: ADS, routeConfigName: ir.routes.name } }
        : { case: 'routeConfig', value: translateRouteTable(ir.routes.table) },
    httpFilters: httpFilters(ir),
    // Old clients and load generators still speak it.
    httpProtocolOptions: { acceptHttp10: true, headerKeyFormat: SAME_CASE },
    ...pathNormalization(ir.paths),
    // Answers keep the application's own Server header.
    serverHeaderTransformation: HttpConnectionManager_ServerHeaderTransformation.PASS_THROUGH,
    // Long polls and streams are the application's affair; a route's timeout limits a request where one is wanted.
    streamIdleTimeout: duration(0),
    upgradeConfigs: [{ upgradeType: 'websocket' }, ...(ir.connect ? [{ upgradeType: 'CONNECT' }] : [])],
    ...byRole(ir.role),
    ...(ir.trustedProxies === undefined ? {} : { xffNumTrustedHops: ir.trustedProxies }),
    ...(ir.clientCertificate === undefined
      ? {}
      : { forwardClientCertDetails: CLIENT_CERTIFICATE[ir.clientCertificate] }),
  };
  return create(
    FilterSchema,
    extension('envoy.filters.network.http_connection_manager', HttpConnectionManagerSchema, manager),
  );
}

function pathNormalization(paths: HttpConnectionIr['paths']): ManagerInit {
  switch (paths) {
    case undefined:
      return { normalizePath: true };
    case 'as-they-are':
      return { normalizePath: false };
    case 'merge-slashes':
      return { normalizePath: true, mergeSlashes: true };
    case 'decode-and-merge-slashes':
      return {
        normalizePath: true,
        mergeSlashes: true,
        pathWithEscapedSlashesAction: HttpConnectionManager_PathWithEscapedSlashesAction.UNESCAPE_AND_FORWARD,
      };
  }
}

const CLIENT_CERTIFICATE: Readonly<
  Record<NonNullable<HttpConnectionIr['clientCertificate']>, HttpConnectionManager_ForwardClientCertDetails>
> = {
  sanitize: HttpConnectionManager_ForwardClientCertDetails.SANITIZE,
  'forward-only': HttpConnectionManager_ForwardClientCertDetails.FORWARD_ONLY,
  'append-forward': HttpConnectionManager_ForwardClientCertDetails.APPEND_FORWARD,
  'sanitize-set': HttpConnectionManager_ForwardClientCertDetails.SANITIZE_SET,
  'always-forward-only': HttpConnectionManager_ForwardClientCertDetails.ALWAYS_FORWARD_ONLY,
};

function byRole(role: HttpConnectionIr['role']): ManagerInit {
  switch (role) {
    case 'sidecar-outbound':
      return { useRemoteAddress: false };
    case 'sidecar-inbound':
      return {
        useRemoteAddress: false,
        http2ProtocolOptions: HTTP2_DEFAULTS,
        forwardClientCertDetails: HttpConnectionManager_ForwardClientCertDetails.APPEND_FORWARD,
        setCurrentClientCertDetails: { subject: true, uri: true, dns: true },
        localReplyConfig: { mappers: [RETRY_SAFE] },
      };
    case 'gateway':
      // The outermost hop: what clients say about who they are is not believed.
      return {
        useRemoteAddress: true,
        forwardClientCertDetails: HttpConnectionManager_ForwardClientCertDetails.SANITIZE_SET,
        setCurrentClientCertDetails: { subject: true, uri: true, dns: true },
      };
  }
}

/**
 * Marks answers that this sidecar made because the application could not be reached (UF), or went away before it
 * answered a request that may be sent twice (UC, and an idempotent method: RFC 9110, section 9.2.2).
 */
const RETRY_SAFE: NonNullable<NonNullable<ManagerInit['localReplyConfig']>['mappers']>[number] = {
  filter: {
    filterSpecifier: {
      case: 'orFilter',
      value: {
        filters: [
          flagged('UF'),
          {
            filterSpecifier: {
              case: 'andFilter',
              value: { filters: [flagged('UC'), idempotent()] },
            },
          },
        ],
      },
    },
  },
  headersToAdd: [{ header: { key: RETRY_SAFE_HEADER, value: 'true' } }],
};

function flagged(flag: string): MessageInitShape<typeof AccessLogFilterSchema> {
  return { filterSpecifier: { case: 'responseFlagFilter', value: { flags: [flag] } } };
}

function idempotent(): MessageInitShape<typeof AccessLogFilterSchema> {
  return {
    filterSpecifier: {
      case: 'headerFilter',
      value: {
        header: translateHeader({
          name: ':method',
          value: { type: 'regex', value: 'GET|HEAD|OPTIONS|TRACE|PUT|DELETE' },
        }),
      },
    },
  };
}
