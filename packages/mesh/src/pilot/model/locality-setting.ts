import type { LoadBalancer } from '@lateen/api/istio/load-balancer.ts';

/** How the localities of client and instances count. (`localityLbSetting` and `zoneAwareLbSetting` of a DestinationRule) */
export type LocalitySetting =
  | { readonly type: 'off' }
  /** Clients of a locality send given shares to given localities. */
  | { readonly type: 'distribute'; readonly rules: readonly Distribution[] }
  /** The nearest first; what is further away takes over when that fails. */
  | { readonly type: 'failover'; readonly order: FailoverOrder }
  /** As much as can be within the client's zone without overloading it; what is left is spread. */
  | { readonly type: 'zone-aware'; readonly order: FailoverOrder; readonly minClusterSize: number };

export interface Distribution {
  /** Locality pattern of the client: `region/zone/sub-zone`, where `*` is any. */
  readonly from: string;
  /** Percent by locality pattern of the instances. */
  readonly to: readonly (readonly [pattern: string, percent: number])[];
}

export interface FailoverOrder {
  /** Which region takes over from which; the others come after it. */
  readonly regions: readonly { readonly from: string; readonly to: string }[];
  /** Labels in which client and instance should agree, the most important first. None: the locality decides. */
  readonly labels: readonly FailoverLabel[];
}

export interface FailoverLabel {
  readonly key: string;
  /** In place of the client's own. */
  readonly value?: string;
}

/** Istio's: nearest first, wherever outlier detection tells what has failed. */
export const DEFAULT_LOCALITY: LocalitySetting = { type: 'failover', order: { regions: [], labels: [] } };

/** Envoy's default for zone-aware routing. */
const MIN_CLUSTER_SIZE = 6;

export function buildLocalitySetting({
  localityLbSetting,
  zoneAwareLbSetting,
}: LoadBalancer): LocalitySetting | undefined {
  const setting = localityLbSetting ?? zoneAwareLbSetting;
  if (setting === undefined) return undefined;
  if (setting.enabled === false) return { type: 'off' };
  const order: FailoverOrder = {
    regions: (setting.failover ?? []).map(({ from = '', to = '' }) => ({ from, to })),
    labels: (setting.failoverPriority ?? []).map(buildLabel),
  };
  if (zoneAwareLbSetting !== undefined) {
    return { type: 'zone-aware', order, minClusterSize: zoneAwareLbSetting.minClusterSize ?? MIN_CLUSTER_SIZE };
  }
  const distribute = localityLbSetting?.distribute ?? [];
  if (distribute.length === 0) return { type: 'failover', order };
  return {
    type: 'distribute',
    rules: distribute.map(({ from = '*', to = {} }) => ({ from, to: Object.entries(to) })),
  };
}

function buildLabel(text: string): FailoverLabel {
  const equals = text.indexOf('=');
  return equals < 0 ? { key: text } : { key: text.slice(0, equals), value: text.slice(equals + 1) };
}
