import { localityText } from '../model/locality.ts';
import type { EndpointGroupIr, EndpointIr, LocalityIr } from './ir/endpoints.ts';

/** An endpoint with what decides its group. */
export interface PlacedEndpoint extends EndpointIr {
  readonly locality?: LocalityIr;
  readonly labels: Readonly<Record<string, string>>;
}

/** Endpoints in the groups that every client may see alike: by locality, all of one priority. */
export function groupsByLocality(endpoints: readonly PlacedEndpoint[]): readonly EndpointGroupIr[] {
  return groupsByPriority(endpoints, () => 0);
}

/** The group's weight is shared out evenly among its endpoints, so it must be in proportion to their number. */
export function weightedBySize(groups: readonly EndpointGroupIr[]): readonly EndpointGroupIr[] {
  return groups.map((group) => ({ ...group, weight: group.endpoints.length }));
}

/** Groups by priority and locality, with priorities that start at 0 and leave nothing out. */
export function groupsByPriority(
  endpoints: readonly PlacedEndpoint[],
  priorityOf: (endpoint: PlacedEndpoint) => number,
): readonly EndpointGroupIr[] {
  const groups = new Map<string, { locality?: LocalityIr; priority: number; endpoints: EndpointIr[] }>();
  for (const placed of endpoints) {
    const { locality, labels: _, ...endpoint } = placed;
    const priority = priorityOf(placed);
    const key = `${priority}|${locality === undefined ? '' : localityText(locality)}`;
    const group = groups.get(key) ?? { ...(locality === undefined ? {} : { locality }), priority, endpoints: [] };
    group.endpoints.push(endpoint);
    groups.set(key, group);
  }
  return normalise([...groups.values()].map((group) => ({ ...group, endpoints: group.endpoints.sort(byAddress) })));
}

/** With priorities that start at 0 and leave nothing out, as Envoy wants them. */
export function normalise(groups: readonly EndpointGroupIr[]): readonly EndpointGroupIr[] {
  const priorities = [...new Set(groups.map(({ priority }) => priority))].sort((a, b) => a - b);
  return groups.map((group) => ({ ...group, priority: priorities.indexOf(group.priority) })).sort(byPriority);
}

function byPriority(a: EndpointGroupIr, b: EndpointGroupIr): number {
  if (a.priority !== b.priority) return a.priority - b.priority;
  const [left, right] = [a, b].map(({ locality }) => (locality === undefined ? '' : localityText(locality)));
  return (left ?? '') < (right ?? '') ? -1 : 1;
}

function byAddress(a: EndpointIr, b: EndpointIr): number {
  return a.address === b.address ? a.port - b.port : a.address < b.address ? -1 : 1;
}
