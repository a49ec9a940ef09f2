import type { Collection } from '../../incremental/collection.ts';
import type { Graph } from '../../incremental/graph.ts';
import { serviceHostname } from '../hostname.ts';
import { destinationsOf, MESH_GATEWAY } from '../route-rule.ts';
import type { Problem } from './conditions.ts';
import type { KubernetesGateways } from './gateways.ts';
import { ownerOfListener } from './listener.ts';
import type { KubernetesRoutes } from './routes.ts';

/** How a policy for services stands with each Gateway whose requests it is for. */
export interface PolicyState {
  /** Gateways whose routes lead to one of the services. The problems are the same with each. */
  readonly ancestors: readonly { readonly namespace: string; readonly name: string }[];
  readonly problems: readonly Problem[];
}

/** What is asked of any policy for services of its namespace. */
export interface ServicePolicy {
  readonly namespace: string;
  readonly targets: readonly { readonly service: string }[];
}

/** Of one kind, by object key. */
interface ServicePolicies {
  readonly policies: Collection<ServicePolicy>;
  readonly problems: Collection<readonly Problem[]>;
}

export function derivePolicyStates(
  graph: Graph,
  { listeners }: Pick<KubernetesGateways, 'listeners'>,
  { ruleSets }: Pick<KubernetesRoutes, 'ruleSets'>,
  clusterDomain: string,
): (kind: ServicePolicies) => Collection<PolicyState> {
  const byBackend = graph.index(
    'rule sets by backend',
    graph.derive('rule sets of listeners', ruleSets, (set) => (set.gateways.includes(MESH_GATEWAY) ? undefined : set)),
    (set) => [...new Set(destinationsOf(set).map(({ host }) => host))],
  );
  return ({ policies, problems }) =>
    graph.derive('states of policies', policies, ({ namespace, targets }, read, key) => {
      const sets = targets.flatMap(
        ({ service }) => read.get(byBackend, serviceHostname(service, namespace, clusterDomain)) ?? [],
      );
      const owners = new Set(sets.flatMap(({ gateways }) => gateways.map(ownerOfListener)));
      const gateways = [...owners].flatMap((owner) => read.get(listeners, owner)?.gateway ?? []);
      const distinct = new Map(gateways.map((gateway) => [`${gateway.namespace}/${gateway.name}`, gateway]));
      return {
        ancestors: [...distinct].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, gateway]) => gateway),
        problems: read.get(problems, key) ?? [],
      };
    });
}
