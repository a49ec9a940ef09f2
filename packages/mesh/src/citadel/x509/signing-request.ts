import { createPublicKey, type KeyObject } from 'node:crypto';
import { keyProblem, verifyDer } from './algorithm.ts';
import { DerError, derTag, expectTag, readChildren, readDer, readOctets } from './der.ts';

/** A signing request is not acceptable; the message says why and is fit for the requester. */
export class SigningRequestError extends Error {
  override readonly name = 'SigningRequestError';
}

const pemPattern =
  /^\s*-----BEGIN (NEW )?CERTIFICATE REQUEST-----\s+([A-Za-z0-9+/=\s]+)-----END (NEW )?CERTIFICATE REQUEST-----\s*$/;

/**
 * The public key of a PKCS #10 request (RFC 2986) in PEM, after its self-signature has proven that the requester holds
 * the private key. Subject and requested extensions are not read: they decide nothing.
 * @throws SigningRequestError
 */
export function readSigningRequest(pem: string): KeyObject {
  const base64 = pemPattern.exec(pem)?.[2];
  if (base64 === undefined) throw new SigningRequestError('the CSR is not one PEM block "CERTIFICATE REQUEST"');
  try {
    return readRequest(Buffer.from(base64, 'base64'));
  } catch (error) {
    if (error instanceof DerError) throw new SigningRequestError(`the CSR is malformed: ${error.message}`);
    throw error;
  }
}

function readRequest(der: Buffer): KeyObject {
  const [info, algorithm, signature, ...rest] = readChildren(readDer(der, derTag.sequence));
  const [version, subject, keyInfo, attributes, ...more] = readChildren(expectTag(info, derTag.sequence));
  if (rest.length > 0 || more.length > 0) throw new DerError('unexpected elements');
  if (!expectTag(version, derTag.integer).content.equals(Buffer.from([0]))) throw new DerError('unknown version');
  expectTag(subject, derTag.sequence);
  if (attributes) expectTag(attributes, 0xa0);

  const key = readKey(expectTag(keyInfo, derTag.sequence).raw);
  const problem = keyProblem(key);
  if (problem) throw new SigningRequestError(`the CSR's key is not accepted: ${problem}`);
  const signed = expectTag(info, derTag.sequence).raw;
  if (!verifyDer(signed, expectTag(algorithm, derTag.sequence).raw, readOctets(signature), key)) {
    throw new SigningRequestError("the CSR's signature is not that of its own key");
  }
  return key;
}

function readKey(subjectPublicKeyInfo: Buffer): KeyObject {
  try {
    return createPublicKey({ key: subjectPublicKeyInfo, format: 'der', type: 'spki' });
  } catch {
    throw new SigningRequestError("the CSR's public key cannot be read");
  }
}
