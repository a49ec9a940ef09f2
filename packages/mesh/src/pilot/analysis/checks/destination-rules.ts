import type { DestinationRule } from '@lateen/api/kinds.ts';
import { isVisible } from '../../model/visibility.ts';
import { type Check, groupBy, refOf, titleOf } from '../check.ts';
import type { MeshView } from '../mesh-view.ts';

/** Several DestinationRules of one namespace for one host are one: somebody should know which part of which counts. */
export const sameHostRules: Check = {
  about: 'several DestinationRules for one host in a namespace',
  *run(mesh) {
    const groups = groupBy(mesh.of('DestinationRule'), ({ metadata, spec }) => [
      JSON.stringify([metadata.namespace, mesh.resolve(spec.host, metadata.namespace), selectorText(spec)]),
    ]);
    for (const rules of groups.values()) {
      for (const [index, rule] of rules.entries()) {
        const first = rules.slice(0, Math.min(index, 20)).find((earlier) => sharesClients(earlier, rule, mesh));
        if (first === undefined) continue;
        const hidden = hiddenParts(first, rule);
        const which = titleOf(refOf(first));
        const message =
          hidden.length === 0
            ? `${which} is for the same host: both hold together`
            : `${which} is for the same host and counts first: ${hidden.join(' and ')} of this one ${hidden.length === 1 ? 'is' : 'are'} not used`;
        yield {
          code: hidden.length === 0 ? 'LAT0623' : 'LAT0620',
          object: refOf(rule),
          path: 'spec.host',
          message,
        };
      }
    }
  },
};

function selectorText({ workloadSelector }: DestinationRule['spec']): string {
  const labels = Object.entries(workloadSelector?.matchLabels ?? {}).map(([key, value]) => `${key}=${value}`);
  return labels.sort().join(',');
}

/** Subsets of both hold, those of the first where a name is in both; of the settings, only those of the first. */
function hiddenParts(first: DestinationRule, rule: DestinationRule): string[] {
  const known = new Set((first.spec.subsets ?? []).map(({ name }) => name));
  const twice = (rule.spec.subsets ?? []).filter(({ name }) => known.has(name)).map(({ name }) => `the subset ${name}`);
  const policies = first.spec.trafficPolicy !== undefined && rule.spec.trafficPolicy !== undefined;
  return [...(policies ? ['the trafficPolicy'] : []), ...twice];
}

function sharesClients(a: DestinationRule, b: DestinationRule, mesh: MeshView): boolean {
  const [left, right] = [mesh.visibilityOf(a), mesh.visibilityOf(b)];
  if (left === 'all') return right === 'all' || right.length > 0;
  return right === 'all' ? left.length > 0 : left.some((namespace) => isVisible(right, namespace));
}
