import type { PeerCertificate } from 'node:tls';
import { LateenError } from '@lateen/api/lateen-error.ts';
import { spiffeIdOf } from '@lateen/api/spiffe-id.ts';
import { instanceOfNode } from '@lateen/api/workload-instance.ts';
import type { ProxyNode } from '../resource.ts';

/** Decides whether the holder of a SPIFFE identity may get the configuration of `node`. Throws LateenError if not. */
export type VerifyPeer = (spiffeId: string, node: ProxyNode) => void;

/** One path segment as SPIFFE allows it, https://github.com/spiffe/spiffe/blob/main/standards/SPIFFE-ID.md 2.2. */
const SPIFFE_ID = /^spiffe:\/\/[a-z0-9._-]{1,255}(\/[A-Za-z0-9._-]+)+$/;

/**
 * The identity in a client's certificate: an X509-SVID has exactly one URI among its subject alternative names.
 * Undefined when the certificate is no SVID.
 */
export function spiffeIdIn(certificate: PeerCertificate | undefined): string | undefined {
  // Node quotes a name with a comma in it, and such a name fails the pattern, so nothing can pose as a second entry.
  const names = certificate?.subjectaltname?.split(', ') ?? [];
  const uris = names.filter((name) => name.startsWith('URI:'));
  const id = uris.length === 1 ? uris[0]?.slice('URI:'.length) : undefined;
  return id !== undefined && id.length <= 2048 && SPIFFE_ID.test(id) ? id : undefined;
}

/**
 * The usual rule: a proxy gets the configuration of the workload whose certificate it has. The node's metadata
 * (`NAMESPACE`, `SERVICE_ACCOUNT`) and the namespace in its ID must be those of the certificate.
 */
export function verifyWorkloadIdentity(trustDomain: string): VerifyPeer {
  return (spiffeId, node) => {
    const { NAMESPACE: namespace, SERVICE_ACCOUNT: serviceAccount } = node.metadata;
    const isNamed = typeof namespace === 'string' && typeof serviceAccount === 'string';
    // A pod's name may have dots in it, a namespace's may not.
    const idNamespace = instanceOfNode(node.id).split('.').at(-1);
    const expected = isNamed ? spiffeIdOf({ trustDomain, namespace, serviceAccount }) : undefined;
    if (spiffeId === expected && idNamespace === namespace) return;
    throw new LateenError(
      'LAT0242',
      `A proxy with the identity ${spiffeId} asked for the configuration of the node "${node.id}", which is ${expected ?? 'without NAMESPACE and SERVICE_ACCOUNT in its metadata'}.`,
      'Give the proxy the certificate of its own service account, and bootstrap metadata that names that account.',
    );
  };
}
