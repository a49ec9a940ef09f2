import type { Reader } from '../incremental/collection.ts';
import type { ClientClass } from '../model/client.ts';
import { compareRanks } from '../model/gateway-api/precedence.ts';
import type { L4Match, L4Rule } from '../model/l4-rule.ts';
import type { MeshModel } from '../model/mesh.ts';
import type { Destination, WeightedDestination } from '../model/route-action.ts';
import type { RouteRuleSet } from '../model/route-rule.ts';
import { hasLabels, serviceSeenFrom } from '../model/service.ts';
import { clusterName, NO_BACKEND_CLUSTER, policyForClient, settingsOfPort } from './clusters.ts';
import { lookUpPort } from './discovery.ts';
import { tcpHandler } from './filter-chains.ts';
import type { FilterChainIr, FilterChainMatchIr, TcpConnectionIr, TcpProxyIr } from './ir/listener.ts';
import type { SourceRef } from './ir/source.ts';
import { meantBy } from './service-names.ts';
import { resolveTcpConnection } from './upstream-policy.ts';

/** A connection that rules are asked about: where it comes from, where it arrives, and what it is meant for. */
export interface L4Place {
  /** `mesh`, or `NAMESPACE/NAME` of a Gateway. */
  readonly gateway: string;
  /** The workload whose proxy it is. */
  readonly client: Pick<ClientClass, 'role' | 'namespace' | 'labels'>;
  /** Of the service, or of the gateway's server. */
  readonly port: number;
  /**
   * Whether the address that the connection is meant for lies in one of the subnets. Absent: that is the address which
   * the client connected to, so Envoy finds out.
   */
  readonly isMeantFor?: (subnets: readonly string[]) => boolean;
}

/** A rule's match that may hold at a place, and what is left of it to be found out from the connection. */
export interface L4Candidate {
  readonly match: FilterChainMatchIr;
  readonly destinations: readonly WeightedDestination[];
  readonly refused?: number;
  readonly source: SourceRef;
}

/** The matches of rules that may hold at a place, in their order. TLS rules ask for one of their server names. */
export function candidatesAt(rules: readonly L4Rule[], place: L4Place): L4Candidate[] {
  return rules.flatMap(({ matches, destinations, refused }) =>
    matches
      .filter((match) => mayHold(match, place))
      .map(({ sniHosts, destinationSubnets, sourceSubnet, source }) => ({
        match: {
          ...(sniHosts === undefined ? {} : { ...serverNames(sniHosts), transport: 'tls' as const }),
          ...(place.isMeantFor !== undefined || destinationSubnets.length === 0
            ? {}
            : { destinationRanges: destinationSubnets }),
          ...(sourceSubnet === undefined ? {} : { sourceRanges: [sourceSubnet] }),
        },
        destinations,
        ...(refused === undefined ? {} : { refused }),
        source,
      })),
  );
}

function mayHold(match: L4Match, { gateway, client, port, isMeantFor }: L4Place): boolean {
  return (
    (match.port === undefined || match.port === port) &&
    (match.gateways === undefined || match.gateways.includes(gateway)) &&
    (match.sourceNamespace === undefined || match.sourceNamespace === client.namespace) &&
    hasLabels(client.labels, match.sourceLabels) &&
    (isMeantFor === undefined || match.destinationSubnets.length === 0 || isMeantFor(match.destinationSubnets))
  );
}

/** Envoy has no word for "any server name" but to ask for none. */
export function serverNames(hosts: readonly string[]): Pick<FilterChainMatchIr, 'serverNames'> {
  return hosts.includes('*') ? {} : { serverNames: hosts };
}

/**
 * One chain for each candidate. Envoy takes the chain whose match fits best, not the first, and refuses a listener in
 * which two are equal: so what an earlier one has is taken away from the later ones.
 */
export function candidateChains(
  candidates: readonly L4Candidate[],
  place: L4Place,
  statPrefix: string,
  model: MeshModel,
  read: Reader,
): FilterChainIr[] {
  const taken = new Set<string>();
  return candidates.flatMap((candidate) => {
    const match = withoutTaken(candidate.match, taken);
    if (match === undefined) return [];
    const { namespace, name, path = '' } = candidate.source;
    return [
      {
        name: `${namespace}/${name} ${path.replace(/^spec\./, '')}`,
        match,
        handler: tcpHandler(proxyTo(statPrefix, candidate, place, model, read)),
      },
    ];
  });
}

const ANY = '';

export function withoutTaken(match: FilterChainMatchIr, taken: Set<string>): FilterChainMatchIr | undefined {
  const keysFor = (serverName: string) =>
    (match.destinationRanges ?? [ANY]).flatMap((destination) =>
      (match.sourceRanges ?? [ANY]).map((source) =>
        [match.transport ?? ANY, serverName, destination, source].join('|'),
      ),
    );
  const isFree = (serverName: string) => !keysFor(serverName).some((key) => taken.has(key));
  const free = (match.serverNames ?? [ANY]).filter(isFree);
  for (const serverName of free) for (const key of keysFor(serverName)) taken.add(key);
  if (free.length === 0) return undefined;
  return match.serverNames === undefined ? match : { ...match, serverNames: free };
}

/** Chains that Envoy can tell apart: of equal matches the first one stays. */
export function distinct(chains: readonly FilterChainIr[]): FilterChainIr[] {
  const taken = new Set<string>();
  return chains.flatMap((chain) => {
    const match = withoutTaken(chain.match, taken);
    return match === undefined ? [] : [{ ...chain, match }];
  });
}

/** Several destinations share the connections by weight; what the policy of the first says of connections holds for all. */
function proxyTo(
  statPrefix: string,
  { destinations, refused = 0 }: L4Candidate,
  { port, client }: L4Place,
  model: MeshModel,
  read: Reader,
): TcpProxyIr {
  const used = destinations.filter(({ weight }) => weight > 0);
  const targets = used.map((each) => targetOf(each, port, client, model, read));
  const shares = [
    ...targets.map(({ cluster }, i) => ({ cluster, weight: used[i]?.weight ?? 0 })),
    ...(refused === 0 ? [] : [{ cluster: NO_BACKEND_CLUSTER, weight: refused }]),
  ];
  const [only, ...others] = shares;
  const { connection } = targets[0] ?? {};
  const serverNamePort = targets.find(({ lookUpPort: each }) => each !== undefined)?.lookUpPort;
  return {
    statPrefix,
    cluster: only !== undefined && others.length === 0 ? only.cluster : shares,
    ...(serverNamePort === undefined ? {} : { serverNamePort }),
    ...(connection === undefined ? {} : { connection }),
  };
}

interface Target {
  readonly cluster: string;
  /** The server name of the handshake says which address it is, and it is met on this port. */
  readonly lookUpPort?: number | undefined;
  readonly connection: TcpConnectionIr | undefined;
}

/** Without a port, the service's only one is meant, or the one that the connection came for. */
function targetOf(
  { host, port, subset, source }: Destination,
  requestPort: number,
  client: L4Place['client'],
  model: MeshModel,
  read: Reader,
): Target {
  const found = serviceSeenFrom(read.get(model.servicesByHost, host), source.namespace);
  const service = found === undefined ? undefined : meantBy(found, model, read);
  const ports = service?.ports ?? [];
  const wanted = port ?? (ports.length === 1 ? ports[0]?.port : undefined) ?? requestPort;
  const policy = service === undefined ? undefined : policyForClient(service, client, model, read);
  const narrow = policy?.subsets.find(({ name }) => name === subset);
  return {
    cluster: clusterName(service?.hostname ?? host, wanted, subset),
    ...(service === undefined ? {} : lookUpPort(service, wanted)),
    connection:
      service === undefined ? undefined : resolveTcpConnection(settingsOfPort(service, policy, narrow, wanted)),
  };
}

/** In the order in which rule sets are asked: those of the Gateway API by age, then others by namespace and name. */
export function byPrecedence(a: RouteRuleSet, b: RouteRuleSet): number {
  if (a.age !== undefined && b.age !== undefined) return compareRanks(a.age, b.age);
  if (a.age !== undefined || b.age !== undefined) return a.age === undefined ? 1 : -1;
  const key = ({ source }: RouteRuleSet) => `${source.namespace}/${source.name}`;
  return key(a) < key(b) ? -1 : 1;
}
