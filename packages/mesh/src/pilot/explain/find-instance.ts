import { INGRESS_GATEWAY } from '@lateen/api/gateway-workload.ts';
import { LateenError } from '@lateen/api/lateen-error.ts';
import { didYouMean } from '@lateen/api/suggest.ts';
import { instanceKey, type WorkloadInstance } from '@lateen/api/workload-instance.ts';

/**
 * The instance that a user means: a replica, the first of a workload, each with `.NAMESPACE` behind it where that is not
 * `default`; or `gateway`, the built-in ingress gateway. Throws LAT0534.
 */
export function findInstance(instances: Iterable<WorkloadInstance>, word: string): WorkloadInstance {
  const sorted = [...instances].sort((a, b) => (instanceKey(a) < instanceKey(b) ? -1 : 1));
  const names = ({ name, workload, namespace }: WorkloadInstance) => [
    ...(namespace === 'default' ? [name, workload] : []),
    `${name}.${namespace}`,
    `${workload}.${namespace}`,
    ...(name === INGRESS_GATEWAY.name ? ['gateway'] : []),
  ];
  const found = sorted.find((instance) => names(instance).includes(word));
  if (found !== undefined) return found;
  const known = [
    ...new Set(
      sorted.map(({ workload, namespace }) => (namespace === 'default' ? workload : `${workload}.${namespace}`)),
    ),
  ];
  throw new LateenError(
    'LAT0534',
    `There is no workload ${JSON.stringify(word)}${didYouMean(word, known).replace(/\?$/, '')}.`,
    `Workloads: ${known.join(', ')}`,
  );
}
