/** The first part of SPIFFE IDs where nobody chose another. */
export const DEFAULT_TRUST_DOMAIN = 'cluster.local';

/** Who a workload is: its ServiceAccount, in a trust domain. */
export interface WorkloadIdentity {
  readonly trustDomain: string;
  readonly namespace: string;
  readonly serviceAccount: string;
}

/** `spiffe://TRUST_DOMAIN/ns/NAMESPACE/sa/SERVICE_ACCOUNT`, as Istio names workloads. The parts are not checked. */
export function spiffeIdOf({ trustDomain, namespace, serviceAccount }: WorkloadIdentity): string {
  return `spiffe://${trustDomain}/ns/${namespace}/sa/${serviceAccount}`;
}
