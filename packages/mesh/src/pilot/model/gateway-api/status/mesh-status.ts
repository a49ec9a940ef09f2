import { conditionOf, type Problem } from '../conditions.ts';
import { SUPPORTED_FEATURES } from '../supported-features.ts';
import type { GatewayClassStatus } from './gateway-class-status.ts';

/** Of an XMesh: as of a class, but with the features that are for calls between services only. */
export function buildMeshStatus(
  problems: readonly Problem[],
): Pick<GatewayClassStatus, 'conditions' | 'supportedFeatures'> {
  return {
    conditions: [conditionOf('Accepted', problems)],
    supportedFeatures: SUPPORTED_FEATURES.filter((name) => name.startsWith('Mesh')).map((name) => ({ name })),
  };
}
