import type { MeshConfig } from '@lateen/api/istio/mesh-config.ts';
import { hasLabels } from './service.ts';

/** Kubernetes' label selector. */
export type LabelSelector = NonNullable<MeshConfig['discoverySelectors']>[number];

/** Whether things with these labels are selected. An empty selector selects all. */
export function selects(
  { matchLabels = {}, matchExpressions = [] }: LabelSelector,
  labels: Readonly<Record<string, string>>,
): boolean {
  return hasLabels(labels, matchLabels) && matchExpressions.every((each) => holds(each, labels));
}

function holds(
  { key = '', operator, values = [] }: NonNullable<LabelSelector['matchExpressions']>[number],
  labels: Readonly<Record<string, string>>,
): boolean {
  const value = labels[key];
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value);
    case 'NotIn':
      return value === undefined || !values.includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
    default:
      return true;
  }
}
