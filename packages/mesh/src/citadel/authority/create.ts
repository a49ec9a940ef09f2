import { generateKeyPairSync, type KeyObject, randomBytes, type X509Certificate } from 'node:crypto';
import { buildTrustDomainId } from '../identity/spiffe.ts';
import type { KeyFiles } from '../key-files.ts';
import {
  authorityKeyIdentifier,
  certificateAuthorityConstraint,
  distinguishedName,
  issuerPartsOf,
  keyIdentifierOf,
  keyUsage,
  signCertificate,
  subjectAltUri,
  subjectKeyIdentifier,
} from '../x509/certificate.ts';
import { caFiles } from './files.ts';

const dayMs = 24 * 60 * 60 * 1000;
const rootLifetimeMs = 3650 * dayMs;
const intermediateLifetimeMs = 365 * dayMs;

/** Certificates start to be valid this long before they are made, for peers whose clock is behind. */
export const clockSkewMs = 2 * 60 * 1000;

/** A new root and an intermediate below it, both ECDSA P-256. */
export function createCaFiles(trustDomain: string, now: Date): KeyFiles {
  const key = generateKey();
  const publicKey = key.publicKey;
  // The random part tells the roots of different meshes apart, also for software that compares names.
  const name = distinguishedName({
    organization: trustDomain,
    commonName: `Lateen root CA ${randomBytes(4).toString('hex')}`,
  });
  const root = signCertificate(
    {
      issuer: name,
      subject: name,
      publicKey,
      notBefore: new Date(now.getTime() - clockSkewMs),
      notAfter: new Date(now.getTime() + rootLifetimeMs),
      extensions: [
        certificateAuthorityConstraint(),
        keyUsage('keyCertSign', 'cRLSign'),
        subjectKeyIdentifier(keyIdentifierOf(publicKey)),
      ],
    },
    key.privateKey,
  );
  return {
    [caFiles.rootCertificate]: { text: root.toString(), secret: false },
    [caFiles.rootKey]: { text: privatePem(key.privateKey), secret: true },
    ...createIntermediateFiles(root, key.privateKey, trustDomain, now),
  };
}

/** A new intermediate, to be put beside the root that signs it. It never outlives the root. */
export function createIntermediateFiles(
  root: X509Certificate,
  rootKey: KeyObject,
  trustDomain: string,
  now: Date,
): KeyFiles {
  const key = generateKey();
  const issuer = issuerPartsOf(root);
  const notAfter = Math.min(now.getTime() + intermediateLifetimeMs, root.validToDate.getTime());
  const certificate = signCertificate(
    {
      issuer: issuer.subject,
      subject: distinguishedName({
        organization: trustDomain,
        commonName: `Lateen intermediate CA ${randomBytes(4).toString('hex')}`,
      }),
      publicKey: key.publicKey,
      notBefore: new Date(now.getTime() - clockSkewMs),
      notAfter: new Date(notAfter),
      extensions: [
        certificateAuthorityConstraint(0),
        keyUsage('keyCertSign', 'cRLSign'),
        subjectKeyIdentifier(keyIdentifierOf(key.publicKey)),
        authorityKeyIdentifier(issuer.keyIdentifier),
        // The SPIFFE X.509-SVID standard, 3.2: a signing certificate has the ID of its trust domain, without a path.
        subjectAltUri(buildTrustDomainId(trustDomain), false),
      ],
    },
    rootKey,
  );
  return {
    [caFiles.certificate]: { text: certificate.toString(), secret: false },
    [caFiles.key]: { text: privatePem(key.privateKey), secret: true },
    [caFiles.chain]: { text: certificate.toString() + root.toString(), secret: false },
  };
}

function generateKey(): { publicKey: KeyObject; privateKey: KeyObject } {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' });
}

function privatePem(key: KeyObject): string {
  return key.export({ format: 'pem', type: 'pkcs8' }).toString();
}
