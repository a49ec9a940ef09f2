import { hashOf } from '../model/hash.ts';
import { patternCovers } from '../model/locality.ts';
import type { Distribution, LocalitySetting } from '../model/locality-setting.ts';
import { groupsByLocality, groupsByPriority, type PlacedEndpoint, weightedBySize } from './endpoint-groups.ts';
import type { EndpointGroupIr, LocalityIr } from './ir/endpoints.ts';
import { failoverPriority, nearness, sameRegion } from './locality-failover.ts';
import { zoneAwareGroups } from './zone-aware.ts';

/** From where a client looks at endpoints. */
export interface Viewpoint {
  readonly locality?: LocalityIr;
  readonly labels: Readonly<Record<string, string>>;
  /** Its name, where each client counts for itself. */
  readonly client?: string;
  /** Localities of the ready instances of the client's application, the client's own among them. */
  readonly applicationLocalities: readonly (LocalityIr | undefined)[];
}

/** Endpoints in groups as one client must see them. */
export function groupsFrom(
  view: Viewpoint,
  endpoints: readonly PlacedEndpoint[],
  setting: Exclude<LocalitySetting, { type: 'off' }>,
): readonly EndpointGroupIr[] {
  switch (setting.type) {
    case 'distribute':
      return distributed(view, endpoints, setting.rules);
    case 'affinity':
      return affine(view, endpoints);
    case 'failover':
      return groupsByPriority(endpoints, failoverPriority(view, setting.order, nearness));
    case 'zone-aware': {
      const groups = groupsByPriority(endpoints, failoverPriority(view, setting.order, sameRegion));
      return zoneAwareGroups(view.locality, view.applicationLocalities, groups, setting.minClusterSize);
    }
  }
}

/**
 * The endpoint that a client has an affinity for comes first. It is another one only if that goes, or if a new one suits the
 * client even better (rendezvous hashing), so few clients change when endpoints do.
 */
function affine({ client = '' }: Viewpoint, endpoints: readonly PlacedEndpoint[]): readonly EndpointGroupIr[] {
  const suits = ({ instance, address, port }: PlacedEndpoint) =>
    hashOf(`${client} ${instance ?? `${address}:${port}`}`);
  const best = Math.max(...endpoints.map(suits));
  return groupsByPriority(endpoints, (endpoint) => (suits(endpoint) === best ? 0 : 1));
}

/** What a pattern is given goes to the localities that it covers in proportion to their endpoints. */
function distributed(
  view: Viewpoint,
  endpoints: readonly PlacedEndpoint[],
  rules: readonly Distribution[],
): readonly EndpointGroupIr[] {
  const groups = weightedBySize(groupsByLocality(endpoints));
  const rule = rules.find(({ from }) => patternCovers(from, view.locality));
  if (rule === undefined) return groups;
  return groups.flatMap((group) => {
    const share = rule.to.find(([pattern]) => patternCovers(pattern, group.locality));
    if (share === undefined) return [];
    const [pattern, percent] = share;
    const covered = groups.filter(({ locality }) => patternCovers(pattern, locality));
    const size = covered.reduce((sum, { endpoints }) => sum + endpoints.length, 0);
    // Whole numbers, fine enough for many localities under one pattern.
    return [{ ...group, weight: Math.ceil((percent * WEIGHT_SCALE * group.endpoints.length) / size) }];
  });
}

const WEIGHT_SCALE = 100;
