import type { ConfigObject } from '@lateen/api/kinds.ts';
import { type Check, labelText, refOf } from '../check.ts';
import type { MeshView } from '../mesh-view.ts';
import type { WorkloadView } from '../workload-index.ts';

interface Selector {
  readonly labels: Readonly<Record<string, string>>;
  readonly path: string;
  /** Undefined: workloads of all namespaces. */
  readonly namespace?: string;
  readonly among?: (workload: WorkloadView) => boolean;
  readonly what: string;
}

/** Policies whose selector selects nothing, so that they hold for nobody. EnvoyFilters tell it themselves. */
export const selectors: Check = {
  about: 'selectors that match no workload',
  needsAll: true,
  *run(mesh) {
    const kinds = [
      'Gateway',
      'Sidecar',
      'PeerAuthentication',
      'DestinationRule',
      'EnvoyFilter',
      'ProxyConfig',
    ] as const;
    for (const kind of kinds) {
      for (const object of mesh.of(kind)) {
        const selector = selectorOf(object);
        if (selector === undefined || Object.keys(selector.labels).length === 0) continue;
        const { labels, namespace, among = () => true, path, what } = selector;
        if (mesh.workloads.selected(labels, namespace).some(among)) continue;
        const where = namespace === undefined ? '' : ` in the namespace ${namespace}`;
        const message = `no ${what}${where} has the labels ${labelText(labels)}${elsewhere(selector, mesh)}`;
        yield { code: 'LAT0610', object: refOf(object), path, message };
      }
    }
  },
};

function selectorOf(object: ConfigObject): Selector | undefined {
  const { namespace } = refOf(object);
  switch (object.kind) {
    case 'Gateway':
      return {
        labels: object.spec.selector ?? {},
        path: 'spec.selector',
        among: ({ isGateway }) => isGateway,
        what: 'gateway',
      };
    case 'Sidecar':
      return {
        labels: object.spec.workloadSelector?.labels ?? {},
        path: 'spec.workloadSelector.labels',
        namespace,
        what: 'workload',
      };
    case 'PeerAuthentication':
    case 'ProxyConfig':
      return {
        labels: object.spec.selector?.matchLabels ?? {},
        path: 'spec.selector.matchLabels',
        namespace,
        what: 'workload',
      };
    case 'DestinationRule':
      return {
        labels: object.spec.workloadSelector?.matchLabels ?? {},
        path: 'spec.workloadSelector.matchLabels',
        namespace,
        what: 'workload',
      };
    default:
      return undefined;
  }
}

/** Where there is one that nearly fits. */
function elsewhere({ labels, namespace, among = () => true }: Selector, mesh: MeshView): string {
  if (namespace === undefined) {
    const [other] = mesh.workloads.selected(labels).filter((each) => !among(each));
    return other === undefined
      ? ''
      : `; ${other.ref.kind} ${other.ref.namespace}/${other.ref.name} has them, but is no gateway`;
  }
  const [other] = mesh.workloads.selected(labels).filter(among);
  return other === undefined ? '' : `; ${other.ref.namespace}/${other.ref.name} has them, in another namespace`;
}
