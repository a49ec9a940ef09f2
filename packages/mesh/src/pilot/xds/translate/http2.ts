import type { Http2ProtocolOptionsSchema } from '@lateen/envoy-api/envoy/config/core/v3/protocol_pb.js';
import type { Init } from './init.ts';

/** As much as Envoy buffers for a connection of HTTP/1.1. */
const STREAM_WINDOW_BYTES = 1024 * 1024;
/**
 * What a stream has sent and nobody reads counts for its connection as well. With Envoy's defaults (16 and 24 MiB) two
 * slow readers would stop all that the connection carries; so it takes 64 of them.
 */
const CONNECTION_WINDOW_BYTES = 64 * STREAM_WINDOW_BYTES;

/** Many requests share a connection, and WebSockets pass as well (RFC 8441). */
export const HTTP2_DEFAULTS: Init<typeof Http2ProtocolOptionsSchema> = {
  allowConnect: true,
  initialStreamWindowSize: STREAM_WINDOW_BYTES,
  initialConnectionWindowSize: CONNECTION_WINDOW_BYTES,
  // A message that HTTP/1.1 lets pass and HTTP/2 does not ends its own stream, and not those of others.
  overrideStreamErrorOnInvalidHttpMessage: true,
};
