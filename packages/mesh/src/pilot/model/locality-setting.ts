import type { LoadBalancer } from '@lateen/api/istio/load-balancer.ts';

/** How the localities of client and instances count. (`localityLbSetting` and `zoneAwareLbSetting` of a DestinationRule) */
export type LocalitySetting =
  | { readonly type: 'off' }
  /** Clients of a locality send given shares to given localities. */
  | { readonly type: 'distribute'; readonly rules: readonly Distribution[] }
  /**
   * The nearest first; what is further away takes over when that fails. Failures can be told only by outlier detection, so
   * without it nothing is nearer, unless `always` says that being away is failure enough.
   */
  | { readonly type: 'failover'; readonly order: FailoverOrder; readonly always?: true }
  /** Each client has one instance of its own, as long as that is there. */
  | { readonly type: 'affinity' }
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
  if (zoneAwareLbSetting === undefined || localityLbSetting !== undefined) {
    return localityLbSetting === undefined ? undefined : buildLocalityDefault(localityLbSetting);
  }
  if (zoneAwareLbSetting.enabled === false) return { type: 'off' };
  const { minClusterSize = MIN_CLUSTER_SIZE } = zoneAwareLbSetting;
  return { type: 'zone-aware', order: buildOrder(zoneAwareLbSetting), minClusterSize };
}

/** Also that of the mesh. */
export function buildLocalityDefault(setting: NonNullable<LoadBalancer['localityLbSetting']>): LocalitySetting {
  if (setting.enabled === false) return { type: 'off' };
  const { distribute = [] } = setting;
  if (distribute.length === 0) return { type: 'failover', order: buildOrder(setting) };
  return {
    type: 'distribute',
    rules: distribute.map(({ from = '*', to = {} }) => ({ from, to: Object.entries(to) })),
  };
}

function buildOrder({
  failover = [],
  failoverPriority = [],
}: Pick<NonNullable<LoadBalancer['localityLbSetting']>, 'failover' | 'failoverPriority'>): FailoverOrder {
  return {
    regions: failover.map(({ from = '', to = '' }) => ({ from, to })),
    labels: failoverPriority.map(buildLabel),
  };
}

function buildLabel(text: string): FailoverLabel {
  const equals = text.indexOf('=');
  return equals < 0 ? { key: text } : { key: text.slice(0, equals), value: text.slice(equals + 1) };
}
