import { createHash, type KeyObject, randomBytes, X509Certificate } from 'node:crypto';
import { OctetString } from '@peculiar/asn1-schema';
import * as asn1 from '@peculiar/asn1-x509';
import { signatureAlgorithmFor, signDer } from './algorithm.ts';
import { DerError, decodeBer, encodeDer } from './encoding.ts';

/** What goes into a certificate (RFC 5280, 4.1); the serial number is drawn here. */
export interface CertificateContent {
  readonly issuer: asn1.Name;
  readonly subject: asn1.Name;
  readonly publicKey: KeyObject;
  /** Cut to whole seconds. */
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly extensions: readonly asn1.Extension[];
}

export function signCertificate(content: CertificateContent, issuerKey: KeyObject): X509Certificate {
  const signatureAlgorithm = signatureAlgorithmFor(issuerKey).identifier;
  const tbsCertificate = new asn1.TBSCertificate({
    version: asn1.Version.v3,
    serialNumber: arrayBufferOf(drawSerialNumber()),
    signature: signatureAlgorithm,
    issuer: content.issuer,
    validity: new asn1.Validity({ notBefore: content.notBefore, notAfter: content.notAfter }),
    subject: content.subject,
    subjectPublicKeyInfo: publicKeyInfo(content.publicKey),
    extensions: new asn1.Extensions([...content.extensions]),
  });
  const signatureValue = arrayBufferOf(signDer(encodeDer(tbsCertificate), issuerKey));
  return new X509Certificate(encodeDer(new asn1.Certificate({ tbsCertificate, signatureAlgorithm, signatureValue })));
}

/** 126 random bits. The first byte makes a positive number of 16 bytes in DER (RFC 5280, 4.1.2.2). */
function drawSerialNumber(): Buffer {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40;
  return bytes;
}

const attributeIds = { commonName: '2.5.4.3', organization: '2.5.4.10' } as const;

/** A Name (RFC 5280, 4.1.2.4); no attributes make the empty name. */
export function distinguishedName(attributes: Partial<Record<keyof typeof attributeIds, string>>): asn1.Name {
  const names = Object.entries(attributes).map(([attribute, utf8String]) => {
    const type = attributeIds[attribute as keyof typeof attributeIds];
    const value = new asn1.AttributeValue({ utf8String });
    return new asn1.RelativeDistinguishedName([new asn1.AttributeTypeAndValue({ type, value })]);
  });
  return new asn1.Name(names);
}

function extension(extnID: string, critical: boolean, value: object): asn1.Extension {
  return new asn1.Extension({ extnID, critical, extnValue: new OctetString(encodeDer(value)) });
}

export function certificateAuthorityConstraint(pathLength?: number): asn1.Extension {
  const limit = pathLength === undefined ? {} : { pathLenConstraint: pathLength };
  return extension(asn1.id_ce_basicConstraints, true, new asn1.BasicConstraints({ cA: true, ...limit }));
}

export function endEntityConstraint(): asn1.Extension {
  return extension(asn1.id_ce_basicConstraints, true, new asn1.BasicConstraints());
}

export function keyUsage(...usages: readonly (keyof typeof asn1.KeyUsageFlags)[]): asn1.Extension {
  const flags = usages.reduce((sum, usage) => sum | asn1.KeyUsageFlags[usage], 0);
  return extension(asn1.id_ce_keyUsage, true, new asn1.KeyUsage(flags));
}

/** Both sides of mutual TLS present the same certificate. */
export function serverAndClientUsage(): asn1.Extension {
  const usages = new asn1.ExtendedKeyUsage([asn1.id_kp_serverAuth, asn1.id_kp_clientAuth]);
  return extension(asn1.id_ce_extKeyUsage, false, usages);
}

/** Critical where the subject is empty (RFC 5280, 4.1.2.6). */
export function subjectAltUri(uri: string, critical: boolean): asn1.Extension {
  const names = new asn1.SubjectAlternativeName([new asn1.GeneralName({ uniformResourceIdentifier: uri })]);
  return extension(asn1.id_ce_subjectAltName, critical, names);
}

export function subjectKeyIdentifier(keyIdentifier: Buffer): asn1.Extension {
  return extension(asn1.id_ce_subjectKeyIdentifier, false, new asn1.SubjectKeyIdentifier(keyIdentifier));
}

export function authorityKeyIdentifier(keyIdentifier: Buffer): asn1.Extension {
  const issuer = new asn1.AuthorityKeyIdentifier({ keyIdentifier: new asn1.KeyIdentifier(keyIdentifier) });
  return extension(asn1.id_ce_authorityKeyIdentifier, false, issuer);
}

/** RFC 7093, method 1: the first 160 bits of the SHA-256 of the public key's bits. */
export function keyIdentifierOf(publicKey: KeyObject): Buffer {
  const bits = Buffer.from(publicKeyInfo(publicKey).subjectPublicKey);
  return createHash('sha256').update(bits).digest().subarray(0, 20);
}

export function publicKeyInfo(publicKey: KeyObject): asn1.SubjectPublicKeyInfo {
  return decodeBer(publicKey.export({ format: 'der', type: 'spki' }), asn1.SubjectPublicKeyInfo);
}

/** Parts of a CA certificate that Node's X509Certificate does not give. */
export interface IssuerParts {
  /** Becomes the issuer of what this certificate signs, with the same encoding. */
  readonly subject: asn1.Name;
  readonly keyIdentifier: Buffer;
  /** Key usage allows signing certificates; true if the certificate does not restrict its use. */
  readonly mayCertify: boolean;
}

/** @throws DerError */
export function issuerPartsOf(certificate: X509Certificate): IssuerParts {
  const { subject, extensions } = decodeBer(certificate.raw, asn1.Certificate).tbsCertificate;
  // Some peers compare the names of a chain byte by byte, and not every string type survives being read and written.
  if (!certificate.raw.includes(encodeDer(subject)))
    throw new DerError('the subject has a text in an unusual encoding');
  const extensionValue = (id: string): ArrayBuffer | undefined =>
    extensions?.find(({ extnID }) => extnID === id)?.extnValue.buffer;
  const ownIdentifier = extensionValue(asn1.id_ce_subjectKeyIdentifier);
  const usage = extensionValue(asn1.id_ce_keyUsage);
  return {
    subject,
    keyIdentifier: ownIdentifier
      ? Buffer.from(decodeBer(Buffer.from(ownIdentifier), asn1.SubjectKeyIdentifier).buffer)
      : keyIdentifierOf(certificate.publicKey),
    mayCertify: usage === undefined || mayCertify(decodeBer(Buffer.from(usage), asn1.KeyUsage)),
  };
}

function mayCertify(usage: asn1.KeyUsage): boolean {
  return (usage.toNumber() & asn1.KeyUsageFlags.keyCertSign) !== 0;
}

/** The schema types take whole buffers only, not the part of one that a Buffer may be. */
export function arrayBufferOf(bytes: Uint8Array): ArrayBuffer {
  return new Uint8Array(bytes).buffer;
}
