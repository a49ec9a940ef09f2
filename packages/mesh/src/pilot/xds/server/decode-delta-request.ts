import { fromBinary } from '@bufbuild/protobuf';
import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';
import { type Node, NodeSchema } from '@lateen/envoy-api/envoy/config/core/v3/base_pb.js';
import { StatusSchema } from '@lateen/envoy-api/google/rpc/status_pb.js';

/** What Pilot reads of a `DeltaDiscoveryRequest`. */
export interface DecodedDeltaRequest {
  /** Without its extensions, of which Envoy lists hundreds. */
  readonly node: Node | undefined;
  readonly typeUrl: string;
  readonly nonce: string;
  /** The client's words, if it refuses something. */
  readonly error: string | undefined;
  readonly subscribe: readonly string[];
  readonly unsubscribe: readonly string[];
  readonly initialVersions: ReadonlyMap<string, string>;
}

/**
 * Does for this one message what the generated code does, about twice as fast: a proxy that reconnects names
 * everything that it holds, and after a restart of the control plane all proxies reconnect at once.
 * Throws when the bytes are no such message.
 */
export function decodeDeltaRequest(bytes: Uint8Array): DecodedDeltaRequest {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const reader = new BinaryReader(bytes);
  const nodes: Uint8Array[] = [];
  const errors: Uint8Array[] = [];
  const subscribe: string[] = [];
  const unsubscribe: string[] = [];
  const initialVersions = new Map<string, string>();
  let typeUrl = '';
  let nonce = '';
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    if (wireType !== WireType.LengthDelimited) {
      reader.skip(wireType, field);
      continue;
    }
    switch (field) {
      case 1:
        nodes.push(reader.bytes());
        break;
      case 2:
        typeUrl = text(reader, buffer);
        break;
      case 3:
        subscribe.push(text(reader, buffer));
        break;
      case 4:
        unsubscribe.push(text(reader, buffer));
        break;
      case 5:
        readEntry(reader, buffer, initialVersions);
        break;
      case 6:
        nonce = text(reader, buffer);
        break;
      case 7:
        errors.push(reader.bytes());
        break;
      default:
        reader.skip(wireType, field);
    }
  }
  return {
    node: nodes.length === 0 ? undefined : decodeNode(Buffer.concat(nodes)),
    typeUrl,
    nonce,
    // A message that comes in several pieces is all of them together.
    error: errors.length === 0 ? undefined : fromBinary(StatusSchema, Buffer.concat(errors)).message,
    subscribe,
    unsubscribe,
    initialVersions,
  };
}

/** The end of a length-delimited field that begins at the reader's place. */
function endOf(reader: BinaryReader): number {
  const length = reader.uint32();
  const end = reader.pos + length;
  if (end > reader.len) throw new RangeError('premature EOF');
  return end;
}

function text(reader: BinaryReader, buffer: Buffer): string {
  const end = endOf(reader);
  const found = buffer.toString('utf8', reader.pos, end);
  reader.pos = end;
  return found;
}

/** An entry of a map is a message with the key as field 1 and the value as field 2. */
function readEntry(reader: BinaryReader, buffer: Buffer, into: Map<string, string>): void {
  const end = endOf(reader);
  let key = '';
  let value = '';
  while (reader.pos < end) {
    const [field, wireType] = reader.tag();
    if (field === 1 && wireType === WireType.LengthDelimited) key = text(reader, buffer);
    else if (field === 2 && wireType === WireType.LengthDelimited) value = text(reader, buffer);
    else reader.skip(wireType, field);
  }
  if (reader.pos !== end) throw new RangeError('premature EOF');
  into.set(key, value);
}

/** The fields of `Node` that are read: id, cluster and metadata. */
const NODE_FIELDS = 3;

function decodeNode(bytes: Uint8Array): Node {
  const reader = new BinaryReader(bytes);
  const kept: Uint8Array[] = [];
  while (reader.pos < reader.len) {
    const start = reader.pos;
    const [field, wireType] = reader.tag();
    reader.skip(wireType, field);
    if (field <= NODE_FIELDS) kept.push(bytes.subarray(start, reader.pos));
  }
  return fromBinary(NodeSchema, Buffer.concat(kept));
}
