import { X509Certificate } from 'node:crypto';
import { fieldOf, listOf, textOf } from './envoy-json.ts';
import type { Filters, View } from './view.ts';

/** One certificate of a secret. Nothing else of it is read, so no key can be shown. */
interface CertificateInfo {
  readonly subject: string;
  /** SPIFFE ID, or the first other name that it is for. */
  readonly identity: string;
  readonly serial: string;
  readonly validFrom: string;
  readonly validUntil: string;
}

interface SecretInfo {
  readonly name: string;
  readonly type: string;
  /** `ACTIVE`, or `WARMING` while Envoy waits for it. */
  readonly status: string;
  readonly version: string;
  readonly updatedAt: string;
  readonly certificates: readonly CertificateInfo[];
}

/** The parts of Envoy's `/config_dump` that have secrets, by status. */
export const SECRET_DUMPS = [
  { status: 'ACTIVE', path: '/config_dump?resource=dynamic_active_secrets' },
  { status: 'WARMING', path: '/config_dump?resource=dynamic_warming_secrets' },
  { status: 'ACTIVE', path: '/config_dump?resource=static_secrets' },
] as const;

export function secretsView(
  dumps: readonly { readonly status: string; readonly answer: unknown }[],
  { name }: Filters,
): View {
  const secrets = dumps
    .flatMap(({ status, answer }) => listOf(fieldOf(answer, 'configs')).map((entry) => secretOf(entry, status)))
    .filter((secret) => name === undefined || secret.name === name)
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
  return {
    titles: ['name', 'type', 'status', 'identity', 'serial', 'valid until', 'subject'],
    rows: secrets.flatMap((secret) => {
      const { name: own, type, status } = secret;
      if (secret.certificates.length === 0) return [[own, type, status, '', '', '', '']];
      // What follows the first of a chain are its issuers.
      const shown = type === 'certificate' ? secret.certificates.slice(0, 1) : secret.certificates;
      return shown.map((each) => [own, type, status, each.identity, each.serial, each.validUntil, each.subject]);
    }),
    document: secrets,
  };
}

function secretOf(entry: unknown, status: string): SecretInfo {
  const secret = fieldOf(entry, 'secret');
  const certificate = fieldOf(secret, 'tls_certificate');
  const validation = fieldOf(secret, 'validation_context');
  const type =
    certificate !== undefined
      ? 'certificate'
      : validation !== undefined
        ? 'roots'
        : fieldOf(secret, 'session_ticket_keys') !== undefined
          ? 'ticket keys'
          : 'secret';
  const chain = fieldOf(certificate, 'certificate_chain') ?? fieldOf(validation, 'trusted_ca');
  const pem =
    textOf(fieldOf(chain, 'inline_string')) ||
    Buffer.from(textOf(fieldOf(chain, 'inline_bytes')), 'base64').toString('utf8');
  return {
    name: textOf(fieldOf(entry, 'name')),
    type,
    status,
    version: textOf(fieldOf(entry, 'version_info')),
    updatedAt: textOf(fieldOf(entry, 'last_updated')),
    certificates: (pem.match(CERTIFICATE) ?? []).map(certificateInfo),
  };
}

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;

function certificateInfo(pem: string): CertificateInfo {
  const { subject, subjectAltName = '', serialNumber, validFromDate, validToDate } = new X509Certificate(pem);
  const names = subjectAltName.split(', ').map((each) => each.replace(/^(URI|DNS|IP Address):/, ''));
  return {
    subject: (subject ?? '').split('\n').join(', '),
    identity: names.find((each) => each.startsWith('spiffe://')) ?? names[0] ?? '',
    serial: serialNumber.toLowerCase(),
    validFrom: validFromDate.toISOString(),
    validUntil: validToDate.toISOString(),
  };
}
