import { fromBinary } from '@bufbuild/protobuf';
import type { Node } from '@lateen/envoy-api/envoy/config/core/v3/base_pb.js';
import {
  type DeltaDiscoveryRequest,
  DeltaDiscoveryRequestSchema,
  type DiscoveryRequest,
  DiscoveryRequestSchema,
} from '@lateen/envoy-api/envoy/service/discovery/v3/discovery_pb.js';
import type { Protocol, ProxyNode, Resource } from '../resource.ts';
import type { Request, Response } from './state.ts';

export interface DecodedRequest {
  /** Envoy names itself in the first request of a stream; in later ones it need not. */
  readonly node: ProxyNode | undefined;
  readonly request: Request;
}

/** Parses a `DeltaDiscoveryRequest` or `DiscoveryRequest`. Throws when the bytes are neither. */
export function decodeRequest(protocol: Protocol, bytes: Uint8Array): DecodedRequest {
  if (protocol === 'delta') {
    const message = fromBinary(DeltaDiscoveryRequestSchema, bytes);
    return {
      node: reduceNode(message.node),
      request: {
        protocol,
        ...commonFields(message),
        subscribe: message.resourceNamesSubscribe,
        unsubscribe: message.resourceNamesUnsubscribe,
        initialVersions: new Map(Object.entries(message.initialResourceVersions)),
      },
    };
  }
  const message = fromBinary(DiscoveryRequestSchema, bytes);
  return {
    node: reduceNode(message.node),
    request: {
      protocol,
      ...commonFields(message),
      version: message.versionInfo,
      names: message.resourceNames,
    },
  };
}

function commonFields({ typeUrl, responseNonce, errorDetail }: DeltaDiscoveryRequest | DiscoveryRequest) {
  return { typeUrl, nonce: responseNonce, ...(errorDetail && { error: errorDetail.message }) };
}

function reduceNode(node: Node | undefined): ProxyNode | undefined {
  return node && { id: node.id, cluster: node.cluster, metadata: node.metadata ?? {} };
}

/** The size of the resources in a response, in bytes: nearly that of the encoded response. */
export function payloadBytes(response: Response): number {
  let bytes = 0;
  for (const resource of response.resources) bytes += resource.bytes.length;
  return bytes;
}

/**
 * A `DeltaDiscoveryResponse` or `DiscoveryResponse` around resources that are encoded already: one buffer, into which
 * each resource is copied once. The generated code would first build and measure a tree of messages.
 */
export function encodeResponse(protocol: Protocol, response: Response): Buffer {
  return Buffer.concat(protocol === 'delta' ? deltaParts(response) : sotwParts(response));
}

/** `DeltaDiscoveryResponse`: system_version_info 1, resources 2, type_url 4, nonce 5, removed_resources 6. */
function deltaParts(response: Response): Uint8Array[] {
  const parts = [stringField(1, response.version)];
  const typeUrl = stringField(1, response.typeUrl);
  for (const resource of response.resources) {
    // Resource: version 1, resource (an Any) 2, name 3, aliases 4.
    const name = stringField(3, resource.name);
    const version = stringField(1, resource.version);
    const aliases = aliasFields(response.aliases?.get(resource.name));
    const any = anyHead(2, typeUrl, resource);
    const length = name.length + version.length + aliases.length + any.length + resource.bytes.length;
    parts.push(tag(2, length), name, version, aliases, any, resource.bytes);
  }
  for (const name of response.absent ?? []) {
    const fields = Buffer.concat([stringField(3, name), aliasFields([name])]);
    parts.push(tag(2, fields.length), fields);
  }
  parts.push(stringField(4, response.typeUrl), stringField(5, response.nonce));
  for (const name of response.removed) parts.push(stringField(6, name));
  return parts;
}

/** `DiscoveryResponse`: version_info 1, resources (of Any) 2, type_url 4, nonce 5. */
function sotwParts(response: Response): Uint8Array[] {
  const parts = [stringField(1, response.version)];
  const typeUrl = stringField(1, response.typeUrl);
  for (const resource of response.resources) parts.push(anyHead(2, typeUrl, resource), resource.bytes);
  parts.push(stringField(4, response.typeUrl), stringField(5, response.nonce));
  return parts;
}

function aliasFields(names: readonly string[] = []): Uint8Array {
  return Buffer.concat(names.map((name) => stringField(4, name)));
}

/** All of a field with an Any (type_url 1, value 2) in it, up to the value's bytes. */
function anyHead(field: number, typeUrl: Uint8Array, resource: Resource): Uint8Array {
  const value = tag(2, resource.bytes.length);
  const start = tag(field, typeUrl.length + value.length + resource.bytes.length);
  return Buffer.concat([start, typeUrl, value]);
}

function stringField(field: number, text: string): Uint8Array {
  const bytes = Buffer.from(text, 'utf8');
  return Buffer.concat([tag(field, bytes.length), bytes]);
}

const LENGTH_DELIMITED = 2;

/** The tag and the length of a length-delimited field; `field` is below 16. */
function tag(field: number, length: number): Uint8Array {
  const bytes = [(field << 3) | LENGTH_DELIMITED];
  let rest = length;
  while (rest > 0x7f) {
    bytes.push((rest & 0x7f) | 0x80);
    rest >>>= 7;
  }
  bytes.push(rest);
  return Uint8Array.from(bytes);
}
