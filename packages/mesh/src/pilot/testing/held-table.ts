import { nodeIdOf, type WorkloadInstance } from '@lateen/api/workload-instance.ts';
import type { Pilot } from '../pilot.ts';
import type { RouteTableIr, VirtualHostIr } from '../proxy/ir/route.ts';

/** A table that a client's proxy shares with others, with the virtual hosts that come on their own in front of its own. */
export function heldTable({ resolved }: Pilot, client: WorkloadInstance, name: string): RouteTableIr | undefined {
  const shared = resolved.shared.get(nodeIdOf(client));
  const table = resolved.tables.get(shared?.tables.get(name) ?? '');
  if (table === undefined) return undefined;
  const apart = [...(shared?.virtualHosts ?? [])]
    .filter(([host]) => host.startsWith(`${name}/`))
    .map(([, key]) => resolved.virtualHosts.get(key)?.host as VirtualHostIr);
  return { ...table, virtualHosts: [...apart, ...table.virtualHosts] };
}
