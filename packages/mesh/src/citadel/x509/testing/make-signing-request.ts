import { createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { Attributes, CertificationRequest, CertificationRequestInfo } from '@peculiar/asn1-csr';
import { AsnConvert } from '@peculiar/asn1-schema';
import { Attribute, Extensions } from '@peculiar/asn1-x509';
import { signatureAlgorithmFor } from '../algorithm.ts';
import { arrayBufferOf, distinguishedName, publicKeyInfo, subjectAltUri } from '../certificate.ts';
import { encodeDer } from '../encoding.ts';

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

const extensionRequest = '1.2.840.113549.1.9.14';

/** A PKCS #10 request in PEM, right or forged. */
export function makeSigningRequest(options: SigningRequestOptions = {}): string {
  const { key = makeKey(), commonName, uri, signer = key } = options;
  const attributes = new Attributes();
  if (uri) {
    const extensions = AsnConvert.serialize(new Extensions([subjectAltUri(uri, false)]));
    attributes.push(new Attribute({ type: extensionRequest, values: [extensions] }));
  }
  const certificationRequestInfo = new CertificationRequestInfo({
    subject: distinguishedName(commonName ? { commonName } : {}),
    subjectPKInfo: publicKeyInfo(createPublicKey(key)),
    attributes,
  });
  const algorithm = key.asymmetricKeyType === 'ec' || key.asymmetricKeyType === 'rsa' ? key : makeKey();
  const { hash, identifier } = signatureAlgorithmFor(algorithm);
  const digest = key.asymmetricKeyType === 'ed25519' ? null : hash;
  const signature = arrayBufferOf(sign(digest, encodeDer(certificationRequestInfo), signer));
  return toPem(
    encodeDer(new CertificationRequest({ certificationRequestInfo, signatureAlgorithm: identifier, signature })),
  );
}

export function toPem(der: Buffer): string {
  return `-----BEGIN CERTIFICATE REQUEST-----\n${der.toString('base64')}\n-----END CERTIFICATE REQUEST-----\n`;
}
