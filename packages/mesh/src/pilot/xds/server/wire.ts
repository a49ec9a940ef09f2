import { fromBinary } from '@bufbuild/protobuf';
import type { Node } from '@lateen/envoy-api/envoy/config/core/v3/base_pb.js';
import { DiscoveryRequestSchema } from '@lateen/envoy-api/envoy/service/discovery/v3/discovery_pb.js';
import type { Protocol, ProxyNode } from '../resource.ts';
import { decodeDeltaRequest } from './decode-delta-request.ts';
import type { Request } from './state.ts';

export interface DecodedRequest {
  /** Envoy names itself in the first request of a stream; in later ones it need not. */
  readonly node: ProxyNode | undefined;
  readonly request: Request;
}

/** Parses a `DeltaDiscoveryRequest` or `DiscoveryRequest`. Throws when the bytes are neither. */
export function decodeRequest(protocol: Protocol, bytes: Uint8Array): DecodedRequest {
  if (protocol === 'delta') {
    const { node, error, ...fields } = decodeDeltaRequest(bytes);
    return {
      node: reduceNode(node),
      request: { protocol, ...fields, ...(error !== undefined && { error }) },
    };
  }
  const message = fromBinary(DiscoveryRequestSchema, bytes);
  return {
    node: reduceNode(message.node),
    request: {
      protocol,
      typeUrl: message.typeUrl,
      nonce: message.responseNonce,
      ...(message.errorDetail && { error: message.errorDetail.message }),
      version: message.versionInfo,
      names: message.resourceNames,
    },
  };
}

function reduceNode(node: Node | undefined): ProxyNode | undefined {
  return node && { id: node.id, cluster: node.cluster, metadata: node.metadata ?? {} };
}
