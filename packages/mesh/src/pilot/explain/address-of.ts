import { LateenError } from '@lateen/api/lateen-error.ts';
import { isIp } from '@lateen/api/names.ts';
import type { WorkloadInstance } from '@lateen/api/workload-instance.ts';
import type { Service } from '../model/service.ts';
import { isVisible } from '../model/visibility.ts';
import { nearnessOf, serviceNames } from '../proxy/service-names.ts';

/** What DNS would know of the mesh. */
export interface NamedServices {
  readonly services: () => Iterable<Service>;
  /** Of the instances behind a port of a service that has no address of its own. */
  readonly addressesBehind: (service: Service, port: number) => readonly string[];
}

/** The address that an application would connect to for a host. Throws LAT0561 where that is not known. */
export function addressOf(host: string, port: number, caller: WorkloadInstance, mesh: NamedServices): string {
  if (isIp(host)) return host;
  for (const service of mesh.services()) {
    if (!isVisible(service.visibility, caller.namespace)) continue;
    if (!serviceNames(service, nearnessOf(service, caller)).includes(host)) continue;
    const own = service.addresses.find((address) => !address.includes('/')) ?? service.allocatedAddress;
    const address = own ?? mesh.addressesBehind(service, port)[0];
    if (address !== undefined) return address;
  }
  throw new LateenError(
    'LAT0561',
    `Calls of ${caller.name} are redirected to its proxy with the address that they are for, and which one ${host} has is not known.`,
    `Write the address in the URL, and the name in a header: -H 'Host: ${host}'`,
  );
}
