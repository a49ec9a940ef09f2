/** Runs protoc-gen-es as protoc would: a CodeGeneratorRequest on its input, a CodeGeneratorResponse on its output. */
import { spawnSync } from 'node:child_process';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import type { FileDescriptorProto } from '@bufbuild/protobuf/wkt';
import {
  CodeGeneratorRequestSchema,
  CodeGeneratorResponseSchema,
} from '@bufbuild/protobuf/wkt/google/protobuf/compiler/plugin_pb.js';

const PARAMETER = 'target=js+dts,import_extension=js';
const MAX_OUTPUT_BYTES = 256 << 20;

export interface GeneratedFile {
  name: string;
  content: string;
}

/** `protoFile` must hold every import, in dependency order; `fileToGenerate` names the ones to write code for. */
export function generateCode(
  pluginPath: string,
  protoFile: FileDescriptorProto[],
  fileToGenerate: string[],
): GeneratedFile[] {
  const request = create(CodeGeneratorRequestSchema, { parameter: PARAMETER, protoFile, fileToGenerate });
  const run = spawnSync(process.execPath, [pluginPath], {
    input: toBinary(CodeGeneratorRequestSchema, request),
    maxBuffer: MAX_OUTPUT_BYTES,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  if (run.error !== undefined) throw run.error;
  if (run.status !== 0) throw new Error(`protoc-gen-es failed (${run.status ?? run.signal}): ${run.stderr.toString()}`);
  const response = fromBinary(CodeGeneratorResponseSchema, run.stdout);
  if (response.error !== '') throw new Error(`protoc-gen-es: ${response.error}`);
  return response.file.map(({ name, content }) => ({ name, content }));
}
