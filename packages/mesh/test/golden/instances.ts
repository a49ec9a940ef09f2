import { EGRESS_GATEWAY, INGRESS_GATEWAY } from '@lateen/api/gateway-workload.ts';
import { instanceKey, type WorkloadInstance } from '@lateen/api/workload-instance.ts';

import { LOOPBACK } from '#pilot/explain/planned-instances.ts';

export { LOOPBACK };

/** Whether DNS would say that it is this machine. */
export function isHere(host: string): boolean {
  return host === LOOPBACK || host === 'localhost' || host.endsWith('.localhost');
}

/** The name under which cases speak of the built-in ingress gateway. */
export const GATEWAY = 'gateway';

/** `reviews-v1`, or with its namespace where that is not `default`; `gateway` and `egress` for those built in. */
export function workloadLabel({ name, workload, namespace }: WorkloadInstance): string {
  const builtIn = BUILT_IN_LABELS[instanceKey({ name, namespace })];
  if (builtIn !== undefined) return builtIn;
  return namespace === 'default' ? workload : `${workload}.${namespace}`;
}

const BUILT_IN_LABELS: Readonly<Record<string, string>> = {
  [instanceKey(INGRESS_GATEWAY)]: GATEWAY,
  [instanceKey(EGRESS_GATEWAY)]: 'egress',
};
