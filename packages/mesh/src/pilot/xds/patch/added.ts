import type { Cluster } from '@lateen/envoy-api/envoy/config/cluster/v3/cluster_pb.js';
import type { TypedExtensionConfig } from '@lateen/envoy-api/envoy/config/core/v3/extension_pb.js';
import type { Listener } from '@lateen/envoy-api/envoy/config/listener/v3/listener_pb.js';
import { addSources } from '../translate/metadata.ts';
import type { Patch, PatchContext, PatchTarget } from './patch.ts';

/** What a patch adds to a proxy itself, and not to a part of it that has to be found first. */
export interface Added<M> {
  readonly message: M;
  readonly patch: Patch;
}

/** @param contexts those of the proxy: for a sidecar both directions */
export function addedClusters(contexts: readonly PatchContext[], patches: readonly Patch[]): Added<Cluster>[] {
  return added<Cluster>('CLUSTER', contexts, patches).map(withSource);
}

export function addedListeners(contexts: readonly PatchContext[], patches: readonly Patch[]): Added<Listener>[] {
  return added<Listener>('LISTENER', contexts, patches).map(withSource);
}

/** Configuration of filters that listeners refer to by name (ECDS). */
export function addedExtensions(
  contexts: readonly PatchContext[],
  patches: readonly Patch[],
): Added<TypedExtensionConfig>[] {
  return added('EXTENSION_CONFIG', contexts, patches);
}

/** Of several with one name the first counts. */
function added<M extends Cluster | Listener | TypedExtensionConfig>(
  target: PatchTarget,
  contexts: readonly PatchContext[],
  patches: readonly Patch[],
): Added<M>[] {
  const found = new Map<string, Added<M>>();
  for (const patch of patches) {
    if (patch.target !== target || patch.operation !== 'ADD' || patch.value === undefined) continue;
    if (patch.context !== 'ANY' && !contexts.includes(patch.context)) continue;
    const message = patch.value.message as M;
    if (!found.has(message.name)) found.set(message.name, { message, patch });
  }
  return [...found.values()];
}

function withSource<M extends Cluster | Listener>({ message, patch }: Added<M>): Added<M> {
  return { message: addSources(message, [patch.source]), patch };
}
