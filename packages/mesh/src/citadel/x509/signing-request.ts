import { createPublicKey, type KeyObject } from 'node:crypto';
import { CertificationRequest } from '@peculiar/asn1-csr';
import type { SubjectPublicKeyInfo } from '@peculiar/asn1-x509';
import { keyProblem, verifyDer } from './algorithm.ts';
import { DerError, decodeDer, encodeDer } from './encoding.ts';

/** A signing request is not acceptable; the message says why and is fit for the requester. */
export class SigningRequestError extends Error {
  override readonly name = 'SigningRequestError';
}

const pemPattern =
  /^\s*-----BEGIN (NEW )?CERTIFICATE REQUEST-----\s+([A-Za-z0-9+/=\s]+)-----END (NEW )?CERTIFICATE REQUEST-----\s*$/;

/**
 * The public key of a PKCS #10 request (RFC 2986) in PEM, after its self-signature has proven that the requester holds
 * the private key. Subject and requested extensions decide nothing.
 * @throws SigningRequestError
 */
export function readSigningRequest(pem: string): KeyObject {
  const base64 = pemPattern.exec(pem)?.[2];
  if (base64 === undefined) throw new SigningRequestError('the CSR is not one PEM block "CERTIFICATE REQUEST"');
  const { certificationRequestInfo: info, signatureAlgorithm, signature } = decode(Buffer.from(base64, 'base64'));
  const key = readKey(info.subjectPKInfo);
  const problem = keyProblem(key);
  if (problem) throw new SigningRequestError(`the CSR's key is not accepted: ${problem}`);
  if (!verifyDer(encodeDer(info), signatureAlgorithm, Buffer.from(signature), key)) {
    throw new SigningRequestError("the CSR's signature is not that of its own key");
  }
  return key;
}

function decode(der: Buffer): CertificationRequest {
  try {
    const request = decodeDer(der, CertificationRequest);
    if (request.certificationRequestInfo.version !== 0) throw new DerError('unknown version');
    return request;
  } catch (error) {
    if (error instanceof DerError) throw new SigningRequestError(`the CSR is malformed: ${error.message}`);
    throw error;
  }
}

function readKey(info: SubjectPublicKeyInfo): KeyObject {
  try {
    return createPublicKey({ key: encodeDer(info), format: 'der', type: 'spki' });
  } catch {
    throw new SigningRequestError("the CSR's public key cannot be read");
  }
}
