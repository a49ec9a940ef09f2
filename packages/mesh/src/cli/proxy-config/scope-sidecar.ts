import { LateenError } from '@lateen/api/lateen-error.ts';
import type { HeldService, ProxyScope } from '@lateen/api/proxy-scope.ts';

/**
 * A Sidecar that lists what the workload knows now, so that it is declared and need not be learnt. What only rules lead to
 * comes with them and is not listed.
 * @throws LateenError LAT0760 when no labels are the workload's alone: the Sidecar would limit others as well
 */
export function sidecarOfScope({ workload, namespace, selector, services }: ProxyScope): object {
  if (selector === undefined) {
    throw new LateenError(
      'LAT0760',
      `No labels are those of ${workload}.${namespace} alone, so no Sidecar can select it.`,
      'Give its pods a label that no other workload of the namespace has, such as app.',
    );
  }
  const hosts = services.filter(isKnown).map((service) => `${service.namespace}/${service.host}`);
  return {
    apiVersion: 'networking.istio.io/v1',
    kind: 'Sidecar',
    metadata: { name: workload, namespace },
    spec: {
      workloadSelector: { labels: selector },
      egress: [{ hosts: hosts.length === 0 ? ['~/*'] : hosts }],
    },
  };
}

function isKnown({ reasons }: HeldService): boolean {
  return reasons.some(({ type }) => type === 'namespace' || type === 'listed' || type === 'asked' || type === 'always');
}
