import type { EnvoyFilter } from '@lateen/api/kinds.ts';
import { keyOf, type ObjectKey } from '@lateen/api/object-key.ts';
import { GATEWAY_CLASS_LABEL, GATEWAY_NAME_LABEL } from '../../model/gateway-api/gateway-deployment.ts';
import { hasLabels } from '../../model/service.ts';
import { buildPatches } from './build.ts';
import type { Patch, PatchContext } from './patch.ts';

/** An EnvoyFilter, ready to be applied. */
export interface PatchSource {
  readonly key: ObjectKey;
  readonly name: string;
  readonly namespace: string;
  readonly priority: number;
  /** As an API server writes it; empty for an object that never saw one. */
  readonly created: string;
  /** Of the workloads that it is for: those with all labels of one of these. Empty: all. */
  readonly selectors: readonly Readonly<Record<string, string>>[];
  /** Where these are said. */
  readonly selectorPath?: string;
  readonly patches: readonly Patch[];
}

/** A proxy, as far as EnvoyFilters ask. */
export interface PatchedProxy {
  readonly role: 'sidecar' | 'router';
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Of Envoy's node. */
  readonly metadata: Readonly<Record<string, unknown>>;
}

export function buildPatchSource(object: EnvoyFilter): PatchSource {
  const { name, namespace, creationTimestamp = '' } = object.metadata;
  const { priority = 0, workloadSelector, targetRefs = [] } = object.spec;
  const { patches } = buildPatches(object);
  const labels = workloadSelector?.labels ?? {};
  const hasLabelsToAsk = Object.keys(labels).length > 0;
  const selectors = [
    ...(hasLabelsToAsk ? [labels] : []),
    ...targetRefs.map(({ kind, name: target }) => ({
      [kind === 'GatewayClass' ? GATEWAY_CLASS_LABEL : GATEWAY_NAME_LABEL]: target,
    })),
  ];
  const selectorPath = hasLabelsToAsk ? 'spec.workloadSelector' : 'spec.targetRefs';
  return {
    key: keyOf(object),
    name,
    namespace,
    priority,
    created: creationTimestamp,
    selectors,
    ...(selectors.length === 0 ? {} : { selectorPath }),
    patches,
  };
}

/** The contexts of a proxy of this role: a sidecar has one for each direction. */
export function contextsOf(role: PatchedProxy['role']): readonly PatchContext[] {
  return role === 'router' ? ['GATEWAY'] : ['SIDECAR_INBOUND', 'SIDECAR_OUTBOUND'];
}

/** Whether an EnvoyFilter is for a proxy: of its own namespace or, if it is in the root namespace, of any. */
export function selects(source: PatchSource, proxy: PatchedProxy, rootNamespace: string): boolean {
  const { namespace, selectors } = source;
  if (namespace !== rootNamespace && namespace !== proxy.namespace) return false;
  return selectors.length === 0 || selectors.some((labels) => hasLabels(proxy.labels, labels));
}

/** Istio's order: by priority, those of the root namespace first, the older ones first, and by name. */
export function inOrder(sources: readonly PatchSource[], rootNamespace: string): readonly PatchSource[] {
  const key = ({ namespace, created, name }: PatchSource) =>
    [namespace === rootNamespace ? '0' : '1', created, name, namespace].join('\0');
  return [...sources].sort((a, b) => (a.priority === b.priority ? compare(key(a), key(b)) : a.priority - b.priority));
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Whether a patch can be for any part of this proxy. */
export function isForProxy({ context, proxy: wanted }: Patch, proxy: PatchedProxy): boolean {
  if (context !== 'ANY' && !contextsOf(proxy.role).includes(context)) return false;
  const { ISTIO_VERSION: version } = proxy.metadata;
  // As in Istio, a proxy that does not say its version has none that could match.
  if (wanted.version !== undefined && !(typeof version === 'string' && wanted.version.test(version))) return false;
  return Object.entries(wanted.metadata).every(([key, value]) => proxy.metadata[key] === value);
}
