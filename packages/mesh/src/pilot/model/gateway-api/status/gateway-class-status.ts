import type { GatewayClass } from '@lateen/api/kinds.ts';
import { type Condition, conditionOf } from '../conditions.ts';
import { isOurs, problemOfClass } from '../gateway-class.ts';
import { SUPPORTED_FEATURES } from '../supported-features.ts';

export interface GatewayClassStatus {
  readonly conditions: readonly Condition[];
  readonly supportedFeatures: readonly { readonly name: string }[];
}

/** Undefined for a class that others serve. */
export function buildGatewayClassStatus(object: GatewayClass): GatewayClassStatus | undefined {
  if (!isOurs(object)) return undefined;
  const problem = problemOfClass(object);
  return {
    conditions: [conditionOf('Accepted', problem === undefined ? [] : [problem]), conditionOf('SupportedVersion', [])],
    supportedFeatures: SUPPORTED_FEATURES.map((name) => ({ name })),
  };
}
