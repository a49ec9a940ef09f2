import { type Condition, conditionOf, type Problem } from '../conditions.ts';
import { GATEWAY_GROUP } from '../route-kind.ts';

/** Of a policy for services. */
export interface PolicyStatus {
  /** Gateways whose requests it is for. */
  readonly ancestors: readonly PolicyAncestorStatus[];
}

export interface PolicyAncestorStatus {
  readonly ancestorRef: {
    readonly group: string;
    readonly kind: string;
    readonly namespace: string;
    readonly name: string;
  };
  readonly controllerName: string;
  readonly conditions: readonly Condition[];
}

export function buildPolicyStatus(
  gateways: readonly { readonly namespace: string; readonly name: string; readonly controller: string }[],
  problems: readonly Problem[],
): PolicyStatus {
  return {
    ancestors: gateways.map(({ namespace, name, controller }) => ({
      ancestorRef: { group: GATEWAY_GROUP, kind: 'Gateway', namespace, name },
      controllerName: controller,
      conditions: [conditionOf('Accepted', problems), conditionOf('ResolvedRefs', problems)],
    })),
  };
}
