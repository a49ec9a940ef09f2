import type { Collection, Reader } from '../incremental/collection.ts';
import type { Graph } from '../incremental/graph.ts';

import type { ClientClass } from '../model/client.ts';
import type { ClientTls } from '../model/client-tls.ts';
import { endpointKey } from '../model/endpoints.ts';
import { mergeLoadBalancing } from '../model/load-balancer.ts';
import type { LocalitySetting } from '../model/locality-setting.ts';
import { defaultsOf, type MeshModel, policiesFor } from '../model/mesh.ts';
import type { Protocol } from '../model/protocol.ts';
import type { Service } from '../model/service.ts';
import { policyFor, type Subset, type TrafficPolicy } from '../model/traffic-policy.ts';
import { NO_SETTINGS, settingsFor } from '../model/traffic-settings.ts';
import { type ByClient, type CallingWay, policyKey, valuesByClient } from './client-policies.ts';
import { comesByEds, goesToOriginal, isToldByCall, resolveDiscovery } from './discovery.ts';
import { type EndpointSets, type Placement, placementOf, weighsLocalities } from './endpoint-sets.ts';
import type { ServiceClusterIr, UpstreamProtocol } from './ir/cluster.ts';
import type { EndpointGroupIr } from './ir/endpoints.ts';

import type { SecretIr } from './ir/secret.ts';
import type { SourceRef } from './ir/source.ts';
import {
  type PortTrafficSettings,
  resolveUpstreamPolicy,
  upgradesToHttp2,
  upstreamProtocolFor,
} from './upstream-policy.ts';

/** No proxy has it: for the share of calls that nobody can answer. */
export const NO_BACKEND_CLUSTER = 'no-backend';

/** Istio's cluster name. */
export function clusterName(hostname: string, port: number, subset = ''): string {
  return `outbound|${port}|${subset}|${hostname}`;
}

/**
 * Clients may be under different DestinationRules for one service, and mean different services by one hostname, so a
 * cluster name can stand for different contents. The key tells them apart: the service's namespace, the policy's objects
 * and its variant, then the name; and whether calls go to the address that was meant, for which the client's proxy must know it; and as who the client calls.
 */
export function clusterKey(
  service: Service,
  policy: TrafficPolicy | undefined,
  name: string,
  toOriginal: boolean,
  shown?: SecretIr,
): string {
  const original = toOriginal ? '|original' : '';
  const as = shown === undefined ? '' : `|${shown.name}`;
  return `${service.namespace}|${policyKey(policy)}|${name}${original}${as}`;
}

/** A service port, or a subset of it, under one policy. */
export interface ClusterSpec {
  readonly name: string;
  readonly service: Service;
  readonly port: number;
  readonly protocol: Protocol;
  /** For clients whose proxies know the address that was meant. */
  readonly toOriginal: boolean;
  /** Only endpoints with these labels. */
  readonly labels: Readonly<Record<string, string>>;
  readonly settings: PortTrafficSettings;
  /** How localities count; absent: they do not. */
  readonly placement?: Placement;
  readonly sources: readonly SourceRef[];
}

/** The policy of a service that holds for clients of a class. */
export function policyForClient(
  service: Service,
  client: Pick<ClientClass, 'role' | 'namespace' | 'labels'>,
  model: MeshModel,
  read: Reader,
): TrafficPolicy | undefined {
  const policies = policiesFor(service.hostname, model, read);
  return policyFor(policies, client, service.namespace, model.settings.rootNamespace);
}

/** Every service port and subset under every policy that clients may be under, by `clusterKey`. */
export function clusterSpecs(
  graph: Graph,
  model: MeshModel,
  policies: Collection<ByClient<CallingWay>>,
): Collection<ClusterSpec> {
  return graph.expand('cluster specs', policies, (byClient, read, serviceKey) => {
    const service = read.get(model.services, serviceKey);
    const specs = new Map<string, ClusterSpec>();
    if (service === undefined) return specs;
    const { locality } = defaultsOf(model, read);
    for (const { policy, shown } of valuesByClient(byClient)) {
      for (const { port, protocol } of service.ports) {
        for (const subset of [undefined, ...(policy?.subsets ?? [])]) {
          const spec = buildSpec(service, port, protocol, policy, subset, locality, shown);
          specs.set(clusterKey(service, policy, spec.name, false, shown), { ...spec, toOriginal: false });
          if (!goesToOriginal(service, spec.settings, true)) continue;
          const { placement: _, ...original } = spec;
          specs.set(clusterKey(service, policy, spec.name, true, shown), { ...original, toOriginal: true });
        }
      }
    }
    return specs;
  });
}

export function resolveClusters(
  graph: Graph,
  model: MeshModel,
  specs: Collection<ClusterSpec>,
  sets: EndpointSets,
): Collection<ServiceClusterIr> {
  const shared = graph.derive('clusters', specs, (spec, read, key) =>
    resolveCluster(spec, read.get(sets.shared, key)?.groups ?? [], model, read),
  );
  // Of those in which localities count, and which have their endpoints in themselves.
  const ofViews = graph.derive('clusters of views', sets.clusterOfView, (clusterKey_, read, key) => {
    const spec = read.get(specs, clusterKey_);
    if (spec === undefined || comesByEds(spec.service)) return undefined;
    return resolveCluster(spec, read.get(sets.ofViews, key)?.groups ?? [], model, read);
  });
  return graph.union('all clusters', [shared, ofViews]);
}

function resolveCluster(
  { name, service, port, protocol: spoken, toOriginal, settings, placement, sources }: ClusterSpec,
  groups: readonly EndpointGroupIr[],
  model: MeshModel,
  read: Reader,
): ServiceClusterIr {
  const { subjectAltNames } = service;
  const defaults = defaultsOf(model, read);
  const takesMeshTls = read.get(model.meshTlsPorts, endpointKey(service, port)) ?? false;
  // Only sidecars turn HTTP/2 back into what their applications speak.
  const mayUpgrade = read.get(model.http2Ports, endpointKey(service, port)) ?? false;
  const upgrades = mayUpgrade && upgradesToHttp2(settings, defaults);
  const protocol = upstreamProtocolFor(upstreamProtocolOf(spoken), settings, upgrades);
  const upstream = {
    hostname: service.hostname,
    protocol,
    isUpgraded: protocol === 'http2' && upstreamProtocolOf(spoken) === 'http1',
    meshTls: {
      sni: sniOf(name),
      peerIds: peerNames(service, read.get(model.peerIds, endpointKey(service, port))),
    },
    takesMeshTls,
    ...(subjectAltNames.length === 0 ? {} : { subjectAltNames }),
  };
  // What is known of single endpoints does not count where the address alone is known.
  const endpoints = toOriginal ? (read.get(model.endpoints, endpointKey(service, port)) ?? []) : [];
  const tlsOfAll: ClientTls = {
    type: takesMeshTls && endpoints.every(({ meshTls }) => meshTls) ? 'mesh' : 'plaintext',
  };
  const isRefused = settings.tls?.type === 'refuse';
  return {
    type: 'service',
    name,
    upstreamProtocol: protocol,
    discovery: isRefused ? { type: 'none' } : resolveDiscovery(service, groups, toOriginal, defaults),
    policy: resolveUpstreamPolicy(toOriginal ? { tls: tlsOfAll, ...settings } : settings, upstream, defaults),
    weightedLocalities: placement !== undefined && weighsLocalities(placement),
    sources,
  };
}

/** Names that certificates of endpoints may have. A ServiceEntry can give more than the identities that are known. */
function peerNames({ subjectAltNames }: Service, peerIds: readonly string[] = []): readonly string[] {
  return [...new Set([...peerIds, ...subjectAltNames])].sort();
}

function buildSpec(
  service: Service,
  port: number,
  protocol: Protocol,
  policy: TrafficPolicy | undefined,
  subset: Subset | undefined,
  locality: LocalitySetting,
  shown: SecretIr | undefined,
): Omit<ClusterSpec, 'toOriginal'> {
  const settings = settingsOfPort(service, policy, subset, port, shown);
  const backendTls = service.backendTls?.[port];
  const { backendTraffic } = service;
  const placement = placementIn(service, settings, locality);
  return {
    name: clusterName(service.hostname, port, subset?.name),
    service,
    port,
    protocol,
    labels: subset?.labels ?? {},
    settings,
    ...(placement === undefined ? {} : { placement }),
    sources: [
      ...service.sources,
      ...(policy?.sources ?? []),
      ...(subset === undefined ? [] : [subset.source]),
      ...(backendTls === undefined ? [] : [backendTls.source]),
      ...(backendTraffic === undefined ? [] : [backendTraffic.source]),
    ],
  };
}

/**
 * What holds for calls to one port of a service, or of a subset of it. What a BackendTLSPolicy says comes before `tls` of
 * a DestinationRule, for all subsets: the owner of the service knows what its servers speak. All else that the
 * DestinationRule says holds beside it. So it is with the retry budget of an XBackendTrafficPolicy.
 */
export function settingsOfPort(
  service: Service,
  policy: TrafficPolicy | undefined,
  subset: Subset | undefined,
  port: number,
  shown?: SecretIr,
): PortTrafficSettings {
  const { loadBalancing, ...said } = settingsFor(policy?.settings ?? NO_SETTINGS, subset?.settings, port);
  const backend = service.backendTls?.[port];
  const { retryBudget } = service.backendTraffic ?? {};
  const others = {
    ...said,
    ...(backend === undefined ? {} : { tls: showing(shown, backend.tls) }),
    ...(retryBudget === undefined ? {} : { retryBudget }),
  };
  if (isToldByCall(service)) return others;
  const merged = mergeLoadBalancing(service.loadBalancing, loadBalancing);
  return Object.keys(merged).length === 0 ? others : { ...others, loadBalancing: merged };
}

function showing(certificate: SecretIr | undefined, tls: ClientTls): ClientTls {
  if (certificate === undefined || tls.type !== 'originate' || tls.certificate !== undefined) return tls;
  return { ...tls, certificate: { name: certificate.name, from: 'pilot' }, files: [...tls.files, certificate] };
}

export function placementIn(
  service: Service,
  settings: PortTrafficSettings,
  ofMesh: LocalitySetting,
): Placement | undefined {
  return isToldByCall(service) ? undefined : placementOf(settings, ofMesh);
}

/** Istio's: `outbound_.9080_.v1_.reviews.default.svc.cluster.local`. */
function sniOf(name: string): string {
  return name.replaceAll('|', '_.');
}

/** What is spoken with endpoints of a port that speaks this. */
export function upstreamProtocolOf(protocol: Protocol): UpstreamProtocol {
  switch (protocol) {
    case 'http':
      return 'http1';
    case 'http2':
      return 'http2';
    case 'tls':
    case 'tcp':
      return 'raw';
    case 'detect':
      return 'same-as-downstream';
  }
}
