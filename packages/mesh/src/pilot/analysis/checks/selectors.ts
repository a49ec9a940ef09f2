import type { ConfigObject } from '@lateen/api/kinds.ts';
import { type Check, labelText, refOf } from '../check.ts';

interface Selector {
  readonly labels: Readonly<Record<string, string>>;
  readonly path: string;
}

/** Policies that select nothing, so that they hold for nobody. Of Gateways and EnvoyFilters it is told elsewhere. */
export const selectors: Check = {
  about: 'selectors that match no workload',
  needsAll: true,
  *run(mesh) {
    for (const kind of ['Sidecar', 'PeerAuthentication', 'DestinationRule', 'ProxyConfig'] as const) {
      for (const object of mesh.of(kind)) {
        const { labels, path } = selectorOf(object);
        const { namespace } = object.metadata;
        if (Object.keys(labels).length === 0 || mesh.workloads.selected(labels, namespace).length > 0) continue;
        const [other] = mesh.workloads.selected(labels);
        const hint = other === undefined ? '' : `; ${other.namespace}/${other.ref.name} has them, in another namespace`;
        const message = `no workload in the namespace ${namespace} has the labels ${labelText(labels)}${hint}`;
        yield { code: 'LAT0610', object: refOf(object), path, message };
      }
    }
  },
};

function selectorOf(object: ConfigObject): Selector {
  switch (object.kind) {
    case 'Sidecar':
      return { labels: object.spec.workloadSelector?.labels ?? {}, path: 'spec.workloadSelector.labels' };
    case 'DestinationRule':
      return { labels: object.spec.workloadSelector?.matchLabels ?? {}, path: 'spec.workloadSelector.matchLabels' };
    case 'PeerAuthentication':
    case 'ProxyConfig':
      return { labels: object.spec.selector?.matchLabels ?? {}, path: 'spec.selector.matchLabels' };
    default:
      return { labels: {}, path: '' };
  }
}
