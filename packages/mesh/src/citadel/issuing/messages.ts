import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import {
  type IstioCertificateRequest,
  IstioCertificateRequestSchema,
  IstioCertificateResponseSchema,
} from '@lateen/envoy-api/istio/v1/auth/ca_pb.js';

export type { IstioCertificateRequest };

export function decodeRequest(bytes: Uint8Array): IstioCertificateRequest {
  return fromBinary(IstioCertificateRequestSchema, bytes);
}

export function encodeResponse(certChain: readonly string[]): Buffer {
  const message = create(IstioCertificateResponseSchema, { certChain: [...certChain] });
  return Buffer.from(toBinary(IstioCertificateResponseSchema, message));
}
