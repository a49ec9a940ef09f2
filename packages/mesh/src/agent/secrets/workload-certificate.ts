import { createHash, type KeyObject, X509Certificate } from 'node:crypto';
import { spiffeIdOf, type WorkloadIdentity } from '@lateen/api/spiffe-id.ts';

/** What a workload shows and trusts in mutual TLS. The key never leaves the memory of this process and its Envoy. */
export interface WorkloadCertificate {
  /** PEM: leaf, then intermediates. */
  readonly chain: string;
  /** PEM, PKCS #8. */
  readonly privateKey: string;
  /** PEM: the roots that peers are checked against. */
  readonly trustBundle: string;
  readonly serialNumber: string;
  readonly notAfter: Date;
  /** Equal for equal content, also after a restart. */
  readonly chainVersion: string;
  readonly bundleVersion: string;
}

/**
 * Takes a certificate authority's answer `[leaf, intermediates..., root bundle]` only if it is what was asked for: our
 * key, our identity, valid now, and leading to the root that came with it.
 * @throws Error saying what is wrong with it
 */
export function acceptCertificate(
  certChain: readonly string[],
  privateKey: KeyObject,
  identity: WorkloadIdentity,
  now: Date,
): WorkloadCertificate {
  const chain = parse(certChain.slice(0, -1).join('\n'));
  const roots = parse(certChain.at(-1) ?? '');
  const [leaf] = chain;
  if (!leaf || roots.length === 0) throw new Error('the answer is not a chain of certificates with a root');
  if (!leaf.checkPrivateKey(privateKey)) throw new Error('the certificate is for another key');
  const wanted = `URI:${spiffeIdOf(identity)}`;
  if (leaf.subjectAltName !== wanted) throw new Error(`the certificate is for ${leaf.subjectAltName}, not ${wanted}`);
  if (now < leaf.validFromDate || now > leaf.validToDate) throw new Error('the certificate is not valid now');
  if (!leadsToRoot(chain, roots)) throw new Error('the certificate does not lead to its root');

  const chainText = join(chain);
  const trustBundle = join(roots);
  return {
    chain: chainText,
    privateKey: privateKey.export({ format: 'pem', type: 'pkcs8' }).toString(),
    trustBundle,
    serialNumber: leaf.serialNumber,
    notAfter: leaf.validToDate,
    chainVersion: hash(chainText),
    bundleVersion: hash(trustBundle),
  };
}

function parse(pem: string): X509Certificate[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
  return blocks.map((block) => new X509Certificate(block));
}

function leadsToRoot(chain: readonly X509Certificate[], roots: readonly X509Certificate[]): boolean {
  return chain.every((certificate, index) => {
    const next = chain[index + 1];
    const issuers = next ? [next] : roots;
    return issuers.some(
      (issuer) => issuer.ca && certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey),
    );
  });
}

function join(certificates: readonly X509Certificate[]): string {
  return certificates.map((certificate) => certificate.toString()).join('');
}

function hash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}
