import type { OutlierDetectionSchema } from '@lateen/envoy-api/envoy/config/cluster/v3/outlier_detection_pb.js';
import type { MatchPredicateSchema } from '@lateen/envoy-api/envoy/config/common/matcher/v3/matcher_pb.js';
import type { OutlierDetectionIr } from '../../proxy/ir/upstream-policy.ts';
import type { Init } from './init.ts';
import { duration } from './values.ts';

/** Only what was asked for ejects; Envoy would also compare endpoints' rates of success. */
export function outlierDetection(ir: OutlierDetectionIr): Init<typeof OutlierDetectionSchema> {
  const { localOrigin, consecutive5xx, consecutiveGatewayFailure } = ir;
  return {
    enforcingSuccessRate: 0,
    ...(consecutive5xx === undefined ? {} : { consecutive5xx, enforcingConsecutive5xx: enforced(consecutive5xx) }),
    ...(consecutiveGatewayFailure === undefined
      ? {}
      : { consecutiveGatewayFailure, enforcingConsecutiveGatewayFailure: enforced(consecutiveGatewayFailure) }),
    ...(ir.intervalMs === undefined ? {} : { interval: duration(ir.intervalMs) }),
    ...(ir.baseEjectionTimeMs === undefined ? {} : { baseEjectionTime: duration(ir.baseEjectionTimeMs) }),
    ...(ir.maxEjectionPercent === undefined ? {} : { maxEjectionPercent: ir.maxEjectionPercent }),
    ...(localOrigin === undefined
      ? {}
      : {
          splitExternalLocalOriginErrors: true,
          enforcingLocalOriginSuccessRate: 0,
          ...(localOrigin.consecutiveFailures === undefined
            ? {}
            : {
                consecutiveLocalOriginFailure: localOrigin.consecutiveFailures,
                enforcingConsecutiveLocalOriginFailure: 100,
              }),
        }),
  };
}

/** Percent of the ejections that are carried out. Zero errors stand for "not on account of these". */
function enforced(errors: number): number {
  return errors === 0 ? 0 : 100;
}

/** Which answers count as errors, where that is not 5xx. */
export function errorMatcher(statuses: readonly number[]): Init<typeof MatchPredicateSchema> {
  const pattern = statuses.join('|');
  return {
    rule: {
      case: 'httpResponseHeadersMatch',
      value: {
        headers: [
          {
            name: ':status',
            headerMatchSpecifier: {
              case: 'stringMatch',
              value: { matchPattern: { case: 'safeRegex', value: { regex: pattern } } },
            },
          },
        ],
      },
    },
  };
}
