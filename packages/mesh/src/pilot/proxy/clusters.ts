import type { Collection, Reader } from '../incremental/collection.ts';
import type { Graph } from '../incremental/graph.ts';
import type { ClientClass } from '../model/client.ts';
import type { LocalitySetting } from '../model/locality-setting.ts';
import { defaultsOf, endpointKey, type MeshModel, policiesFor } from '../model/mesh.ts';
import type { Protocol } from '../model/protocol.ts';
import type { Service } from '../model/service.ts';
import { policyFor, type Subset, type TrafficPolicy } from '../model/traffic-policy.ts';
import { NO_SETTINGS, settingsFor } from '../model/traffic-settings.ts';
import { type Placement, placementOf, weighsLocalities } from './endpoint-sets.ts';
import type { ServiceClusterIr, UpstreamProtocol } from './ir/cluster.ts';
import type { SourceRef } from './ir/source.ts';
import { type PortTrafficSettings, resolveUpstreamPolicy, upstreamProtocolFor } from './upstream-policy.ts';

/** Istio's cluster name. */
export function clusterName(hostname: string, port: number, subset = ''): string {
  return `outbound|${port}|${subset}|${hostname}`;
}

/**
 * Clients may be under different DestinationRules for one service, and mean different services by one hostname, so a
 * cluster name can stand for different contents. The key tells them apart: the service's namespace, the policy's objects,
 * then the name.
 */
export function clusterKey(service: Service, policy: TrafficPolicy | undefined, name: string): string {
  const under = (policy?.sources ?? []).map(({ namespace, name }) => `${namespace}/${name}`).join('+');
  return `${service.namespace}|${under}|${name}`;
}

/** A service port, or a subset of it, under one policy. */
export interface ClusterSpec {
  readonly name: string;
  readonly service: Service;
  readonly port: number;
  readonly protocol: Protocol;
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
  client: Pick<ClientClass, 'namespace' | 'labels'>,
  model: MeshModel,
  read: Reader,
): TrafficPolicy | undefined {
  const policies = policiesFor(service.hostname, model, read);
  return policyFor(policies, client, service.namespace, model.settings.rootNamespace);
}

/** Every service port and subset under every policy that some class of clients is under, by `clusterKey`. */
export function clusterSpecs(
  graph: Graph,
  model: MeshModel,
  classes: Collection<ClientClass>,
): Collection<ClusterSpec> {
  return graph.expand('cluster specs', model.services, (service, read) => {
    const specs = new Map<string, ClusterSpec>();
    // Most services are under no policy, whoever the client is.
    const clients = policiesFor(service.hostname, model, read).length === 0 ? [] : [...read.all(classes).values()];
    const policies = new Set([undefined, ...clients.map((client) => policyForClient(service, client, model, read))]);
    for (const policy of policies) {
      for (const { port, protocol } of service.ports) {
        for (const subset of [undefined, ...(policy?.subsets ?? [])]) {
          const spec = buildSpec(service, port, protocol, policy, subset, defaultsOf(model, read).locality);
          specs.set(clusterKey(service, policy, spec.name), spec);
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
): Collection<ServiceClusterIr> {
  return graph.derive('clusters', specs, (spec, read): ServiceClusterIr => {
    const { name, service, port, settings } = spec;
    const defaults = defaultsOf(model, read);
    const takesMeshTls = read.get(model.meshTlsPorts, endpointKey(service, port)) ?? false;
    // Only a sidecar turns HTTP/2 back into what its application speaks.
    const upgrades = defaults.upgradesToHttp2 && takesMeshTls;
    const protocol = upstreamProtocolFor(upstreamProtocolOf(spec.protocol), settings, upgrades);
    const meshTls = { sni: sniOf(name), peerIds: read.get(model.peerIds, endpointKey(service, port)) ?? [] };
    const upstream = { hostname: service.hostname, protocol, meshTls, takesMeshTls };
    return {
      type: 'service',
      name,
      upstreamProtocol: protocol,
      policy: resolveUpstreamPolicy(settings, upstream, defaults),
      weightedLocalities: spec.placement !== undefined && weighsLocalities(spec.placement),
      sources: spec.sources,
    };
  });
}

function buildSpec(
  service: Service,
  port: number,
  protocol: Protocol,
  policy: TrafficPolicy | undefined,
  subset: Subset | undefined,
  locality: LocalitySetting,
): ClusterSpec {
  const settings = settingsFor(policy?.settings ?? NO_SETTINGS, subset?.settings, port);
  const placement = placementOf(settings, locality);
  return {
    name: clusterName(service.hostname, port, subset?.name),
    service,
    port,
    protocol,
    labels: subset?.labels ?? {},
    settings,
    ...(placement === undefined ? {} : { placement }),
    sources: [service.source, ...(policy?.sources ?? []), ...(subset === undefined ? [] : [subset.source])],
  };
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
    case 'tcp':
      return 'raw';
    case 'detect':
      return 'same-as-downstream';
  }
}
