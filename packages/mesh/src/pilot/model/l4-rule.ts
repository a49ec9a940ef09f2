import type { VirtualService } from '@lateen/api/kinds.ts';
import type { SourceRef } from '../proxy/ir/source.ts';
import { buildDestination, type WeightedDestination } from './route-action.ts';

/** A rule for connections, which are not read: if one of the matches holds, they go to one of the destinations. */
export interface L4Rule {
  /** Never empty: a rule for everything has one match without conditions. */
  readonly matches: readonly L4Match[];
  readonly destinations: readonly WeightedDestination[];
  /** Weight of the connections that are closed, since who should answer is not there. */
  readonly refused?: number;
  readonly source: SourceRef;
}

/** All that is given must hold. */
export interface L4Match {
  /** Server names of a TLS handshake. Absent: the rule does not look for TLS. */
  readonly sniHosts?: readonly string[];
  /** The port that the connection came for: of a service, or of a gateway. */
  readonly port?: number;
  /** Addresses or subnets that the connection was meant for. None given: any. */
  readonly destinationSubnets: readonly string[];
  readonly sourceSubnet?: string;
  /** Labels of the workload that calls, or of the gateway. */
  readonly sourceLabels: Readonly<Record<string, string>>;
  readonly sourceNamespace?: string;
  /** `mesh`, or `NAMESPACE/NAME` of a Gateway. Absent: all that the rule set is for. */
  readonly gateways?: readonly string[];
  readonly source: SourceRef;
}

type TlsRoute = NonNullable<VirtualService['spec']['tls']>[number];
type TcpRoute = NonNullable<VirtualService['spec']['tcp']>[number];
type MatchObject = Partial<TlsRoute['match'][number]> & Partial<NonNullable<TcpRoute['match']>[number]>;

/** `tls` and `tcp` of a VirtualService. `keyOf` completes the name of a Gateway. */
export function buildL4Rules(
  { metadata: { name, namespace }, spec: { tls = [], tcp = [] } }: VirtualService,
  clusterDomain: string,
  keyOf: (gateway: string) => string,
): { readonly tls: readonly L4Rule[]; readonly tcp: readonly L4Rule[] } {
  const source = { kind: 'VirtualService', namespace, name };
  const build = (route: TlsRoute | TcpRoute, path: string) =>
    buildRule(route, { ...source, path }, clusterDomain, keyOf);
  return {
    tls: tls.map((route, i) => build(route, `spec.tls[${i}]`)),
    tcp: tcp.map((route, i) => build(route, `spec.tcp[${i}]`)),
  };
}

function buildRule(
  { match = [], route = [] }: TlsRoute | TcpRoute,
  source: SourceRef,
  clusterDomain: string,
  keyOf: (gateway: string) => string,
): L4Rule {
  return {
    matches:
      match.length === 0
        ? [{ destinationSubnets: [], sourceLabels: {}, source }]
        : match.map((each, i) => buildMatch(each, { ...source, path: `${source.path}.match[${i}]` }, keyOf)),
    destinations: route.map(({ destination, weight }, i) => ({
      ...buildDestination(destination, { ...source, path: `${source.path}.route[${i}].destination` }, clusterDomain),
      // A weight may be left out where there is only one destination.
      weight: route.length === 1 ? 1 : (weight ?? 0),
    })),
    source,
  };
}

function buildMatch(match: MatchObject, source: SourceRef, keyOf: (gateway: string) => string): L4Match {
  const { sniHosts, port, destinationSubnets, sourceSubnet, sourceLabels, sourceNamespace, gateways = [] } = match;
  return {
    ...(sniHosts === undefined ? {} : { sniHosts }),
    ...(port === undefined || port === 0 ? {} : { port }),
    destinationSubnets: destinationSubnets ?? [],
    ...(sourceSubnet === undefined || sourceSubnet === '' ? {} : { sourceSubnet }),
    sourceLabels: sourceLabels ?? {},
    ...(sourceNamespace === undefined || sourceNamespace === '' ? {} : { sourceNamespace }),
    ...(gateways.length === 0 ? {} : { gateways: gateways.map(keyOf) }),
    source,
  };
}
