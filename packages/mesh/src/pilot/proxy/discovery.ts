import type { ClientClass } from '../model/client.ts';
import type { MeshDefaults } from '../model/mesh-defaults.ts';
import type { Protocol } from '../model/protocol.ts';
import { isWildcard, type Service } from '../model/service.ts';
import type { DiscoveryIr } from './ir/cluster.ts';
import type { EndpointGroupIr } from './ir/endpoints.ts';
import type { PortTrafficSettings } from './upstream-policy.ts';

/** Whether the endpoints of a service come by themselves, and not with its clusters. */
export function comesByEds({ resolution }: Pick<Service, 'resolution'>): boolean {
  return resolution === 'endpoints';
}

/** Whether the address that a caller meant is still known when its call comes to the proxy. */
export function knowsOriginal({ capture }: Pick<ClientClass, 'capture'>): boolean {
  return capture.type === 'redirect';
}

/** Whether calls go to the address that was meant, whatever endpoints there are. */
export function goesToOriginal(
  { resolution }: Pick<Service, 'resolution'>,
  { loadBalancing }: PortTrafficSettings,
  originalKnown: boolean,
): boolean {
  return originalKnown && (resolution === 'original' || loadBalancing?.passthrough === true);
}

/**
 * Whether a call must name its host for an address to be found: wildcards that no endpoints stand behind. Where the
 * address that the caller meant is known, that will do.
 */
export function isFoundByName(service: Pick<Service, 'resolution' | 'hostname'>, originalKnown = false): boolean {
  return (
    service.resolution === 'by-name' || (service.resolution === 'original' && !originalKnown && isWildcard(service))
  );
}

/** On which port a host is met that is looked up for a call, if the service is found so. */
export function lookUpPort(
  service: Pick<Service, 'resolution' | 'hostname'>,
  port: number,
  originalKnown = false,
): { readonly lookUpPort?: number } {
  return isFoundByName(service, originalKnown) ? { lookUpPort: port } : {};
}

/** Whether each call says where it goes, so that there is nothing to choose. */
export function isToldByCall({ resolution }: Pick<Service, 'resolution'>): boolean {
  return resolution === 'by-name' || resolution === 'original';
}

/**
 * Whether a service port has a listener of its own, where calls that do not name their host arrive. Where the host must be
 * known, requests and TLS handshakes tell it.
 */
export function hasOwnListener(service: Pick<Service, 'resolution' | 'hostname'>, protocol: Protocol): boolean {
  return !isFoundByName(service) || (protocol !== 'tcp' && protocol !== 'detect');
}

export function resolveDiscovery(
  service: Service,
  groups: readonly EndpointGroupIr[],
  toOriginal: boolean,
  { dnsRefreshMs }: Pick<MeshDefaults, 'dnsRefreshMs'>,
): DiscoveryIr {
  if (toOriginal) return { type: 'original-destination' };
  if (comesByEds(service)) return { type: 'eds' };
  const refresh = dnsRefreshMs === undefined ? {} : { dnsRefreshMs };
  if (isFoundByName(service)) return { type: 'dynamic-forward', ...refresh };
  // Envoy wants just one name where it takes one address after the other.
  const names = groups.flatMap(({ endpoints }) => endpoints);
  const type = service.resolution !== 'dns' && names.length === 1 ? 'logical-dns' : 'strict-dns';
  return { type, groups, ...refresh };
}
