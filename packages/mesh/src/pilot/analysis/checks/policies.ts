import type { PeerAuthentication, ProxyConfig } from '@lateen/api/kinds.ts';
import { type Check, groupBy, type Problem, refOf, titleOf } from '../check.ts';

type Policy = PeerAuthentication | ProxyConfig;

/** Policies for the same workloads, of which one counts. */
export const policyConflicts: Check = {
  about: 'several policies of one kind for the same workloads',
  *run(mesh) {
    for (const kind of ['PeerAuthentication', 'ProxyConfig'] as const) {
      const byNamespace = groupBy<Policy>(mesh.of(kind), ({ metadata }) => [metadata.namespace]);
      for (const [namespace, policies] of byNamespace) {
        const [first, ...others] = policies.filter((each) => Object.keys(labelsOf(each)).length === 0);
        for (const other of others) if (first !== undefined) yield conflict(other, first, `all of ${namespace}`);
        const taken = new Map<string, Policy>();
        for (const policy of policies) {
          const labels = labelsOf(policy);
          if (Object.keys(labels).length === 0) continue;
          const selected = mesh.workloads.selected(labels, namespace);
          const shared = selected.find(({ ref }) => taken.has(ref.name))?.ref.name;
          const before = taken.get(shared ?? '');
          if (shared !== undefined && before !== undefined) yield conflict(policy, before, shared);
          for (const { ref } of selected) if (!taken.has(ref.name)) taken.set(ref.name, policy);
        }
      }
    }
  },
};

function labelsOf({ spec }: Policy): Readonly<Record<string, string>> {
  return spec.selector?.matchLabels ?? {};
}

function conflict(policy: Policy, first: Policy, who: string): Problem {
  return {
    code: 'LAT0659',
    object: refOf(policy),
    path: 'spec',
    message: `${titleOf(refOf(first))} is for ${who}, too, and counts first: this one does not hold there`,
  };
}
