import type { ParentRef } from '@lateen/api/gateway-api/references.ts';
import { type Condition, conditionOf, type Problem } from '../conditions.ts';
import { ruleOf } from '../refused-rules.ts';
import type { RouteState } from '../routes.ts';

export interface RouteStatus {
  readonly parents: readonly RouteParentStatus[];
}

export interface RouteParentStatus {
  /** As it is written. */
  readonly parentRef: ParentRef;
  readonly controllerName: string;
  readonly conditions: readonly Condition[];
}

/** Of parents that are not Lateen's nothing is said. */
export function buildRouteStatus({ attachments, problems, refusal }: RouteState): RouteStatus {
  return {
    parents: attachments.flatMap(({ parentRef, controller, problems: ofParent }) => {
      if (controller === undefined) return [];
      const ofRoute = refusal === 'all' ? problems : problems.filter(({ type }) => type !== 'Accepted');
      const accepted = conditionOf('Accepted', [...ofParent, ...ofRoute]);
      const dropped = refusal === 'some' && accepted.status === 'True' ? [partiallyInvalid(problems)] : [];
      return [
        {
          parentRef,
          controllerName: controller,
          conditions: [accepted, conditionOf('ResolvedRefs', [...ofParent, ...ofRoute]), ...dropped],
        },
      ];
    }),
  };
}

/** It is not there where it does not hold, and its message starts with these words, as the Gateway API asks. */
function partiallyInvalid(problems: readonly Problem[]): Condition {
  const refused = problems.filter(({ type }) => type === 'Accepted');
  const rules = [...new Set(refused.map(ruleOf))].map((index) => `spec.rules[${index}]`);
  const [first] = refused;
  return {
    type: 'PartiallyInvalid',
    status: 'True',
    reason: 'UnsupportedValue',
    message: `Dropped Rule ${rules.join(', ')}, which now refuses all that it matches: ${first?.message}`,
  };
}
