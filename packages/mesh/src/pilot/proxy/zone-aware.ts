import { normalise, weightedBySize } from './endpoint-groups.ts';
import type { EndpointGroupIr, LocalityIr } from './ir/endpoints.ts';

/**
 * Envoy's zone-aware routing, worked out here so that proxies need not know where the rest of their application runs:
 * if the zone has at least its share of the endpoints, requests stay in it; otherwise as many leave it as would overload
 * it, to zones in proportion to what they have to spare.
 *
 * @param application localities of the ready instances of the client's application
 * @param groups by locality; those of priority 0 are in the client's region
 * @param minClusterSize with fewer endpoints in the region, zones do not count
 */
export function zoneAwareGroups(
  client: LocalityIr | undefined,
  application: readonly (LocalityIr | undefined)[],
  groups: readonly EndpointGroupIr[],
  minClusterSize: number,
): readonly EndpointGroupIr[] {
  const near = groups.filter(({ priority }) => priority === 0);
  const far = groups.filter(({ priority }) => priority > 0);
  const zone = zoneOf(client);
  const endpoints = shares(near.flatMap(({ locality, endpoints }) => endpoints.map(() => zoneOf(locality))));
  const clients = shares(application.filter((each) => each?.region === client?.region).map(zoneOf));
  const size = near.reduce((sum, { endpoints }) => sum + endpoints.length, 0);
  const own = endpoints.get(zone) ?? 0;
  const needed = clients.get(zone) ?? 0;
  if (size < minClusterSize || own === 0 || needed === 0) return weightedBySize(groups);
  const behind = far.map((group) => ({ ...group, priority: 2 + group.priority }));
  const spare = (each: string) => Math.max(0, (endpoints.get(each) ?? 0) - (clients.get(each) ?? 0));
  const allSpare = [...endpoints.keys()].reduce((sum, each) => sum + spare(each), 0);
  const leaving = Math.max(0, 1 - own / needed);
  const ordered = near.map((group) => {
    const each = zoneOf(group.locality);
    const ofZone = each === zone ? 1 - leaving : leaving === 0 ? 0 : (leaving * spare(each)) / allSpare;
    const ofEndpoints = group.endpoints.length / size / (endpoints.get(each) ?? 1);
    const weight = Math.round(WEIGHT_SCALE * ofZone * ofEndpoints);
    // What gets nothing takes over when what gets something fails.
    return weight === 0 ? { ...group, priority: 1, weight: group.endpoints.length } : { ...group, weight };
  });
  return normalise([...ordered, ...weightedBySize(behind)]);
}

const WEIGHT_SCALE = 10_000;

function zoneOf(locality: LocalityIr | undefined): string {
  return locality === undefined ? '' : `${locality.region}/${locality.zone ?? ''}`;
}

/** Of each, its part of all. */
function shares(list: readonly string[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const each of list) counts.set(each, (counts.get(each) ?? 0) + 1);
  for (const [each, count] of counts) counts.set(each, count / list.length);
  return counts;
}
