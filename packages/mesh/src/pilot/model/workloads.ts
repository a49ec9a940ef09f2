import type { ConfigObject } from '@lateen/api/kinds.ts';
import type { WorkloadInstance } from '@lateen/api/workload-instance.ts';
import type { Collection, Reader } from '../incremental/collection.ts';
import type { Graph } from '../incremental/graph.ts';
import { hasLabels } from './service.ts';
import { buildWorkloadAddress, type WorkloadAddress } from './workload-address.ts';

type Labels = Readonly<Record<string, string>>;

/** What selectors find, by namespace and label. */
export interface Workloads {
  readonly instancesByLabel: Collection<readonly WorkloadInstance[]>;
  readonly entriesByLabel: Collection<readonly WorkloadAddress[]>;
}

export function deriveWorkloads(
  graph: Graph,
  objects: Collection<ConfigObject>,
  instances: Collection<WorkloadInstance>,
): Workloads {
  const entries = graph.derive('workload entries', objects, (object) =>
    object.kind === 'WorkloadEntry'
      ? buildWorkloadAddress(object.spec, object.metadata.namespace, object.metadata.name)
      : undefined,
  );
  return {
    instancesByLabel: graph.index('instances by label', instances, labelKeysOf),
    entriesByLabel: graph.index('workload entries by label', entries, labelKeysOf),
  };
}

/** Workloads of a namespace with all of these labels; with none given, all of the namespace. */
export function membersOf<W extends { readonly labels: Labels }>(
  selector: Labels,
  namespace: string,
  byLabel: Collection<readonly W[]>,
  read: Reader,
): readonly W[] {
  return (read.get(byLabel, selectorKey(selector, namespace)) ?? []).filter(({ labels }) =>
    hasLabels(labels, selector),
  );
}

/** Under which keys a selector may be found that fits a workload. */
export function labelKeysOf({ namespace, labels }: { readonly namespace: string; readonly labels: Labels }): string[] {
  return [`${namespace}|`, ...Object.entries(labels).map(([key, value]) => `${namespace}|${key}=${value}`)];
}

/** The label by which a selector is looked up: one is enough, the others are checked on what it finds. */
export function selectorKey(selector: Labels, namespace: string): string {
  const [first] = Object.entries(selector).sort(([a], [b]) => (a < b ? -1 : 1));
  return first === undefined ? `${namespace}|` : `${namespace}|${first[0]}=${first[1]}`;
}
