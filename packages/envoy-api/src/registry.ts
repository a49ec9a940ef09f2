import { createRegistry, type DescFile, type JsonObject, type Message, type Registry } from '@bufbuild/protobuf';
import { files as coreFiles } from '../gen/core.js';
import { descriptors as otherDescriptors } from '../gen/other-descriptors.js';
import { hydrate, RUNTIME_FILES } from './hydrate.ts';
import { type PrintOptions, printMessage } from './print.ts';

export { encode, packAny, typeUrl } from './encode.ts';
export { type PrintOptions, REDACTED } from './print.ts';

let built: { files: DescFile[]; registry: Registry } | undefined;

/** Every type of Envoy's API that we generate, and protobuf's own. Built on the first call (about 60 ms), then kept. */
export function registry(): Registry {
  return build().registry;
}

/** The generated files' descriptors, in dependency order. */
export function allFiles(): readonly DescFile[] {
  return build().files;
}

/**
 * `message` as plain data that `yaml` or `JSON.stringify` writes as Envoy's own configuration: proto field names, every
 * Any expanded, secrets hidden unless asked for. Throws a TypeError when the registry
 * has no such type: it comes from another API.
 */
export function toYamlObject(message: Message, options: PrintOptions = {}): JsonObject {
  const schema = registry().getMessage(message.$typeName);
  if (schema === undefined) throw new TypeError(`the registry of Envoy's types has no ${message.$typeName}`);
  return printMessage(registry(), schema, message, options) as JsonObject;
}

function build(): { files: DescFile[]; registry: Registry } {
  if (built === undefined) {
    const files = [...coreFiles.values(), ...hydrate(otherDescriptors, coreFiles.values()).values()];
    built = { files, registry: createRegistry(...RUNTIME_FILES, ...files) };
  }
  return built;
}
