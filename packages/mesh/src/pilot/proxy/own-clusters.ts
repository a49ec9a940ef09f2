import { defined } from '../model/defined.ts';
import type { InboundPort } from '../model/inbound.ts';
import type { MeshDefaults } from '../model/mesh-defaults.ts';
import { upstreamProtocolOf } from './clusters.ts';
import type {
  ApplicationClusterIr,
  DynamicForwardClusterIr,
  LoopbackClusterIr,
  NowhereClusterIr,
  OriginalDestinationClusterIr,
} from './ir/cluster.ts';
import { type UpstreamDefaults, upstreamProtocolFor } from './upstream-policy.ts';

/** Istio's names: of what is not in the mesh, of what must lead nowhere, and of ports of the workload that no Service has. */
export const PASSTHROUGH_CLUSTER = 'PassthroughCluster';
export const BLACK_HOLE_CLUSTER = 'BlackHoleCluster';
export const INBOUND_PASSTHROUGH_CLUSTER = 'InboundPassthroughCluster';

/** Hosts that requests name are looked up. */
export function dynamicForward({
  connectTimeoutMs,
  dnsRefreshMs,
}: Pick<MeshDefaults, 'connectTimeoutMs' | 'dnsRefreshMs'>): DynamicForwardClusterIr {
  const cluster = { type: 'dynamic-forward', name: PASSTHROUGH_CLUSTER, connectTimeoutMs, sources: [] } as const;
  return dnsRefreshMs === undefined ? cluster : { ...cluster, dnsRefreshMs };
}

/** Connections that the kernel redirected go on to where they were meant to go. */
export function passthrough(
  name: string,
  { connectTimeoutMs }: UpstreamDefaults,
  from: { readonly sourceAddress?: string } = {},
): OriginalDestinationClusterIr {
  return { type: 'original-destination', name, connectTimeoutMs, ...from, sources: [] };
}

export const BLACK_HOLE: NowhereClusterIr = { type: 'nowhere', name: BLACK_HOLE_CLUSTER, sources: [] };

export function loopbackClusterName(hostname: string, port: number): string {
  return `loopback|${port}||${hostname}`;
}

export function loopbackCluster(hostname: string, port: number, address: string, at: number): LoopbackClusterIr {
  return { type: 'loopback', name: loopbackClusterName(hostname, port), address, port: at, sources: [] };
}

/** The HTTP proxy listener, for what was tunnelled to a host that only a rule knows. */
export const HTTP_PROXY_LOOPBACK_CLUSTER = 'loopback|http_proxy';

export function httpProxyLoopbackCluster(address: string, at: number): LoopbackClusterIr {
  return { type: 'loopback', name: HTTP_PROXY_LOOPBACK_CLUSTER, address, port: at, sources: [] };
}

/** Istio's name of the cluster for an application's port. */
export function applicationClusterName(containerPort: number): string {
  return `inbound|${containerPort}||`;
}

/**
 * The application behind a port.
 *
 * @param at where it listens: an address and a port, or the path of a socket and 0
 */
export function applicationCluster(
  { containerPort, protocol, services, pool, ingress }: InboundPort,
  at: { readonly address: string; readonly port: number; readonly sourceAddress?: string },
): ApplicationClusterIr {
  const settings = defined({ connectionPool: pool?.settings });
  const upstreamProtocol = upstreamProtocolFor(upstreamProtocolOf(protocol), settings, false);
  return {
    type: 'application',
    name: applicationClusterName(containerPort),
    ...at,
    upstreamProtocol,
    ...(pool === undefined ? {} : { pool: pool.settings.limits }),
    sources: [
      ...services.map(({ source }) => source),
      ...(ingress === undefined ? [] : [ingress.source]),
      ...(pool === undefined || pool.source === ingress?.source ? [] : [pool.source]),
    ],
  };
}
