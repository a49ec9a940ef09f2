import type * as z from 'zod/mini';
import { object, optional } from '../schema/field.ts';
import * as v from '../schema/values.ts';

export const outlierDetection = object(
  {
    consecutiveErrors: optional(v.int(0), 'Old form of consecutiveGatewayErrors.'),
    splitExternalLocalOriginErrors: optional(
      v.bool(),
      'Counts failed connections apart from bad answers: see consecutiveLocalOriginFailures.',
    ),
    consecutiveLocalOriginFailures: optional(
      v.uint32(),
      'Failed connections in a row before an instance is ejected; 5 by default. Needs splitExternalLocalOriginErrors.',
    ),
    consecutiveGatewayErrors: optional(
      v.uint32(),
      'Answers 502, 503 or 504, or failed connections, in a row before an instance is ejected; 0, the default, for never.',
    ),
    consecutive5xxErrors: optional(
      v.uint32(),
      'Answers 5xx, or failed connections, in a row before an instance is ejected; 5 by default, 0 for never.',
    ),
    interval: optional(v.duration(), 'Time between two looks at which instances may come back; 10s by default.'),
    baseEjectionTime: optional(
      v.duration(),
      'Time of the first ejection, 30s by default; each further one takes that much longer.',
    ),
    maxEjectionPercent: optional(v.int(0, 100), 'Largest share of the instances that may be ejected; 10 by default.'),
    minHealthPercent: optional(
      v.int(0, 100),
      'With a smaller share of healthy instances than this, all get requests, the ejected too; 0 by default.',
    ),
    outlierDetectionHttpErrorCodes: optional(
      v.array(v.int(100, 599)),
      'Statuses that count as errors, in place of 5xx.',
    ),
  },
  {
    rules({ consecutiveErrors, splitExternalLocalOriginErrors, ...others }, report) {
      if ((others.consecutiveLocalOriginFailures ?? 0) > 0 && splitExternalLocalOriginErrors !== true) {
        report('needs splitExternalLocalOriginErrors: true', ['consecutiveLocalOriginFailures']);
      }
      if (consecutiveErrors !== undefined && others.consecutiveGatewayErrors !== undefined) {
        report('is the old form of consecutiveGatewayErrors: set only that', ['consecutiveErrors']);
      }
    },
  },
);

export type OutlierDetection = z.infer<typeof outlierDetection>;
