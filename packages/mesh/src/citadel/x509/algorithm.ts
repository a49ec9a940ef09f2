import { type KeyObject, sign, verify } from 'node:crypto';
import { derTag, encodeDer, objectId, sequence } from './der.ts';

type Hash = 'sha256' | 'sha384' | 'sha512';

interface SignatureAlgorithm {
  readonly keyType: 'ec' | 'rsa';
  readonly hash: Hash;
  /** AlgorithmIdentifier, encoded (RFC 5758, RFC 4055: parameters absent for ECDSA, NULL for RSA). */
  readonly identifier: Buffer;
}

const asn1Null = encodeDer(0x05);

const algorithms: readonly SignatureAlgorithm[] = [
  { keyType: 'ec', hash: 'sha256', identifier: sequence(objectId('1.2.840.10045.4.3.2')) },
  { keyType: 'ec', hash: 'sha384', identifier: sequence(objectId('1.2.840.10045.4.3.3')) },
  { keyType: 'ec', hash: 'sha512', identifier: sequence(objectId('1.2.840.10045.4.3.4')) },
  { keyType: 'rsa', hash: 'sha256', identifier: sequence(objectId('1.2.840.113549.1.1.11'), asn1Null) },
  { keyType: 'rsa', hash: 'sha384', identifier: sequence(objectId('1.2.840.113549.1.1.12'), asn1Null) },
  { keyType: 'rsa', hash: 'sha512', identifier: sequence(objectId('1.2.840.113549.1.1.13'), asn1Null) },
];

/** RSA keys above this only cost time to verify. */
const maxRsaBits = 8192;
const minRsaBits = 2048;
const curves: ReadonlySet<string | undefined> = new Set(['prime256v1', 'secp384r1']);

/** Why a key must not be certified or sign certificates here, or null: EC P-256, EC P-384 and RSA from 2048 bits do. */
export function keyProblem(key: KeyObject): string | null {
  const details = key.asymmetricKeyDetails;
  if (key.asymmetricKeyType === 'ec') {
    return curves.has(details?.namedCurve)
      ? null
      : `the EC curve ${details?.namedCurve ?? '(not named)'} is not P-256 or P-384`;
  }
  if (key.asymmetricKeyType === 'rsa') {
    const bits = details?.modulusLength ?? 0;
    return bits >= minRsaBits && bits <= maxRsaBits
      ? null
      : `the RSA key has ${bits} bits, not ${minRsaBits} to ${maxRsaBits}`;
  }
  return `the key type ${key.asymmetricKeyType} is neither EC nor RSA`;
}

/** The algorithm that a certificate authority with this key signs with. The key must pass {@link keyProblem}. */
export function signatureAlgorithmFor(key: KeyObject): SignatureAlgorithm {
  const hash: Hash = key.asymmetricKeyDetails?.namedCurve === 'secp384r1' ? 'sha384' : 'sha256';
  const found = algorithms.find((algorithm) => algorithm.keyType === key.asymmetricKeyType && algorithm.hash === hash);
  if (!found) throw new TypeError(`cannot sign with a key of type ${key.asymmetricKeyType}`);
  return found;
}

/** `SEQUENCE { toBeSigned, algorithm, signature }`: the outer form of certificates and signing requests. */
export function signDer(toBeSigned: Buffer, key: KeyObject): Buffer {
  const { hash, identifier } = signatureAlgorithmFor(key);
  const signature = sign(hash, toBeSigned, key);
  return sequence(toBeSigned, identifier, encodeDer(derTag.bitString, Buffer.from([0]), signature));
}

/** Whether `signature` over `signed` is `key`'s. False, too, for an algorithm that is unknown or another key type's. */
export function verifyDer(signed: Buffer, identifier: Buffer, signature: Buffer, key: KeyObject): boolean {
  const algorithm = algorithms.find((candidate) => candidate.identifier.equals(identifier));
  if (!algorithm || algorithm.keyType !== key.asymmetricKeyType) return false;
  return verify(algorithm.hash, signed, key, signature);
}
