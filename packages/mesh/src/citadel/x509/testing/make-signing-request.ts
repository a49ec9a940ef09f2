import { createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { signatureAlgorithmFor } from '../algorithm.ts';
import { distinguishedName, subjectAltUri } from '../certificate.ts';
import { bitString, derTag, encodeDer, objectId, sequence, unsignedInteger } from '../der.ts';

export interface SigningRequestOptions {
  /** Default: a new P-256 key. */
  readonly key?: KeyObject;
  readonly commonName?: string;
  /** A SAN that the request asks for. */
  readonly uri?: string;
  /** Signs in the place of `key`. */
  readonly signer?: KeyObject;
}

export function makeKey(curve = 'P-256'): KeyObject {
  return generateKeyPairSync('ec', { namedCurve: curve }).privateKey;
}

/** A PKCS #10 request in PEM, right or forged. */
export function makeSigningRequest(options: SigningRequestOptions = {}): string {
  const { key = makeKey(), commonName, uri, signer = key } = options;
  const extensionRequest = '1.2.840.113549.1.9.14';
  const attributes = uri
    ? [sequence(objectId(extensionRequest), encodeDer(derTag.set, sequence(subjectAltUri(uri, false))))]
    : [];
  const info = sequence(
    unsignedInteger(Buffer.from([0])),
    distinguishedName(commonName ? { commonName } : {}),
    createPublicKey(key).export({ format: 'der', type: 'spki' }),
    encodeDer(0xa0, ...attributes),
  );
  const algorithm = key.asymmetricKeyType === 'ec' || key.asymmetricKeyType === 'rsa' ? key : makeKey();
  const { hash, identifier } = signatureAlgorithmFor(algorithm);
  const signature = sign(key.asymmetricKeyType === 'ed25519' ? null : hash, info, signer);
  return toPem(sequence(info, identifier, bitString(signature)));
}

export function toPem(der: Buffer): string {
  return `-----BEGIN CERTIFICATE REQUEST-----\n${der.toString('base64')}\n-----END CERTIFICATE REQUEST-----\n`;
}
