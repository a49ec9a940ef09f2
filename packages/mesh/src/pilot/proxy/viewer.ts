import { instanceKey, type WorkloadInstance } from '@lateen/api/workload-instance.ts';
import { localityOf, localityText } from '../model/locality.ts';
import type { PlacedCluster } from './endpoint-sets.ts';
import type { LocalityIr } from './ir/endpoints.ts';

/**
 * All that decides what a proxy holds of what is shared: its class, and from where it looks at endpoints. What proxies of
 * equal viewers hold is put together once for all of them.
 */
export interface Viewer {
  /** Equal viewers have equal keys. */
  readonly key: string;
  readonly classKey: string;
  /** Here and below: only where it counts for some cluster of the class. */
  readonly locality?: LocalityIr;
  readonly labels: Readonly<Record<string, string>>;
  /** Workloads that are one application. */
  readonly application?: string;
  /** Where each client counts for itself. */
  readonly client?: string;
  /** Where applications are told ports: the services that have a listener, as `HOSTNAME:PORT`, in order. */
  readonly servicePorts?: readonly string[];
}

/** What of its clients counts for the clusters of a class. */
export interface PlacementAspects {
  readonly isPlaced: boolean;
  readonly labels: readonly string[];
  readonly byApplication: boolean;
  readonly byClient: boolean;
}

export function placementAspects(placed: readonly PlacedCluster[]): PlacementAspects {
  const labels = new Set<string>();
  let byApplication = false;
  let byClient = false;
  for (const { placement } of placed) {
    if (placement.type === 'affinity') byClient = true;
    else if (placement.type !== 'distribute') for (const { key } of placement.order.labels) labels.add(key);
    if (placement.type === 'zone-aware') byApplication = true;
  }
  return { isPlaced: placed.length > 0, labels: [...labels].sort(), byApplication, byClient };
}

export function viewerOf(
  instance: WorkloadInstance,
  classKey: string,
  { isPlaced, labels: asked, byApplication, byClient }: PlacementAspects,
): Viewer {
  const { capture } = instance;
  const locality = isPlaced ? localityOf(instance.labels) : undefined;
  const labels = asked.flatMap((key) => {
    const value = instance.labels[key];
    return value === undefined ? [] : [[key, value] as const];
  });
  const application = byApplication ? applicationKey(instance) : undefined;
  const client = byClient ? instanceKey(instance) : undefined;
  const servicePorts = capture.mode === 'explicit' ? Object.keys(capture.servicePorts).sort() : undefined;
  const key = [
    classKey,
    ...(locality === undefined ? [] : [`from ${localityText(locality)}`]),
    ...labels.map(([name, value]) => `${name}=${value}`),
    ...(application === undefined ? [] : [`of ${application}`]),
    ...(client === undefined ? [] : [`as ${client}`]),
    ...(servicePorts ?? []),
  ].join(' ');
  return {
    key,
    classKey,
    ...(locality === undefined ? {} : { locality }),
    labels: Object.fromEntries(labels),
    ...(application === undefined ? {} : { application }),
    ...(client === undefined ? {} : { client }),
    ...(servicePorts === undefined ? {} : { servicePorts }),
  };
}

/** Workloads that are one application, as Envoy's own name for its cluster has it. */
export function applicationKey({ namespace, workload, labels }: WorkloadInstance): string {
  return instanceKey({ namespace, name: labels.app ?? labels['app.kubernetes.io/name'] ?? workload });
}
