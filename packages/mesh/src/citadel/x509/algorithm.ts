import { type KeyObject, sign, verify } from 'node:crypto';
import { AlgorithmIdentifier } from '@peculiar/asn1-x509';

type Hash = 'sha256' | 'sha384' | 'sha512';

interface SignatureAlgorithm {
  readonly keyType: 'ec' | 'rsa';
  readonly hash: Hash;
  readonly identifier: AlgorithmIdentifier;
}

/** RFC 5758: without parameters. */
function ecdsa(hash: Hash, algorithm: string): SignatureAlgorithm {
  return { keyType: 'ec', hash, identifier: new AlgorithmIdentifier({ algorithm }) };
}

/** RFC 4055: the parameters are NULL. */
function rsa(hash: Hash, algorithm: string): SignatureAlgorithm {
  return { keyType: 'rsa', hash, identifier: new AlgorithmIdentifier({ algorithm, parameters: null }) };
}

const algorithms: readonly SignatureAlgorithm[] = [
  ecdsa('sha256', '1.2.840.10045.4.3.2'),
  ecdsa('sha384', '1.2.840.10045.4.3.3'),
  ecdsa('sha512', '1.2.840.10045.4.3.4'),
  rsa('sha256', '1.2.840.113549.1.1.11'),
  rsa('sha384', '1.2.840.113549.1.1.12'),
  rsa('sha512', '1.2.840.113549.1.1.13'),
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

/** Signs with the algorithm of {@link signatureAlgorithmFor}. */
export function signDer(toBeSigned: Uint8Array, key: KeyObject): Buffer {
  return sign(signatureAlgorithmFor(key).hash, toBeSigned, key);
}

/** Whether `signature` over `signed` is `key`'s. False, too, for an algorithm that is unknown or another key type's. */
export function verifyDer(
  signed: Uint8Array,
  identifier: AlgorithmIdentifier,
  signature: Uint8Array,
  key: KeyObject,
): boolean {
  const algorithm = algorithms.find((candidate) => candidate.identifier.isEqual(identifier));
  if (!algorithm || algorithm.keyType !== key.asymmetricKeyType) return false;
  return verify(algorithm.hash, signed, key, signature);
}
