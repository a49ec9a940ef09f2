import { createPrivateKey, type KeyObject, randomBytes, sign, verify, X509Certificate } from 'node:crypto';
import { join } from 'node:path';
import { LateenError } from '@lateen/api/lateen-error.ts';
import { buildTrustDomainId } from '../identity/spiffe.ts';
import { readPrivateFile, readPublicFile } from '../key-files.ts';
import { keyProblem } from '../x509/algorithm.ts';
import { type IssuerParts, issuerPartsOf } from '../x509/certificate.ts';
import { caFiles } from './files.ts';

/** A certificate authority as it lies in its directory, checked. */
export interface CaMaterial {
  /** Never empty. More than one while a plug-in CA changes its root. */
  readonly roots: readonly X509Certificate[];
  /** The root that this CA's chain ends in. */
  readonly root: X509Certificate;
  /** Missing for a plug-in CA. */
  readonly rootKey?: KeyObject;
  readonly certificate: X509Certificate;
  readonly key: KeyObject;
  /** From the CA's own certificate to the last one below the root; empty if the CA is a root itself. */
  readonly chain: readonly X509Certificate[];
  readonly parts: IssuerParts;
}

const doNotGuess =
  'Nothing was changed. Restore the file from a backup, or, to start over with a new CA (every workload then gets ' +
  'a new certificate, and peers that trust the old root must be told the new one), move the whole directory away.';

/**
 * Reads and checks the CA in `directory`, apart from its validity period ({@link checkValidity}).
 * @throws LateenError LAT0401 to LAT0409, naming the file
 */
export async function loadCa(directory: string, trustDomain: string): Promise<CaMaterial> {
  const path = (name: string): string => join(directory, name);
  const [rootText, rootKeyText, certificateText, keyText, chainText] = await Promise.all([
    readPublicFile(path(caFiles.rootCertificate)),
    readPrivateFile(path(caFiles.rootKey)),
    readPublicFile(path(caFiles.certificate)),
    readPrivateFile(path(caFiles.key)),
    readPublicFile(path(caFiles.chain)),
  ]);
  const roots = parseCertificates(present(rootText, path(caFiles.rootCertificate)), path(caFiles.rootCertificate));
  const own = parseCertificates(present(certificateText, path(caFiles.certificate)), path(caFiles.certificate));
  const others = parseCertificates(present(chainText, path(caFiles.chain)), path(caFiles.chain));
  const key = parseKey(present(keyText, path(caFiles.key)), path(caFiles.key));

  for (const root of roots) checkRoot(root, path(caFiles.rootCertificate));
  const certificate = own[0] as X509Certificate;
  checkIsCa(certificate, path(caFiles.certificate));
  checkKeyMatches(key, certificate, path(caFiles.key), path(caFiles.certificate));
  checkTrustDomain(certificate, trustDomain, path(caFiles.certificate));

  const { chain, root } = buildChain(certificate, [...own.slice(1), ...others], roots, directory);
  checkChainFile(certificate, chain, others, roots, path(caFiles.chain));
  const material = { roots, root, certificate, key, chain, parts: issuerPartsOf(certificate) };
  if (rootKeyText === null) return material;
  const rootKey = parseKey(rootKeyText, path(caFiles.rootKey));
  checkKeyMatches(rootKey, root, path(caFiles.rootKey), path(caFiles.rootCertificate));
  return { ...material, rootKey };
}

/** @throws LateenError LAT0407 when a certificate of the CA is not valid at `now` */
export function checkValidity(material: CaMaterial, directory: string, now: Date): void {
  for (const certificate of material.chain) {
    const file = certificate === material.certificate ? caFiles.certificate : caFiles.chain;
    checkPeriod(certificate, join(directory, file), now);
  }
  checkRootValidity(material, directory, now);
}

/** @throws LateenError LAT0407 */
export function checkRootValidity(material: CaMaterial, directory: string, now: Date): void {
  checkPeriod(material.root, join(directory, caFiles.rootCertificate), now);
}

function checkPeriod(certificate: X509Certificate, file: string, now: Date): void {
  if (now < certificate.validFromDate) {
    throw new LateenError(
      'LAT0407',
      `A certificate in ${file} is not valid before ${certificate.validFromDate.toISOString()}.`,
      `Check the clock of this machine (it says ${now.toISOString()}).`,
    );
  }
  if (now > certificate.validToDate) {
    throw new LateenError(
      'LAT0407',
      `A certificate in ${file} has expired on ${certificate.validToDate.toISOString()}.`,
      'Put a renewed CA there, or move the whole directory away to start over with a new CA. ' +
        'If the date is wrong, check the clock of this machine.',
    );
  }
}

function present(text: string | null, file: string): string {
  if (text !== null) return text;
  throw new LateenError('LAT0401', `${file} is missing, while other files of the CA are there.`, doNotGuess);
}

function parseCertificates(text: string, file: string): X509Certificate[] {
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
  // A mangled BEGIN or END line would otherwise drop a certificate without a word.
  const lines = text.match(/-----/g)?.length ?? 0;
  if (blocks.length === 0 || lines !== blocks.length * 4) throw corrupt(file, 'it is not a series of PEM certificates');
  return blocks.map((block) => {
    try {
      const certificate = new X509Certificate(block);
      issuerPartsOf(certificate);
      return certificate;
    } catch (error) {
      throw corrupt(file, 'a certificate in it cannot be read', error);
    }
  });
}

function parseKey(text: string, file: string): KeyObject {
  try {
    return createPrivateKey(text);
  } catch (error) {
    throw corrupt(file, 'it is not an unencrypted private key in PEM', error);
  }
}

function corrupt(file: string, what: string, cause?: unknown): LateenError {
  return new LateenError('LAT0402', `${file} is damaged: ${what}.`, doNotGuess, { cause });
}

function checkIsCa(certificate: X509Certificate, file: string): void {
  const problem = keyProblem(certificate.publicKey);
  if (!certificate.ca || !issuerPartsOf(certificate).mayCertify) {
    throw new LateenError(
      'LAT0409',
      `The certificate in ${file} is not one of a certificate authority.`,
      'It needs basicConstraints CA:TRUE and the key usage keyCertSign.',
    );
  }
  if (problem)
    throw new LateenError('LAT0409', `The certificate in ${file} cannot be used: ${problem}.`, 'Use EC P-256.');
}

function checkRoot(root: X509Certificate, file: string): void {
  checkIsCa(root, file);
  if (root.checkIssued(root) && root.verify(root.publicKey)) return;
  throw new LateenError('LAT0404', `A certificate in ${file} is not signed by itself, so it is no root.`, doNotGuess);
}

/** A signature, since OpenSSL compares only the public half that a key file repeats. */
function checkKeyMatches(key: KeyObject, certificate: X509Certificate, keyFile: string, certificateFile: string): void {
  const probe = randomBytes(32);
  try {
    if (certificate.checkPrivateKey(key) && verify('sha256', probe, certificate.publicKey, sign('sha256', probe, key)))
      return;
  } catch {
    // A damaged key may fail to sign at all.
  }
  throw new LateenError('LAT0403', `${keyFile} is not the key of the certificate in ${certificateFile}.`, doNotGuess);
}

function checkTrustDomain(certificate: X509Certificate, trustDomain: string, file: string): void {
  const uris = (certificate.subjectAltName ?? '').match(/URI:spiffe:\/\/[^,\s]*/g);
  const wanted = buildTrustDomainId(trustDomain);
  if (!uris || uris.includes(`URI:${wanted}`)) return;
  throw new LateenError(
    'LAT0409',
    `The CA in ${file} is for ${uris.join(', ').replaceAll('URI:', '')}, but the trust domain of the mesh is ${trustDomain}.`,
    'Use the CA of this trust domain, or another state directory.',
  );
}

/** No real hierarchy is deeper. */
const maxChainLength = 8;

function buildChain(
  certificate: X509Certificate,
  candidates: readonly X509Certificate[],
  roots: readonly X509Certificate[],
  directory: string,
): { chain: X509Certificate[]; root: X509Certificate } {
  const chain: X509Certificate[] = [];
  let current = certificate;
  while (chain.length < maxChainLength) {
    const same = roots.find((root) => root.raw.equals(current.raw));
    if (same) return { chain, root: same };
    chain.push(current);
    const issuedBy = (issuer: X509Certificate): boolean =>
      issuer.ca && current.checkIssued(issuer) && current.verify(issuer.publicKey);
    const root = roots.find(issuedBy);
    if (root) return { chain, root };
    const next = candidates.find((candidate) => !chain.includes(candidate) && issuedBy(candidate));
    if (!next) break;
    current = next;
  }
  throw new LateenError(
    'LAT0404',
    `${join(directory, caFiles.certificate)} does not lead to the root in ${join(directory, caFiles.rootCertificate)}: ` +
      `${join(directory, caFiles.chain)} has no certificate that signed ${current.subject.replaceAll('\n', ', ') || 'it'}.`,
    doNotGuess,
  );
}

/** Everything in the chain file must have its place, or the file is of another CA or damaged. */
function checkChainFile(
  certificate: X509Certificate,
  chain: readonly X509Certificate[],
  listed: readonly X509Certificate[],
  roots: readonly X509Certificate[],
  file: string,
): void {
  const known = [certificate, ...chain, ...roots];
  if (listed.every((one) => known.some((other) => other.raw.equals(one.raw)))) return;
  throw new LateenError(
    'LAT0404',
    `${file} has a certificate that is not between ${caFiles.certificate} and ${caFiles.rootCertificate}.`,
    doNotGuess,
  );
}
