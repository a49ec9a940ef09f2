import type { Collection, Reader } from '../incremental/collection.ts';
import type { Graph } from '../incremental/graph.ts';
import { isInSubnet } from '../model/address.ts';
import { type MeshModel, meshRoutesFor } from '../model/mesh.ts';
import { MESH_GATEWAY, type RouteRuleSet } from '../model/route-rule.ts';
import type { Service } from '../model/service.ts';
import { isVisible } from '../model/visibility.ts';
import type { FilterChainIr } from './ir/listener.ts';
import type { SourceRef } from './ir/source.ts';
import { byPrecedence, candidateChains, candidatesAt, type L4Place } from './l4-chains.ts';

/** The rule sets for each service that has rules for its connections: by pattern of the host, the narrowest first. */
export type ConnectionRules = Collection<readonly (readonly RouteRuleSet[])[]>;

/** By key of the service. Most services have none, and are not in here. */
export function resolveConnectionRules(graph: Graph, model: MeshModel): ConnectionRules {
  return graph.derive('connection rules', model.services, (service, read) => {
    const byPattern = meshRoutesFor(service.hostname, model, read);
    return byPattern.flat().some(({ tls, tcp }) => tls.length + tcp.length > 0) ? byPattern : undefined;
  });
}

/** What rules make of the connections for a service port, and the rules. */
export interface RuleChains {
  readonly chains: readonly FilterChainIr[];
  readonly sources: readonly SourceRef[];
}

export const NO_CHAINS: RuleChains = { chains: [], sources: [] };

/** For the sidecar of `client`. Rules for server names come before those for all connections. */
export function ruleChains(
  connectionRules: ConnectionRules,
  client: L4Place['client'],
  service: Service,
  port: number,
  model: MeshModel,
  read: Reader,
): RuleChains {
  const byPattern = read.get(connectionRules, service.key);
  if (byPattern === undefined) return NO_CHAINS;
  const visible = byPattern.map((sets) => sets.filter(({ visibility }) => isVisible(visibility, client.namespace)));
  const ruleSets = [...(visible.find((sets) => sets.length > 0) ?? [])].sort(byPrecedence);
  const place: L4Place = {
    gateway: MESH_GATEWAY,
    client,
    port,
    isMeantFor: (subnets) => service.addresses.some((address) => subnets.some((subnet) => isInSubnet(address, subnet))),
  };
  const candidates = (['tls', 'tcp'] as const).flatMap((kind) =>
    ruleSets.flatMap((ruleSet) => candidatesAt(ruleSet[kind], place)),
  );
  const statPrefix = `outbound_${port}_${service.hostname}`;
  return {
    chains: candidateChains(candidates, place, statPrefix, model, read),
    sources: candidates.map(({ source }) => source),
  };
}
