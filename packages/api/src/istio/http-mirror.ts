import { object, optional, required } from '../schema/field.ts';
import * as v from '../schema/values.ts';
import { destination, percent } from './common.ts';

export const mirrorPolicy = object({
  destination: required(destination, 'Where the copies go.'),
  percentage: optional(percent, 'Share of the requests; all by default.'),
});

/** Fields of a rule. */
export const mirrorFields = {
  mirrors: optional(
    v.array(mirrorPolicy),
    'Copies of the requests go here too. Their answers are thrown away, and their host ends in -shadow.',
  ),
  mirror: optional(destination, 'As mirrors, with one destination.'),
  mirrorPercentage: optional(percent, 'Share of the requests that mirror gets; all by default.'),
  mirrorPercent: optional(v.int(0, 100), 'Deprecated: share of the requests; write mirrorPercentage.'),
  mirror_percent: optional(v.int(0, 100), 'Deprecated: share of the requests; write mirrorPercentage.'),
};

export const MIRROR_SHARES = ['mirrorPercentage', 'mirrorPercent', 'mirror_percent'] as const;
