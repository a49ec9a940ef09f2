import type { JsonObject } from '@bufbuild/protobuf';
import type { EnvoyFilter } from '@lateen/api/kinds.ts';
import type { Bootstrap } from '@lateen/envoy-api/envoy/config/bootstrap/v3/bootstrap_pb.js';
import { BootstrapSchema } from '@lateen/envoy-api/envoy/config/bootstrap/v3/bootstrap_pb.js';
import { mergeMessage } from '@lateen/envoy-api/merge';
import { parseMessage } from '@lateen/envoy-api/parse';
import { registry, toYamlObject } from '@lateen/envoy-api/registry';
import type { BootstrapPatch } from '../../registry/processes/link.ts';
import { contextsOf, inOrder, type PatchSource } from './select.ts';

/** The BOOTSTRAP patches of all EnvoyFilters in their order, as plain data for who writes bootstraps. */
export function bootstrapPatches(
  sources: readonly PatchSource[],
  objectOf: (key: PatchSource['key']) => EnvoyFilter | undefined,
  rootNamespace: string,
): BootstrapPatch[] {
  return inOrder(sources, rootNamespace).flatMap((source) =>
    source.patches.flatMap((patch, index): BootstrapPatch[] => {
      const value = objectOf(source.key)?.spec.configPatches?.[index]?.patch.value;
      if (patch.target !== 'BOOTSTRAP' || value === undefined) return [];
      const { context, proxy } = patch;
      const { name, namespace } = source;
      return [
        {
          source: { name, namespace, path: patch.source.path ?? '' },
          roles: (['sidecar', 'router'] as const).filter(
            (role) => context === 'ANY' || contextsOf(role).includes(context),
          ),
          ...(namespace === rootNamespace ? {} : { namespace }),
          selectors: source.selectors,
          ...(proxy.version === undefined ? {} : { proxyVersion: proxy.version.source }),
          metadata: proxy.metadata,
          value: value as JsonObject,
        },
      ];
    }),
  );
}

/** A bootstrap in Envoy's JSON with these values merged into it, one after the other. They were checked before. */
export function patchBootstrap(bootstrap: object, values: readonly JsonObject[]): JsonObject {
  const read = (value: unknown) => {
    const { written, problems } = parseMessage(BootstrapSchema, value, { registry: registry() });
    const [problem] = problems;
    if (problem !== undefined) throw new Error(`${problem.path.join('.')}: ${problem.message}`);
    return written;
  };
  const start = read(bootstrap).message as Bootstrap;
  const merged = values.reduce((current, value) => mergeMessage(current, read(value)), start);
  return toYamlObject(merged, { showSecrets: true });
}
