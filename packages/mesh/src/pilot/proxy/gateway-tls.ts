import type { WorkloadInstance } from '@lateen/api/workload-instance.ts';
import type { Reader } from '../incremental/collection.ts';
import type { AttachedServer } from '../model/gateway-port.ts';
import { intersectHosts } from '../model/hostname.ts';
import type { MeshModel } from '../model/mesh.ts';
import type { TerminatingTls } from '../model/server-tls.ts';
import { isVisible } from '../model/visibility.ts';
import { httpHandler, tcpHandler } from './filter-chains.ts';
import type { FilterChainIr, FilterChainMatchIr } from './ir/listener.ts';
import type { CertificateServerTlsIr } from './ir/server-tls.ts';
import type { SourceRef } from './ir/source.ts';
import {
  byPrecedence,
  candidateChains,
  candidatesAt,
  type L4Candidate,
  type L4Place,
  serverNames,
} from './l4-chains.ts';

/** HTTP in TLS that ends here; with `quic`, HTTP/3. */
export function tlsHttpChain(
  server: AttachedServer,
  tls: TerminatingTls,
  table: string,
  statPrefix: string,
  quic = false,
): FilterChainIr {
  return {
    name: chainName(server),
    match: { ...serverNames(server.hosts.map(({ host }) => host)), ...(quic ? {} : { transport: 'tls' }) },
    tls: terminate(tls, quic ? ['h3'] : ['h2', 'http/1.1'], quic),
    handler: httpHandler({
      statPrefix,
      routes: { type: 'discovered', name: table },
      role: 'gateway',
      dynamicForward: false,
      connect: false,
      ...(quic ? { http3: true } : {}),
    }),
  };
}

export interface ConnectionChains {
  readonly chains: readonly FilterChainIr[];
  /** Server names whose connections are passed on unread. */
  readonly serverNames: readonly string[];
  /** The rules that they come from. */
  readonly sources: readonly SourceRef[];
}

/** Connections that are not read: TCP, TLS that goes on as it is, and what was in TLS that ended here. */
export function connectionChains(
  server: AttachedServer,
  instance: WorkloadInstance,
  statPrefix: string,
  model: MeshModel,
  read: Reader,
): ConnectionChains {
  const { tls } = server;
  if (tls?.type === 'passthrough' && tls.routedBy === 'server-name') {
    return { chains: [serverNameChain(server, statPrefix)], serverNames: [], sources: [] };
  }
  const place: L4Place = { gateway: server.gateway, client: instance, port: server.port };
  const isPassedOn = tls?.type === 'passthrough';
  const candidates = rulesFor(server, instance.namespace, model, read).flatMap(({ ruleSet, hosts }) =>
    isPassedOn
      ? candidatesAt(ruleSet.tls, place).flatMap((candidate) => forHosts(candidate, hosts))
      : candidatesAt(ruleSet.tcp, place),
  );
  const found = candidateChains(candidates, place, statPrefix, model, read);
  const match: FilterChainMatchIr =
    tls?.type === 'terminate' ? { ...serverNames(server.hosts.map(({ host }) => host)), transport: 'tls' } : {};
  return {
    chains: found.map((chain) => ({
      ...chain,
      match: { ...match, ...chain.match },
      ...(tls?.type === 'terminate' ? { tls: terminate(tls, []) } : {}),
    })),
    serverNames: isPassedOn ? candidates.flatMap((candidate) => candidate.match.serverNames ?? ['*']) : [],
    sources: candidates.map(({ source }) => source),
  };
}

/** Rule sets that the server lets in, and the hosts that each shares with it. */
function rulesFor({ gateway, hosts }: AttachedServer, namespace: string, model: MeshModel, read: Reader) {
  return [...(read.get(model.gatewayRoutes, gateway) ?? [])].sort(byPrecedence).flatMap((ruleSet) => {
    if (!isVisible(ruleSet.visibility, namespace)) return [];
    const open = hosts.filter((host) => host.namespace === undefined || host.namespace === ruleSet.source.namespace);
    const shared = open.filter(({ host }) => ruleSet.hosts.some((each) => intersectHosts(host, each) !== undefined));
    return shared.length === 0 ? [] : [{ ruleSet, hosts: shared.map(({ host }) => host) }];
  });
}

/** A rule may ask for more server names than the server has. */
function forHosts(candidate: L4Candidate, hosts: readonly string[]): L4Candidate[] {
  const { serverNames: asked = ['*'], ...match } = candidate.match;
  const shared = asked.flatMap((name) => hosts.flatMap((host) => intersectHosts(host, name) ?? []));
  if (shared.length === 0) return [];
  return [{ ...candidate, match: { ...match, ...serverNames([...new Set(shared)]) } }];
}

/** The server name says which service is meant: `outbound_.9080_._.reviews.default.svc.cluster.local`. */
function serverNameChain(server: AttachedServer, statPrefix: string): FilterChainIr {
  const names = server.hosts.map(({ host }) => (host.startsWith('*') ? host : `*.${host}`));
  return {
    name: chainName(server),
    match: { ...serverNames(names), transport: 'tls' },
    handler: tcpHandler({ statPrefix, cluster: NO_CLUSTER, byServerName: true }),
  };
}

/** Istio's name of the cluster that does not exist: a handshake without server name is for nobody. */
const NO_CLUSTER = 'BlackHoleCluster';

function terminate(
  { certificates, clients, parameters }: TerminatingTls,
  alpn: readonly string[],
  quic = false,
): CertificateServerTlsIr {
  return {
    type: 'certificate',
    certificates,
    ...(clients === undefined ? {} : { clients }),
    // QUIC knows no other version.
    parameters: quic ? { minVersion: '1.3' } : parameters,
    alpn,
  };
}

function chainName({ gateway, name, portName }: AttachedServer): string {
  return `${gateway} ${name ?? portName}`;
}
