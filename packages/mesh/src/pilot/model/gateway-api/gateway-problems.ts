import { keyOfRef } from '@lateen/api/object-key.ts';
import type { Reader } from '../../incremental/collection.ts';
import type { Problem } from './conditions.ts';
import type { KubernetesGateways } from './gateways.ts';

/** What is wrong with a Gateway itself, whatever its listeners. */
export function gatewayProblems(
  gateway: { readonly namespace: string; readonly name: string },
  { deployments, clientCertificates }: Pick<KubernetesGateways, 'deployments' | 'clientCertificates'>,
  read: Reader,
): readonly Problem[] {
  const { namespace, name } = gateway;
  return [
    ...(read.get(deployments, keyOfRef({ kind: 'KubernetesGateway', namespace, name }))?.problems ?? []),
    ...(read.get(clientCertificates, `${namespace}/${name}`)?.problems ?? []),
  ];
}
