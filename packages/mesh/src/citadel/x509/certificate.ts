import { createHash, type KeyObject, randomBytes, X509Certificate } from 'node:crypto';
import { signatureAlgorithmFor, signDer } from './algorithm.ts';
import {
  bitString,
  type DerElement,
  DerError,
  derTag,
  encodeDer,
  expectTag,
  explicit,
  objectId,
  readChildren,
  readDer,
  readOctets,
  sequence,
  time,
  unsignedInteger,
} from './der.ts';

/** What goes into a certificate (RFC 5280, 4.1); the serial number is drawn here. */
export interface CertificateContent {
  /** Encoded Names. */
  readonly issuer: Buffer;
  readonly subject: Buffer;
  readonly publicKey: KeyObject;
  /** Cut to whole seconds. */
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly extensions: readonly Buffer[];
}

const serialBytes = 16;

export function signCertificate(content: CertificateContent, issuerKey: KeyObject): X509Certificate {
  const version3 = unsignedInteger(Buffer.from([2]));
  const toBeSigned = sequence(
    explicit(0, version3),
    unsignedInteger(randomBytes(serialBytes)),
    signatureAlgorithmFor(issuerKey).identifier,
    content.issuer,
    sequence(time(content.notBefore), time(content.notAfter)),
    content.subject,
    content.publicKey.export({ format: 'der', type: 'spki' }),
    explicit(3, sequence(...content.extensions)),
  );
  return new X509Certificate(signDer(toBeSigned, issuerKey));
}

const attributeIds = { commonName: '2.5.4.3', organization: '2.5.4.10' } as const;

/** A Name (RFC 5280, 4.1.2.4); no attributes make the empty name. */
export function distinguishedName(attributes: Partial<Record<keyof typeof attributeIds, string>>): Buffer {
  const names = Object.entries(attributes).map(([attribute, value]) =>
    encodeDer(
      derTag.set,
      sequence(
        objectId(attributeIds[attribute as keyof typeof attributeIds]),
        encodeDer(derTag.utf8String, Buffer.from(value)),
      ),
    ),
  );
  return sequence(...names);
}

const extensionIds = {
  subjectKeyIdentifier: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  authorityKeyIdentifier: '2.5.29.35',
  extendedKeyUsage: '2.5.29.37',
} as const;

const asn1True = encodeDer(derTag.boolean, Buffer.from([0xff]));

function extension(id: keyof typeof extensionIds, critical: boolean, value: Buffer): Buffer {
  const flag = critical ? [asn1True] : [];
  return sequence(objectId(extensionIds[id]), ...flag, encodeDer(derTag.octetString, value));
}

export function certificateAuthorityConstraint(pathLength?: number): Buffer {
  const limit = pathLength === undefined ? [] : [unsignedInteger(Buffer.from([pathLength]))];
  return extension('basicConstraints', true, sequence(asn1True, ...limit));
}

export function endEntityConstraint(): Buffer {
  return extension('basicConstraints', true, sequence());
}

const usageBits = { digitalSignature: 0, keyEncipherment: 2, keyCertSign: 5, crlSign: 6 } as const;
type KeyUsage = keyof typeof usageBits;

export function keyUsage(...usages: readonly KeyUsage[]): Buffer {
  const bits: readonly number[] = usages.map((usage) => usageBits[usage]);
  const byte = bits.reduce((sum, bit) => sum | (0x80 >> bit), 0);
  return extension('keyUsage', true, bitString(Buffer.from([byte]), 7 - Math.max(...bits)));
}

const serverAuth = '1.3.6.1.5.5.7.3.1';
const clientAuth = '1.3.6.1.5.5.7.3.2';

/** Both sides of mutual TLS present the same certificate. */
export function serverAndClientUsage(): Buffer {
  return extension('extendedKeyUsage', false, sequence(objectId(serverAuth), objectId(clientAuth)));
}

/** Critical where the subject is empty (RFC 5280, 4.1.2.6). */
export function subjectAltUri(uri: string, critical: boolean): Buffer {
  return extension('subjectAltName', critical, sequence(encodeDer(0x86, Buffer.from(uri))));
}

export function subjectKeyIdentifier(keyIdentifier: Buffer): Buffer {
  return extension('subjectKeyIdentifier', false, encodeDer(derTag.octetString, keyIdentifier));
}

export function authorityKeyIdentifier(keyIdentifier: Buffer): Buffer {
  return extension('authorityKeyIdentifier', false, sequence(encodeDer(0x80, keyIdentifier)));
}

/** RFC 7093, method 1: the first 160 bits of the SHA-256 of the public key's bits. */
export function keyIdentifierOf(publicKey: KeyObject): Buffer {
  const info = readDer(publicKey.export({ format: 'der', type: 'spki' }), derTag.sequence);
  const bits = readOctets(readChildren(info)[1]);
  return createHash('sha256').update(bits).digest().subarray(0, 20);
}

/** Parts of a CA certificate that Node's X509Certificate does not give. */
export interface IssuerParts {
  /** The encoded subject, byte for byte: it becomes the issuer of what this certificate signs. */
  readonly subject: Buffer;
  readonly keyIdentifier: Buffer;
  /** Key usage allows signing certificates; true if the certificate does not restrict its use. */
  readonly mayCertify: boolean;
}

/** @throws DerError */
export function issuerPartsOf(certificate: X509Certificate): IssuerParts {
  const outer = readChildren(readDer(certificate.raw, derTag.sequence));
  const fields = readChildren(expectTag(outer[0], derTag.sequence));
  if (fields[0]?.tag === 0xa0) fields.shift();
  // serialNumber, signature, issuer, validity, subject, subjectPublicKeyInfo, ..., [3] extensions
  const subject = expectTag(fields[4], derTag.sequence).raw;
  const extensions = readExtensions(fields.find((field) => field.tag === 0xa3));
  const ownIdentifier = extensions.get(objectId(extensionIds.subjectKeyIdentifier).toString('hex'));
  const usage = extensions.get(objectId(extensionIds.keyUsage).toString('hex'));
  return {
    subject: Buffer.from(subject),
    keyIdentifier: ownIdentifier
      ? Buffer.from(readDer(ownIdentifier, derTag.octetString).content)
      : keyIdentifierOf(certificate.publicKey),
    mayCertify: usage === undefined || mayCertify(readDer(usage, derTag.bitString)),
  };
}

function mayCertify(usage: DerElement): boolean {
  return ((usage.content[1] ?? 0) & (0x80 >> usageBits.keyCertSign)) !== 0;
}

function readExtensions(wrapper: DerElement | undefined): Map<string, Buffer> {
  const found = new Map<string, Buffer>();
  if (!wrapper) return found;
  const list = expectTag(readChildren(wrapper)[0], derTag.sequence);
  for (const item of readChildren(list)) {
    const parts = readChildren(item);
    const id = expectTag(parts[0], derTag.objectId);
    const value = parts.at(-1);
    if (value?.tag !== derTag.octetString) throw new DerError('an extension without a value');
    found.set(id.raw.toString('hex'), value.content);
  }
  return found;
}
