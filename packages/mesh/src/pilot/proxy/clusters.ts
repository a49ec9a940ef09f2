import type { Collection } from '../incremental/collection.ts';
import type { Graph } from '../incremental/graph.ts';
import { endpointKey, type MeshModel, policiesFor } from '../model/mesh.ts';
import type { Protocol } from '../model/protocol.ts';
import { hasLabels, type Service } from '../model/service.ts';
import type { Subset, TrafficPolicy } from '../model/traffic-policy.ts';
import type { ServiceClusterIr, UpstreamProtocol } from './ir/cluster.ts';
import type { EndpointsIr } from './ir/endpoints.ts';
import type { SourceRef } from './ir/source.ts';

/** Ten seconds, as Istio's `connectTimeout` default. */
export const CONNECT_TIMEOUT_MS = 10_000;

/** Istio's cluster name. */
export function clusterName(hostname: string, port: number, subset = ''): string {
  return `outbound|${port}|${subset}|${hostname}`;
}

/**
 * Clients may be under different DestinationRules for one service, and mean different services by one hostname, so a
 * cluster name can stand for different contents. The key tells them apart: the service's namespace, the policy's object,
 * then the name.
 */
export function clusterKey(service: Service, policy: TrafficPolicy | undefined, name: string): string {
  const under = policy === undefined ? '' : `${policy.source.namespace}/${policy.source.name}`;
  return `${service.namespace}|${under}|${name}`;
}

interface ClusterSpec {
  readonly name: string;
  readonly service: Service;
  readonly port: number;
  readonly protocol: Protocol;
  /** Only endpoints with these labels. */
  readonly labels: Readonly<Record<string, string>>;
  readonly loadBalancer: ServiceClusterIr['loadBalancer'];
  readonly sni: string;
  readonly sources: readonly SourceRef[];
}

/** Every service port and subset under every policy that some client may be under. */
export function resolveClusters(
  graph: Graph,
  model: MeshModel,
): { clusters: Collection<ServiceClusterIr>; endpoints: Collection<EndpointsIr> } {
  const specs = graph.expand('cluster specs', model.services, (service, read) => {
    const policies = policiesFor(service.hostname, model, read);
    const variants: (TrafficPolicy | undefined)[] = [undefined, ...policies];
    return variants.flatMap((policy) =>
      service.ports.flatMap(({ port, protocol }) =>
        [undefined, ...(policy?.subsets ?? [])].map((subset) => {
          const spec = buildSpec(service, port, protocol, policy, subset);
          return [clusterKey(service, policy, spec.name), spec] as const;
        }),
      ),
    );
  });

  return {
    clusters: graph.derive('clusters', specs, (spec, read): ServiceClusterIr => {
      const upstreamProtocol = upstreamProtocolOf(spec.protocol);
      return {
        type: 'service',
        name: spec.name,
        upstreamProtocol,
        loadBalancer: spec.loadBalancer,
        connectTimeoutMs: CONNECT_TIMEOUT_MS,
        meshTls: {
          sni: spec.sni,
          peerIds: read.get(model.peerIds, endpointKey(spec.service, spec.port)) ?? [],
          alpn: ['istio', ...APPLICATION_PROTOCOLS[upstreamProtocol]],
        },
        sources: spec.sources,
      };
    }),
    endpoints: graph.derive('endpoint sets', specs, (spec, read): EndpointsIr => {
      const all = read.get(model.endpoints, endpointKey(spec.service, spec.port)) ?? [];
      return {
        clusterName: spec.name,
        endpoints: all
          .filter(({ ready, labels }) => ready && hasLabels(labels, spec.labels))
          .map(({ address, port, meshTls, instance }) => ({ address, port, meshTls, instance }))
          .sort((a, b) => (a.address === b.address ? a.port - b.port : a.address < b.address ? -1 : 1)),
      };
    }),
  };
}

function buildSpec(
  service: Service,
  port: number,
  protocol: Protocol,
  policy: TrafficPolicy | undefined,
  subset: Subset | undefined,
): ClusterSpec {
  return {
    name: clusterName(service.hostname, port, subset?.name),
    service,
    port,
    protocol,
    labels: subset?.labels ?? {},
    loadBalancer: subset?.loadBalancer ?? policy?.loadBalancer ?? 'least-request',
    sni: `outbound_.${port}_.${subset?.name ?? ''}_.${service.hostname}`,
    sources: [
      service.source,
      ...(policy === undefined ? [] : [policy.source]),
      ...(subset === undefined ? [] : [subset.source]),
    ],
  };
}

/** What is offered beside `istio` in the TLS handshake, so that the server knows what is spoken within. */
const APPLICATION_PROTOCOLS: Readonly<Record<UpstreamProtocol, readonly string[]>> = {
  http1: ['http/1.1'],
  http2: ['h2'],
  'same-as-downstream': [],
  raw: [],
};

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
