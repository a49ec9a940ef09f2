import type { KeyObject } from 'node:crypto';
import { join } from 'node:path';
import { validateTrustDomain } from '../identity/spiffe.ts';
import { ensureKeyDirectory, replaceKeyFiles } from '../key-files.ts';
import {
  authorityKeyIdentifier,
  distinguishedName,
  endEntityConstraint,
  keyIdentifierOf,
  keyUsage,
  serverAndClientUsage,
  signCertificate,
  subjectAltUri,
  subjectKeyIdentifier,
} from '../x509/certificate.ts';
import { clockSkewMs, createCaFiles, createIntermediateFiles } from './create.ts';
import { type CaMaterial, checkRootValidity, checkValidity, loadCa } from './load.ts';

export interface IssueRequest {
  /** Must have passed the checks of a signing request. */
  readonly publicKey: KeyObject;
  /** The only name in the certificate. */
  readonly spiffeId: string;
  /** Rounded up to a whole second, and cut where the CA itself ends. */
  readonly lifetimeMs: number;
}

export interface IssuedCertificate {
  /** PEM: the certificate, then the CA's own and what leads on to the root, without the root. */
  readonly chain: readonly string[];
  readonly serialNumber: string;
  readonly notAfter: Date;
}

/** The certificate authority of one mesh. */
export interface Authority {
  readonly trustDomain: string;
  /** The roots that peers must trust, in PEM. */
  trustBundle(): string;
  /**
   * Signs a certificate for both sides of mutual TLS.
   * @throws LateenError LAT0407 when the CA itself has expired
   */
  issue(request: IssueRequest): IssuedCertificate;
  /**
   * Replaces the intermediate by a new one from the root when two thirds of its time are over. A plug-in CA (no root
   * key) is left alone. Returns whether it did.
   * @throws LateenError LAT0408
   */
  renewIfDue(): Promise<boolean>;
  /** When the intermediate ends; no certificate is valid for longer. */
  notAfter(): Date;
}

export interface AuthorityOptions {
  /** The CA is kept in `ca/` in it. */
  readonly stateDir: string;
  readonly trustDomain: string;
  /** The clock, for tests. */
  readonly now?: () => Date;
}

/** The part of the intermediate's time after which it is renewed: leaves have at most a day, the rest is for outages. */
const renewAtFraction = 2 / 3;

/**
 * Opens the CA of a mesh, and makes it on first use. What is there is checked and never replaced.
 * @throws LateenError LAT0401 to LAT0409, naming the file and the remedy
 */
export async function openAuthority(options: AuthorityOptions): Promise<Authority> {
  const { stateDir, trustDomain, now = () => new Date() } = options;
  validateTrustDomain(trustDomain);
  const directory = join(stateDir, 'ca');
  await ensureKeyDirectory(directory, () => createCaFiles(trustDomain, now()));

  let material = await loadCa(directory, trustDomain);
  const renewIfDue = async (): Promise<boolean> => {
    const { root, rootKey } = material;
    if (!rootKey || !isRenewalDue(material, now())) return false;
    checkRootValidity(material, directory, now());
    await replaceKeyFiles(directory, createIntermediateFiles(root, rootKey, trustDomain, now()));
    material = await loadCa(directory, trustDomain);
    return true;
  };
  await renewIfDue();
  checkValidity(material, directory, now());

  return {
    trustDomain,
    trustBundle: () => material.roots.map((root) => root.toString()).join(''),
    issue: (request) => {
      checkValidity(material, directory, now());
      return issue(material, request, now());
    },
    renewIfDue,
    notAfter: () => material.certificate.validToDate,
  };
}

/** Not when the root ends with it: a new one would not last longer. */
function isRenewalDue({ certificate, root }: CaMaterial, now: Date): boolean {
  if (certificate === root || certificate.validToDate >= root.validToDate) return false;
  const from = certificate.validFromDate.getTime();
  const to = certificate.validToDate.getTime();
  return now.getTime() >= from + (to - from) * renewAtFraction;
}

function issue(ca: CaMaterial, request: IssueRequest, now: Date): IssuedCertificate {
  const { publicKey, spiffeId, lifetimeMs } = request;
  const wholeSecond = Math.ceil((now.getTime() + lifetimeMs) / 1000) * 1000;
  const notAfter = new Date(Math.min(wholeSecond, ca.certificate.validToDate.getTime()));
  const usages =
    publicKey.asymmetricKeyType === 'rsa'
      ? (['digitalSignature', 'keyEncipherment'] as const)
      : (['digitalSignature'] as const);
  const certificate = signCertificate(
    {
      issuer: ca.parts.subject,
      subject: distinguishedName({}),
      publicKey,
      notBefore: new Date(now.getTime() - clockSkewMs),
      notAfter,
      extensions: [
        endEntityConstraint(),
        keyUsage(...usages),
        serverAndClientUsage(),
        subjectKeyIdentifier(keyIdentifierOf(publicKey)),
        authorityKeyIdentifier(ca.parts.keyIdentifier),
        subjectAltUri(spiffeId, true),
      ],
    },
    ca.key,
  );
  return {
    chain: [certificate, ...ca.chain].map((one) => one.toString()),
    serialNumber: certificate.serialNumber,
    notAfter,
  };
}
