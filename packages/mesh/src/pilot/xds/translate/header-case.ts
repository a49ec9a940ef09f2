import { create } from '@bufbuild/protobuf';
import { packAny } from '@lateen/envoy-api/encode';
import {
  type Http1ProtocolOptions_HeaderKeyFormat,
  Http1ProtocolOptions_HeaderKeyFormatSchema,
} from '@lateen/envoy-api/envoy/config/core/v3/protocol_pb.js';
import { PreserveCaseFormatterConfigSchema } from '@lateen/envoy-api/envoy/extensions/http/header_formatters/preserve_case/v3/preserve_case_pb.js';

/**
 * HTTP/1 header names arrive as they were written: some old programs ask for `Content-Length` and no other spelling. It
 * needs this on both sides of a proxy; HTTP/2 knows only lower case.
 */
export const SAME_CASE: Http1ProtocolOptions_HeaderKeyFormat = create(Http1ProtocolOptions_HeaderKeyFormatSchema, {
  headerFormat: {
    case: 'statefulFormatter',
    value: {
      name: 'envoy.http.stateful_header_formatters.preserve_case',
      typedConfig: packAny(PreserveCaseFormatterConfigSchema, create(PreserveCaseFormatterConfigSchema)),
    },
  },
});
