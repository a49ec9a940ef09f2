import type { DestinationRule as DestinationRuleObject } from '@lateen/api/kinds.ts';
import type { LoadBalancerIr } from '../proxy/ir/cluster.ts';
import type { SourceRef } from '../proxy/ir/source.ts';
import type { ClientClass } from './client.ts';
import { resolveHost } from './hostname.ts';
import { hasLabels } from './service.ts';
import { buildVisibility, isVisible, type Visibility } from './visibility.ts';

/** How a service is called: what one DestinationRule says. */
export interface TrafficPolicy {
  readonly host: string;
  readonly namespace: string;
  readonly loadBalancer?: LoadBalancerIr;
  readonly subsets: readonly Subset[];
  readonly visibility: Visibility;
  /** Only for clients with all of these labels. */
  readonly clients?: Readonly<Record<string, string>>;
  /** Keys of `clients`. */
  readonly askedLabels: readonly string[];
  readonly source: SourceRef;
}

export interface Subset {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly loadBalancer?: LoadBalancerIr;
  readonly source: SourceRef;
}

/** `UNSPECIFIED` leaves the choice to the mesh, and `LEAST_CONN` is the old name of `LEAST_REQUEST`. */
const LOAD_BALANCERS: Readonly<Record<string, LoadBalancerIr | undefined>> = {
  ROUND_ROBIN: 'round-robin',
  LEAST_REQUEST: 'least-request',
  LEAST_CONN: 'least-request',
  RANDOM: 'random',
};

export function buildTrafficPolicy(object: DestinationRuleObject, clusterDomain: string): TrafficPolicy {
  const { name, namespace } = object.metadata;
  const source = { kind: 'DestinationRule', namespace, name };
  const clients = object.spec.workloadSelector?.matchLabels;
  return {
    host: resolveHost(object.spec.host, namespace, clusterDomain),
    namespace,
    ...loadBalancerOf(object.spec.trafficPolicy?.loadBalancer?.simple),
    visibility: buildVisibility(object.spec.exportTo, namespace),
    ...(clients === undefined ? {} : { clients }),
    askedLabels: Object.keys(clients ?? {}),
    subsets: (object.spec.subsets ?? []).map((subset, i) => ({
      name: subset.name,
      labels: subset.labels ?? {},
      ...loadBalancerOf(subset.trafficPolicy?.loadBalancer?.simple),
      source: { ...source, path: `spec.subsets[${i}]` },
    })),
    source,
  };
}

function loadBalancerOf(simple: string | undefined): { loadBalancer?: LoadBalancerIr } {
  const loadBalancer = LOAD_BALANCERS[simple ?? ''];
  return loadBalancer === undefined ? {} : { loadBalancer };
}

/**
 * The one policy that holds for a client: that of its own namespace, else that of the service's namespace, else that of
 * the root namespace (Istio's lookup order). Among several, the first by name.
 */
export function policyFor(
  policies: readonly TrafficPolicy[],
  client: Pick<ClientClass, 'namespace' | 'labels'>,
  serviceNamespace: string,
  rootNamespace: string,
): TrafficPolicy | undefined {
  const visible = policies.filter(
    ({ visibility, clients = {} }) => isVisible(visibility, client.namespace) && hasLabels(client.labels, clients),
  );
  for (const namespace of [client.namespace, serviceNamespace, rootNamespace]) {
    const found = visible.find((policy) => policy.namespace === namespace);
    if (found !== undefined) return found;
  }
  return undefined;
}
