import { LateenError } from '@lateen/api/lateen-error.ts';
import { isDnsLabel, isDnsSubdomain } from '@lateen/api/names.ts';
import { spiffeIdOf, type WorkloadIdentity } from '@lateen/api/spiffe-id.ts';

/** Who a workload is: its ServiceAccount. */
export type ServiceAccountIdentity = Omit<WorkloadIdentity, 'trustDomain'>;

/** SPIFFE ID standard, 2.1: lower-case letters, digits, `.`, `-`, `_`. Bounded so that the whole ID stays below 2048 bytes. */
const trustDomainPattern = /^[a-z0-9._-]{1,255}$/;

/** @throws LateenError LAT0440 */
export function validateTrustDomain(trustDomain: string): string {
  if (!trustDomainPattern.test(trustDomain)) {
    throw invalid(
      'trust domain',
      trustDomain,
      'Use lower-case letters, digits, ".", "-" and "_", such as cluster.local.',
    );
  }
  return trustDomain;
}

/**
 * The parts are named as Kubernetes names Namespaces and ServiceAccounts.
 * @throws LateenError LAT0440
 */
export function validateIdentity<T extends ServiceAccountIdentity>(identity: T): T {
  if (!isDnsLabel(identity.namespace)) {
    throw invalid('namespace', identity.namespace, 'Use up to 63 lower-case letters, digits and "-".');
  }
  if (!isDnsSubdomain(identity.serviceAccount)) {
    throw invalid('service account', identity.serviceAccount, 'Use up to 253 lower-case letters, digits, "-" and ".".');
  }
  return identity;
}

/**
 * The SPIFFE ID of an identity that comes from outside.
 * @throws LateenError LAT0440 when a part has characters that it must not have.
 */
export function buildSpiffeId(identity: WorkloadIdentity): string {
  validateTrustDomain(identity.trustDomain);
  validateIdentity(identity);
  return spiffeIdOf(identity);
}

/** The ID of the trust domain itself, which signing certificates carry. */
export function buildTrustDomainId(trustDomain: string): string {
  return `spiffe://${validateTrustDomain(trustDomain)}`;
}

/** @throws LateenError LAT0440 */
export function parseSpiffeId(id: string): WorkloadIdentity {
  const match = /^spiffe:\/\/([^/]*)\/ns\/([^/]*)\/sa\/([^/]*)$/.exec(id);
  if (!match) throw invalid('SPIFFE ID', id, 'It has the form spiffe://TRUST_DOMAIN/ns/NAMESPACE/sa/SERVICE_ACCOUNT.');
  const [, trustDomain = '', namespace = '', serviceAccount = ''] = match;
  validateTrustDomain(trustDomain);
  return validateIdentity({ trustDomain, namespace, serviceAccount });
}

function invalid(what: string, value: string, remedy: string): LateenError {
  return new LateenError('LAT0440', `${JSON.stringify(value.slice(0, 300))} is not a valid ${what}.`, remedy);
}
