/**
 * Reads Envoy's own API out of the Envoy binary: protoc's C++ output embeds every `.proto` file as a serialized
 * `FileDescriptorProto` (google/protobuf/descriptor.proto), so the types are exactly those of the binary that we drive.
 */
import { fromBinary } from '@bufbuild/protobuf';
import { type FileDescriptorProto, FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';

const SUFFIX = Buffer.from('.proto');
const NAME_TAG = 0x0a;
const MAX_NAME_BYTES = 255;
const MAX_DESCRIPTOR_BYTES = 4 << 20;
const FILE_NAME = /^[a-z0-9_]+(\/[a-z0-9_.-]+)*\.proto$/i;

/** Wire types of FileDescriptorProto's fields by number: 2 = length-delimited, 0 = varint. */
const WIRE_TYPES: Readonly<Record<number, number>> = {
  1: 2,
  2: 2,
  3: 2,
  4: 2,
  5: 2,
  6: 2,
  7: 2,
  8: 2,
  10: 0,
  11: 0,
  12: 2,
};
const SYNTAX_FIELD = 12;

/** Every proto3 file embedded in `binary`, by file name. Candidates that do not parse are not descriptors. */
export function extractDescriptors(binary: Buffer): Map<string, FileDescriptorProto> {
  const files = new Map<string, FileDescriptorProto>();
  let at = binary.indexOf(SUFFIX);
  while (at !== -1) {
    const nameEnd = at + SUFFIX.length;
    const start = findNameTag(binary, nameEnd);
    const end = start === undefined ? undefined : findDescriptorEnd(binary, start);
    const file = start === undefined || end === undefined ? undefined : tryParse(binary.subarray(start, end));
    if (file !== undefined && !files.has(file.name)) files.set(file.name, file);
    at = binary.indexOf(SUFFIX, file === undefined || end === undefined ? nameEnd : end);
  }
  return files;
}

/** Walks back from the end of a name to its tag and length; undefined when the bytes are only a string. */
function findNameTag(binary: Buffer, nameEnd: number): number | undefined {
  for (let length = SUFFIX.length + 1; length <= MAX_NAME_BYTES; length++) {
    const prefixBytes = length < 128 ? 1 : 2;
    const start = nameEnd - length - prefixBytes - 1;
    if (start < 0) return undefined;
    if (binary[start] !== NAME_TAG) continue;
    const stated =
      prefixBytes === 1 ? binary[start + 1] : ((binary[start + 1] ?? 0) & 0x7f) | ((binary[start + 2] ?? 0) << 7);
    if (stated === length && FILE_NAME.test(binary.toString('latin1', nameEnd - length, nameEnd))) return start;
  }
  return undefined;
}

/** Walks the fields, which protoc writes in ascending order, up to and including `syntax`. */
function findDescriptorEnd(binary: Buffer, start: number): number | undefined {
  let at = start;
  let lastField = 0;
  const limit = Math.min(binary.length, start + MAX_DESCRIPTOR_BYTES);
  while (at < limit) {
    const tag = binary[at] ?? 0;
    const field = tag >> 3;
    if (field < lastField || WIRE_TYPES[field] !== (tag & 7)) return undefined;
    lastField = field;
    const value = readVarint(binary, at + 1);
    if (value === undefined) return undefined;
    at = (tag & 7) === 0 ? value.end : value.end + value.value;
    if (field === SYNTAX_FIELD) return at <= limit ? at : undefined;
  }
  return undefined;
}

function readVarint(binary: Buffer, start: number): { value: number; end: number } | undefined {
  let value = 0;
  for (let i = 0; i < 4; i++) {
    const byte = binary[start + i];
    if (byte === undefined) return undefined;
    value |= (byte & 0x7f) << (7 * i);
    if (byte < 128) return { value, end: start + i + 1 };
  }
  return undefined;
}

function tryParse(bytes: Buffer): FileDescriptorProto | undefined {
  try {
    const file = fromBinary(FileDescriptorProtoSchema, bytes);
    return file.syntax === 'proto3' || file.syntax === 'proto2' ? file : undefined;
  } catch {
    return undefined;
  }
}
