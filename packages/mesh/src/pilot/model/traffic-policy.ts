import type { DestinationRule as DestinationRuleObject } from '@lateen/api/kinds.ts';
import type { LoadBalancerIr } from '../proxy/ir/cluster.ts';
import type { SourceRef } from '../proxy/ir/source.ts';
import { resolveHost } from './hostname.ts';

/** How a service is called: what one DestinationRule says. */
export interface TrafficPolicy {
  readonly host: string;
  readonly namespace: string;
  readonly loadBalancer?: LoadBalancerIr;
  readonly subsets: readonly Subset[];
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
  return {
    host: resolveHost(object.spec.host, namespace, clusterDomain),
    namespace,
    ...loadBalancerOf(object.spec.trafficPolicy?.loadBalancer?.simple),
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
  clientNamespace: string,
  serviceNamespace: string,
  rootNamespace: string,
): TrafficPolicy | undefined {
  for (const namespace of [clientNamespace, serviceNamespace, rootNamespace]) {
    const found = policies.find((policy) => policy.namespace === namespace);
    if (found !== undefined) return found;
  }
  return undefined;
}
