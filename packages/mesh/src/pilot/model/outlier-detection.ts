import { optionalDurationMs } from '@lateen/api/duration.ts';
import type { OutlierDetection as OutlierDetectionSettings } from '@lateen/api/istio/outlier-detection.ts';
import type { OutlierDetectionIr } from '../proxy/ir/upstream-policy.ts';
import { defined } from './defined.ts';

/** `outlierDetection` of a DestinationRule. */
export interface OutlierDetection {
  readonly ejection: OutlierDetectionIr;
  readonly minHealthPercent: number;
}

export function buildOutlierDetection(settings: OutlierDetectionSettings): OutlierDetection {
  const { consecutiveErrors, outlierDetectionHttpErrorCodes = [], maxEjectionPercent = 0 } = settings;
  const isOldForm = consecutiveErrors !== undefined && settings.consecutive5xxErrors === undefined;
  return {
    ejection: defined({
      // The old field spoke of gateway errors only.
      consecutive5xx: isOldForm ? 0 : settings.consecutive5xxErrors,
      consecutiveGatewayFailure: settings.consecutiveGatewayErrors ?? consecutiveErrors,
      localOrigin:
        settings.splitExternalLocalOriginErrors === true
          ? defined({ consecutiveFailures: settings.consecutiveLocalOriginFailures || undefined })
          : undefined,
      intervalMs: optionalDurationMs(settings.interval),
      baseEjectionTimeMs: optionalDurationMs(settings.baseEjectionTime),
      // 0 stands for the default, as in Istio.
      maxEjectionPercent: maxEjectionPercent || undefined,
      errorStatuses: outlierDetectionHttpErrorCodes.length === 0 ? undefined : outlierDetectionHttpErrorCodes,
    }),
    minHealthPercent: settings.minHealthPercent ?? 0,
  };
}
