import type * as z from 'zod/mini';
import { object, optional, type Report } from '../schema/field.ts';
import * as v from '../schema/values.ts';

const file = v.syntax((text) => text.startsWith('/'), 'the absolute path of a file where the proxy runs');

const certificateFiles = {
  serverCertificate: optional(
    file,
    'File with the certificate chain. It has to be there when the proxy is told of it; that a file is moved in its place later is noticed.',
  ),
  privateKey: optional(file, 'File with the private key.'),
  caCertificates: optional(file, 'File with the certificate authorities of clients.'),
};

/** In the order of age. TLS_AUTO is the default: 1.2 to 1.3. */
const VERSIONS = ['TLSV1_0', 'TLSV1_1', 'TLSV1_2', 'TLSV1_3'] as const;

const tlsVersion = v.oneOf(['TLS_AUTO', ...VERSIONS]);

/** Those that Envoy can be told to use, for TLS 1.2 and before: those of TLS 1.3 are all used. */
const CIPHER_SUITES = [
  ...['ECDHE-ECDSA-AES128-GCM-SHA256', 'ECDHE-RSA-AES128-GCM-SHA256'],
  ...['ECDHE-ECDSA-AES256-GCM-SHA384', 'ECDHE-RSA-AES256-GCM-SHA384'],
  ...['ECDHE-ECDSA-CHACHA20-POLY1305', 'ECDHE-RSA-CHACHA20-POLY1305'],
  ...['ECDHE-ECDSA-AES128-SHA', 'ECDHE-RSA-AES128-SHA', 'ECDHE-ECDSA-AES256-SHA', 'ECDHE-RSA-AES256-SHA'],
  ...['AES128-GCM-SHA256', 'AES256-GCM-SHA384', 'AES128-SHA', 'AES256-SHA'],
] as const;

/** Names of Secrets, in the namespace of the gateway proxy. */
const credential = v.dnsSubdomain();

export const serverTls = object({
  httpsRedirect: optional(v.bool(), 'Answers plain HTTP with a redirect to HTTPS.'),
  mode: optional(
    v.oneOf(['PASSTHROUGH', 'SIMPLE', 'MUTUAL', 'AUTO_PASSTHROUGH', 'ISTIO_MUTUAL', 'OPTIONAL_MUTUAL']),
    'Whether and how TLS is ended here: with a certificate (SIMPLE), also of the client (MUTUAL, OPTIONAL_MUTUAL), with those of the mesh (ISTIO_MUTUAL), or not at all.',
  ),
  ...certificateFiles,
  caCrl: optional(file, 'File with revoked certificates.'),
  tlsCertificates: optional(
    v.arrayUpTo(2, object(certificateFiles)),
    'Several certificates, of different algorithms, in place of serverCertificate and privateKey.',
  ),
  credentialName: optional(
    credential,
    'Secret with key and certificates, in the namespace of the gateway proxy, in place of files.',
  ),
  credentialNames: optional(
    v.arrayUpTo(2, credential),
    'Secrets with key and certificates, of different algorithms, in place of credentialName.',
  ),
  caCertCredentialName: optional(
    credential,
    'Secret or ConfigMap with the certificate authorities of clients, in place of those beside the key.',
  ),
  subjectAltNames: optional(v.array(v.nonEmpty()), 'Names of which the certificates of clients must have one.'),
  verifyCertificateSpki: optional(
    v.array(v.syntax((text) => /^[A-Za-z0-9+/]{43}=$/.test(text), 'the SHA-256 hash of a public key, in base64')),
    'Hashes of public keys that clients may have.',
  ),
  verifyCertificateHash: optional(
    v.array(
      v.syntax(
        (text) => /^[0-9a-f]{64}$/i.test(text) || /^[0-9a-f]{2}(:[0-9a-f]{2}){31}$/i.test(text),
        'the SHA-256 hash of a certificate, in hexadecimal digits, with or without colons',
      ),
    ),
    'Hashes of certificates that clients may have.',
  ),
  minProtocolVersion: optional(tlsVersion, 'Lowest version of TLS; 1.2 by default.'),
  maxProtocolVersion: optional(tlsVersion, 'Highest version of TLS; 1.3 by default.'),
  cipherSuites: optional(v.array(v.oneOf(CIPHER_SUITES)), 'Ciphers that are allowed up to TLS 1.2.'),
  insecureSkipVerify: optional(
    v.bool(),
    'With MUTUAL and OPTIONAL_MUTUAL: accepts any certificate of clients, whoever signed it. The authorities are needed all the same.',
  ),
});

export type ServerTls = z.infer<typeof serverTls>;

const FILES = ['serverCertificate', 'privateKey', 'caCertificates', 'caCrl', 'tlsCertificates'] as const;
const CREDENTIALS = ['credentialName', 'credentialNames', 'caCertCredentialName'] as const;
const CLIENTS = ['subjectAltNames', 'verifyCertificateSpki', 'verifyCertificateHash', 'insecureSkipVerify'] as const;
const CLIENT_AUTHORITIES = ['caCertificates', 'caCrl', 'caCertCredentialName'] as const;
const PARAMETERS = ['minProtocolVersion', 'maxProtocolVersion', 'cipherSuites'] as const;

/** Which fields have no meaning in a mode. Istio ignores most of them, and people take them for obeyed. */
const USELESS: Readonly<Record<NonNullable<ServerTls['mode']>, readonly (keyof ServerTls)[]>> = {
  PASSTHROUGH: [...FILES, ...CREDENTIALS, ...CLIENTS, ...PARAMETERS],
  AUTO_PASSTHROUGH: [...FILES, ...CREDENTIALS, ...CLIENTS, ...PARAMETERS],
  ISTIO_MUTUAL: [...FILES, ...CREDENTIALS, 'insecureSkipVerify'],
  SIMPLE: [...CLIENTS, ...CLIENT_AUTHORITIES],
  MUTUAL: [],
  OPTIONAL_MUTUAL: [],
};

/** Modes that take a certificate from the client, which somebody must have signed. */
const TAKES_CLIENT_CERTIFICATES: ReadonlySet<string> = new Set(['MUTUAL', 'OPTIONAL_MUTUAL']);

/** What the fields of a server that meets TLS must have to do with each other. The mode of a server is PASSTHROUGH by default. */
export function checkServerTls(tls: Omit<ServerTls, 'httpsRedirect'>, report: Report): void {
  const { mode = 'PASSTHROUGH', minProtocolVersion, maxProtocolVersion } = tls;
  for (const field of USELESS[mode]) {
    if (isSet(tls[field as keyof typeof tls])) report(`has no effect with the mode ${mode}; leave it out`, [field]);
  }
  const [lowest, highest] = [ageOf(minProtocolVersion, 'TLSV1_2'), ageOf(maxProtocolVersion, 'TLSV1_3')];
  if (lowest > highest) report(`is lower than the lowest, ${VERSIONS[lowest]}`, ['maxProtocolVersion']);
  if (mode === 'PASSTHROUGH' || mode === 'AUTO_PASSTHROUGH' || mode === 'ISTIO_MUTUAL') return;
  checkCertificates(tls, mode, report);
}

function checkCertificates(tls: ServerTls, mode: string, report: Report): void {
  const { serverCertificate, privateKey, tlsCertificates, credentialName, credentialNames, caCertCredentialName } = tls;
  const sources = {
    credentialName: isSet(credentialName),
    credentialNames: isSet(credentialNames),
    tlsCertificates: isSet(tlsCertificates),
    serverCertificate: serverCertificate !== undefined || privateKey !== undefined,
  };
  const given = Object.entries(sources).flatMap(([name, isGiven]) => (isGiven ? [name] : []));
  if (given.length === 0) {
    report(`needs a certificate with the mode ${mode}: set credentialName, or serverCertificate and privateKey`);
  }
  if (given.length > 1) report(`${given.join(' and ')} exclude each other`, [given[1] ?? '']);
  if (sources.serverCertificate && (serverCertificate === undefined || privateKey === undefined)) {
    report('serverCertificate and privateKey need each other', [
      serverCertificate === undefined ? 'serverCertificate' : 'privateKey',
    ]);
  }
  (tlsCertificates ?? []).forEach((each, index) => {
    if (each.serverCertificate === undefined || each.privateKey === undefined) {
      report('must have serverCertificate and privateKey', ['tlsCertificates', index]);
    }
    if (each.caCertificates !== undefined) {
      report('must not be set here; caCertificates beside tlsCertificates is for all of them', [
        'tlsCertificates',
        index,
        'caCertificates',
      ]);
    }
  });
  if (!TAKES_CLIENT_CERTIFICATES.has(mode)) return;
  const hasSecret = sources.credentialName || sources.credentialNames;
  const { caCertificates, caCrl } = tls;
  if (caCertificates !== undefined && (hasSecret || caCertCredentialName !== undefined)) {
    report('has no effect beside a credential, which holds the authorities', ['caCertificates']);
  }
  if (caCrl !== undefined && caCertificates === undefined) {
    report('needs caCertificates; with a credential it is the key ca.crl of the Secret', ['caCrl']);
  }
  const hasAuthorities = hasSecret || caCertCredentialName !== undefined || caCertificates !== undefined;
  if (!hasAuthorities) {
    report(
      `must be set with the mode ${mode}, or caCertCredentialName: it says who may have signed the certificates of clients`,
      ['caCertificates'],
    );
  }
}

function isSet(value: unknown): boolean {
  return Array.isArray(value) ? value.length > 0 : value !== undefined && value !== false;
}

function ageOf(version: ServerTls['minProtocolVersion'], fallback: (typeof VERSIONS)[number]): number {
  return VERSIONS.indexOf(version === undefined || version === 'TLS_AUTO' ? fallback : version);
}
