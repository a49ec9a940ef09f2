import { create, createFileRegistry, type DescFile, fromBinary } from '@bufbuild/protobuf';
import { base64Decode } from '@bufbuild/protobuf/wire';
import {
  type FileDescriptorProto,
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
  file_google_protobuf_any,
  file_google_protobuf_duration,
  file_google_protobuf_empty,
  file_google_protobuf_field_mask,
  file_google_protobuf_source_context,
  file_google_protobuf_struct,
  file_google_protobuf_timestamp,
  file_google_protobuf_type,
  file_google_protobuf_wrappers,
} from '@bufbuild/protobuf/wkt';

/** The files of protobuf itself, whose modules the runtime has. */
export const RUNTIME_FILES: readonly DescFile[] = [
  file_google_protobuf_any,
  file_google_protobuf_duration,
  file_google_protobuf_empty,
  file_google_protobuf_field_mask,
  file_google_protobuf_source_context,
  file_google_protobuf_struct,
  file_google_protobuf_timestamp,
  file_google_protobuf_type,
  file_google_protobuf_wrappers,
];

/**
 * Builds the descriptors of a base64 FileDescriptorSet in one registry. The set is in dependency order; imports that
 * it does not hold come from `known` or from the protobuf runtime. Keys of the result are proto file names (`a/b.proto`).
 */
export function hydrate(base64: string, known: Iterable<DescFile> = []): Map<string, DescFile> {
  const { file: protos } = fromBinary(FileDescriptorSetSchema, decodeBase64(base64));
  const available = new Map<string, DescFile | FileDescriptorProto>();
  for (const file of RUNTIME_FILES) available.set(file.proto.name, file);
  for (const file of known) available.set(file.proto.name, file);
  for (const proto of protos) available.set(proto.name, proto);

  // A registry starts from one file: this one imports all of them, and is left out of the result. The registry adds
  // files in the reverse of the order in which it meets them, and must meet a file before what that file imports.
  const all = create(FileDescriptorProtoSchema, {
    name: 'all.proto',
    syntax: 'proto3',
    dependency: protos.map((proto) => proto.name).reverse(),
  });
  const registry = createFileRegistry(all, (name) => available.get(name));
  const files = new Map<string, DescFile>();
  for (const { name } of protos) {
    const file = registry.getFile(name);
    if (file !== undefined) files.set(name, file);
  }
  return files;
}

/** The native decoder is ten times as fast; the runtime's own serves browsers and older engines. */
function decodeBase64(text: string): Uint8Array {
  return typeof Uint8Array.fromBase64 === 'function' ? Uint8Array.fromBase64(text) : base64Decode(text);
}
