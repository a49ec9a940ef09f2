import type { RuntimeFractionalPercent } from '@lateen/envoy-api/envoy/config/core/v3/base_pb.js';
import {
  type FractionalPercent,
  FractionalPercent_DenominatorType,
} from '@lateen/envoy-api/envoy/type/v3/percent_pb.js';

const DENOMINATORS: Readonly<Record<FractionalPercent_DenominatorType, number>> = {
  [FractionalPercent_DenominatorType.HUNDRED]: 100,
  [FractionalPercent_DenominatorType.TEN_THOUSAND]: 10_000,
  [FractionalPercent_DenominatorType.MILLION]: 1_000_000,
};

/** A fraction of one. `absent` where nothing is given. */
export function shareOf(percent: FractionalPercent | undefined, absent: number): number {
  if (percent === undefined) return absent;
  return Math.min(1, percent.numerator / DENOMINATORS[percent.denominator]);
}

/** The runtime's values are those of the configuration: nothing sets others in a sidecar. */
export function runtimeShare(fraction: RuntimeFractionalPercent | undefined, absent: number): number {
  return fraction === undefined ? absent : shareOf(fraction.defaultValue, absent);
}

/** `12.5 %` */
export function percentText(share: number): string {
  return `${Number((share * 100).toFixed(4))} %`;
}
