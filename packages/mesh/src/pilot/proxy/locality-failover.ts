import { labelsWithLocality } from '../model/locality.ts';
import type { FailoverOrder } from '../model/locality-setting.ts';
import type { PlacedEndpoint } from './endpoint-groups.ts';
import type { LocalityIr } from './ir/endpoints.ts';

/** How far away something is, 0 for the nearest. */
type Distance = (client: LocalityIr | undefined, endpoint: LocalityIr | undefined) => number;

/** 0 in the same sub-zone, 1 in the same zone, 2 in the same region. */
export const nearness: Distance = (client, endpoint) => {
  if (client?.region !== endpoint?.region) return OTHER_REGION;
  if (client?.zone !== endpoint?.zone) return 2;
  return client?.subzone === endpoint?.subzone ? 0 : 1;
};

export const sameRegion: Distance = (client, endpoint) => (client?.region === endpoint?.region ? 0 : OTHER_REGION);

const OTHER_REGION = 3;
/** Regions to which the client's does not fail over come after the one to which it does. */
const NOT_CHOSEN = 4;
const DISTANCES = 5;

/** Istio's order: first the labels, then the locality, where that is asked for or nothing else is. */
export function failoverPriority(
  client: { readonly locality?: LocalityIr; readonly labels: Readonly<Record<string, string>> },
  { labels, regions }: FailoverOrder,
  distance: Distance,
): (endpoint: PlacedEndpoint) => number {
  const own = labelsWithLocality(client.labels, client.locality);
  const byLocality = labels.length === 0 || regions.length > 0 || distance === sameRegion;
  const chosen = regions.find(({ from }) => from === client.locality?.region)?.to;
  return (endpoint) => {
    const theirs = labelsWithLocality(endpoint.labels, endpoint.locality);
    const differing = labels.findIndex(({ key, value = own[key] }) => theirs[key] !== value);
    const byLabels = differing < 0 ? 0 : labels.length - differing;
    if (!byLocality) return byLabels;
    const away = distance(client.locality, endpoint.locality);
    const isPassedOver = away === OTHER_REGION && chosen !== undefined && endpoint.locality?.region !== chosen;
    return byLabels * DISTANCES + (isPassedOver ? NOT_CHOSEN : away);
  };
}
