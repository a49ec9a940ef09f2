import type { Reader } from '../incremental/collection.ts';
import type { ClientClass } from '../model/client.ts';
import type { MeshModel } from '../model/mesh.ts';
import type { Service } from '../model/service.ts';

/** The service that stands behind another name. */
export function meantBy(service: Service, model: MeshModel, read: Reader): Service {
  return service.aliasOf === undefined ? service : (read.get(model.services, service.aliasOf) ?? service);
}

/** How a client stands to a service: the shortest names hold in the service's own namespace only. */
export type Nearness = 'near' | 'far';

export function nearnessOf({ shortNames, namespace }: Service, client: Pick<ClientClass, 'namespace'>): Nearness {
  if (shortNames === undefined || shortNames.near.length === 0) return 'far';
  return (shortNames.namespace ?? namespace) === client.namespace ? 'near' : 'far';
}

/** The ways in which some client may stand to a service. */
export function nearnessesOf({ shortNames }: Service): readonly Nearness[] {
  return shortNames === undefined || shortNames.near.length === 0 ? ['far'] : ['near', 'far'];
}

/** Everything that clients may call a service, without port: names, short and long, and addresses (but not subnets). */
export function serviceNames(service: Service, nearness: Nearness): readonly string[] {
  const { hostname, shortNames, allocatedAddress } = service;
  const addresses = [...service.addresses, ...(allocatedAddress === undefined ? [] : [allocatedAddress])];
  return [
    ...(nearness === 'near' ? (shortNames?.near ?? []) : []),
    ...(shortNames?.far ?? []),
    hostname,
    ...addresses.filter((address) => !address.includes('/')).map((each) => (each.includes(':') ? `[${each}]` : each)),
  ];
}

/**
 * Envoy refuses a table in which two hosts have one domain. A service keeps its hostname; of other names and addresses, the
 * first to have it does.
 */
export function withoutTakenDomains<Host extends { readonly name: string; readonly domains: readonly string[] }>(
  hosts: readonly Host[],
  services: readonly Service[],
): readonly Host[] {
  const hostnames = new Set(services.map(({ hostname }) => hostname));
  const taken = new Set<string>();
  return hosts.flatMap((host) => {
    const [own = ''] = host.name.split(/:\d+$/);
    const domains = host.domains.filter((domain) => {
      const name = domain.replace(/:\d+$/, '');
      if (taken.has(domain) || (name !== own && hostnames.has(name))) return false;
      taken.add(domain);
      return true;
    });
    if (domains.length === host.domains.length) return [host];
    return domains.length === 0 ? [] : [{ ...host, domains }];
  });
}
