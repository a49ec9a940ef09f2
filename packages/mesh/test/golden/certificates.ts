import { createHash, generateKeyPairSync, type KeyObject, type X509Certificate } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { OctetString } from '@peculiar/asn1-schema';
import {
  type AlgorithmIdentifier,
  CertificateList,
  Extension,
  GeneralName,
  id_ce_subjectAltName,
  RevokedCertificate,
  SubjectAlternativeName,
  TBSCertList,
  Time,
} from '@peculiar/asn1-x509';
import { signatureAlgorithmFor, signDer } from '#citadel/x509/algorithm.ts';
import {
  arrayBufferOf,
  certificateAuthorityConstraint,
  distinguishedName,
  endEntityConstraint,
  issuerPartsOf,
  keyUsage,
  serverAndClientUsage,
  signCertificate,
} from '#citadel/x509/certificate.ts';
import { encodeDer } from '#citadel/x509/encoding.ts';
import { fieldsOf, listOf, oneOf, text } from './read-fields.ts';

/** One entry of `certificates` in expect.yaml: a certificate that is made for the test, and forgotten after it. */
export interface CertificateSpec {
  /** DNS names, or URIs. */
  readonly names: readonly string[];
  /** Name of the authority that signs it; there is one for each name that is used. */
  readonly authority: string;
  readonly algorithm: 'ecdsa' | 'rsa';
}

export type CertificateSpecs = ReadonlyMap<string, CertificateSpec>;

export function readCertificate(value: unknown, where: string): CertificateSpec {
  const {
    names,
    authority = 'test',
    algorithm = 'ecdsa',
  } = fieldsOf(value, where, ['names', 'authority', 'algorithm']);
  return {
    names: listOf(names ?? [], `${where}.names`, text),
    authority: text(authority, `${where}.authority`),
    algorithm: oneOf('ecdsa', 'rsa')(algorithm, `${where}.algorithm`),
  };
}

/** What stands for parts of certificates in an input.yaml: `$CERTIFICATE(shop)`. */
const PLACEHOLDER = /\$([A-Z_]+)\(([\w-]+)(?:, *([\w-]+))?\)/g;

type Filler = (part: string, name: string, other: string | undefined) => string;

/** As recorded outputs have it: equal in every run, and no key. */
export function fillForRecord(input: string, specs: CertificateSpecs): string {
  return fill(input, specs, (part, name) => {
    if (part.endsWith('_FILE')) return `/etc/certs/${name}${FILE_ENDINGS[part] ?? ''}`;
    if (part === 'KEY_HASH') return createHash('sha256').update(`key of ${name}`).digest('base64');
    if (part === 'CERTIFICATE_HASH') return createHash('sha256').update(`certificate of ${name}`).digest('hex');
    const label = PEM_LABELS[part] ?? part;
    return `-----BEGIN ${label}-----\nof ${name}\n-----END ${label}-----\n`;
  });
}

function fill(input: string, specs: CertificateSpecs, value: Filler): string {
  const authorities = new Set([...specs.values()].map(({ authority }) => authority));
  return input.replaceAll(PLACEHOLDER, (found, part: string, name: string, other: string | undefined) => {
    const known = part.startsWith('CA') || part.startsWith('CRL') ? authorities.has(name) : specs.has(name);
    if (!known || (other !== undefined && !specs.has(other)))
      throw new Error(`expect.yaml: certificates lack ${found}`);
    return JSON.stringify(value(part, name, other));
  });
}

const PEM_LABELS: Readonly<Record<string, string>> = { KEY: 'PRIVATE KEY', CA: 'CERTIFICATE', CRL: 'X509 CRL' };

const FILE_ENDINGS: Readonly<Record<string, string>> = {
  CERTIFICATE_FILE: '.crt',
  KEY_FILE: '.key',
  CA_FILE: '.ca.crt',
  CRL_FILE: '.crl',
};

export interface TestCertificate {
  readonly certificate: string;
  readonly privateKey: string;
  readonly x509: X509Certificate;
}

/** Real certificates of a case. */
export class TestCertificates {
  readonly #dir: string;
  readonly #specs: CertificateSpecs;
  readonly #authorities = new Map<string, { readonly certificate: X509Certificate; readonly key: KeyObject }>();
  readonly #made = new Map<string, TestCertificate>();

  constructor(dir: string, specs: CertificateSpecs) {
    this.#dir = dir;
    this.#specs = specs;
  }

  /** Replaces what stands for them in an input.yaml. Files are written where it names them. */
  fill(input: string): string {
    return fill(input, this.#specs, (part, name, other) => {
      const value = this.#part(part.replace(/_FILE$/, ''), name, other);
      return part.endsWith('_FILE') ? this.#write(`${name}${FILE_ENDINGS[part] ?? ''}`, value) : value;
    });
  }

  /** Throws if there is none of the name. */
  get(name: string): TestCertificate {
    const spec = this.#specs.get(name);
    if (spec === undefined) throw new Error(`expect.yaml: there is no certificate ${name}`);
    const made = this.#made.get(name) ?? this.#make(name, spec);
    this.#made.set(name, made);
    return made;
  }

  #part(part: string, name: string, other: string | undefined): string {
    switch (part) {
      case 'CERTIFICATE':
        return this.get(name).certificate;
      case 'KEY':
        return this.get(name).privateKey;
      case 'CERTIFICATE_HASH':
        return this.get(name).x509.fingerprint256.replaceAll(':', '').toLowerCase();
      case 'KEY_HASH': {
        const key = this.get(name).x509.publicKey.export({ format: 'der', type: 'spki' });
        return createHash('sha256').update(key).digest('base64');
      }
      case 'CA':
        return this.#authority(name).certificate.toString();
      case 'CRL':
        return this.#revocations(name, other);
      default:
        throw new Error(`there is no $${part}(...)`);
    }
  }

  #write(file: string, value: string): string {
    const folder = join(this.#dir, 'certs');
    mkdirSync(folder, { recursive: true });
    const path = join(folder, file);
    writeFileSync(path, value, { mode: 0o600 });
    return path;
  }

  #authority(name: string) {
    const known = this.#authorities.get(name);
    if (known !== undefined) return known;
    const { publicKey, privateKey } = generateKey('ecdsa');
    const subject = distinguishedName({ commonName: `${name} authority` });
    const certificate = signCertificate(
      {
        issuer: subject,
        subject,
        publicKey,
        ...lifetime(),
        extensions: [certificateAuthorityConstraint(), keyUsage('keyCertSign', 'cRLSign')],
      },
      privateKey,
    );
    const authority = { certificate, key: privateKey };
    this.#authorities.set(name, authority);
    return authority;
  }

  #make(name: string, { names, authority, algorithm }: CertificateSpec): TestCertificate {
    const signer = this.#authority(authority);
    const { publicKey, privateKey } = generateKey(algorithm);
    const x509 = signCertificate(
      {
        issuer: issuerPartsOf(signer.certificate).subject,
        subject: distinguishedName({ commonName: name }),
        publicKey,
        ...lifetime(),
        extensions: [
          endEntityConstraint(),
          keyUsage('digitalSignature', 'keyEncipherment'),
          serverAndClientUsage(),
          subjectAltNames(names),
        ],
      },
      signer.key,
    );
    return {
      certificate: x509.toString(),
      privateKey: privateKey.export({ format: 'pem', type: 'pkcs8' }).toString(),
      x509,
    };
  }

  /** A CRL (RFC 5280, section 5) of the authority with one certificate on it, or none. */
  #revocations(authority: string, revoked: string | undefined): string {
    const { certificate, key } = this.#authority(authority);
    const { notBefore, notAfter } = lifetime();
    const signature: AlgorithmIdentifier = signatureAlgorithmFor(key).identifier;
    const entries =
      revoked === undefined
        ? []
        : [
            new RevokedCertificate({
              userCertificate: arrayBufferOf(Buffer.from(this.get(revoked).x509.serialNumber, 'hex')),
              revocationDate: new Time(notBefore),
            }),
          ];
    const list = new TBSCertList({
      version: 1,
      signature,
      issuer: issuerPartsOf(certificate).subject,
      thisUpdate: new Time(notBefore),
      nextUpdate: new Time(notAfter),
      ...(entries.length === 0 ? {} : { revokedCertificates: entries }),
    });
    const der = encodeDer(
      new CertificateList({
        tbsCertList: list,
        signatureAlgorithm: signature,
        signature: arrayBufferOf(signDer(encodeDer(list), key)),
      }),
    );
    const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
    return `-----BEGIN X509 CRL-----\n${lines.join('\n')}\n-----END X509 CRL-----\n`;
  }
}

function subjectAltNames(names: readonly string[]): Extension {
  const list = names.map((name) =>
    name.includes('://') ? new GeneralName({ uniformResourceIdentifier: name }) : new GeneralName({ dNSName: name }),
  );
  return new Extension({
    extnID: id_ce_subjectAltName,
    critical: false,
    extnValue: new OctetString(encodeDer(new SubjectAlternativeName(list))),
  });
}

function generateKey(algorithm: 'ecdsa' | 'rsa'): { publicKey: KeyObject; privateKey: KeyObject } {
  return algorithm === 'rsa'
    ? generateKeyPairSync('rsa', { modulusLength: 2048 })
    : generateKeyPairSync('ec', { namedCurve: 'P-256' });
}

/** An hour around now. */
function lifetime(): { notBefore: Date; notAfter: Date } {
  const now = Date.now();
  return { notBefore: new Date(now - 3_600_000), notAfter: new Date(now + 3_600_000) };
}
