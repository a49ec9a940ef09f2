import type { DescMessage, Message } from '@bufbuild/protobuf';
import { type EnvoyFilter, kinds } from '@lateen/api/kinds.ts';
import { validate } from '@lateen/api/validate.ts';
import { parseMessage } from '@lateen/envoy-api/parse';
import { registry, toYamlObject } from '@lateen/envoy-api/registry';
import { parse } from 'yaml';
import { buildPatches, type PatchProblem } from '../build.ts';
import { byTarget, type Patch, type Patches } from '../patch.ts';

/** What an EnvoyFilter with these `configPatches` (YAML) is made into. */
export function built(configPatches: string): {
  readonly patches: readonly Patch[];
  readonly problems: readonly PatchProblem[];
} {
  const spec = { configPatches: parse(configPatches) as unknown };
  const object = {
    apiVersion: 'networking.istio.io/v1alpha3',
    kind: 'EnvoyFilter',
    metadata: { name: 'f', namespace: 'default' },
    spec,
  };
  const { object: valid, errors } = validate(kinds.EnvoyFilter, object);
  if (valid === undefined) throw new Error(errors.map(({ message }) => message).join('\n'));
  return buildPatches(valid as EnvoyFilter);
}

export function patchesOf(configPatches: string): Patches {
  const { patches, problems } = built(configPatches);
  if (problems.length > 0) throw new Error(problems.map(({ message }) => message).join('\n'));
  return byTarget(patches);
}

export function messageOf<M extends Message>(schema: DescMessage, yaml: string): M {
  const { written, problems } = parseMessage(schema, parse(yaml), { registry: registry() });
  if (problems.length > 0) throw new Error(problems.map(({ message }) => message).join('\n'));
  return written.message as M;
}

/** As plain data, without the metadata that tells where it came from. */
export function plain(message: Message | undefined): unknown {
  return message === undefined ? undefined : JSON.parse(JSON.stringify(toYamlObject(message), dropMetadata));
}

function dropMetadata(key: string, value: unknown): unknown {
  return key === 'metadata' ? undefined : value;
}
