import type * as z from 'zod/mini';
import { object, optional } from '../schema/field.ts';
import * as v from '../schema/values.ts';

/** Stands for the file of the operating system, wherever that is. As Istio. */
export const SYSTEM_AUTHORITIES = 'system';

export const clientTlsSettings = object(
  {
    mode: optional(
      v.oneOf(['DISABLE', 'SIMPLE', 'MUTUAL', 'ISTIO_MUTUAL']),
      "DISABLE (the default where tls is there), SIMPLE: TLS, MUTUAL: TLS with a certificate of the caller, or ISTIO_MUTUAL: the mesh's own.",
    ),
    clientCertificate: optional(file(), "For MUTUAL: file with the caller's certificate chain, where its proxy runs."),
    privateKey: optional(file(), "For MUTUAL: file with the caller's private key."),
    caCertificates: optional(
      fileOrSystem(),
      "File with the authorities that may have signed the server's certificate. Without it, or with `system`, those of the operating system.",
    ),
    credentialName: optional(
      v.nonEmpty(),
      'Secret in the namespace of the proxy with key, certificates and authorities, in place of files. Sidecars use it only if the rule has a workloadSelector.',
    ),
    subjectAltNames: optional(
      v.array(v.nonEmpty()),
      'Names of which the certificate of the server must have one. Without them, the host that is called.',
    ),
    sni: optional(v.host(), 'Server name to ask for. Without it, the host that is called.'),
    insecureSkipVerify: optional(v.bool(), 'Accepts any certificate. Anybody in between can then read everything.'),
    caCrl: optional(file(), 'File with revoked certificates.'),
  },
  {
    rules(tls, report) {
      const { mode, credentialName, clientCertificate, privateKey, caCertificates, caCrl, subjectAltNames } = tls;
      if (mode === 'MUTUAL' && credentialName === undefined && !(clientCertificate && privateKey)) {
        report('mode MUTUAL needs credentialName, or clientCertificate and privateKey');
      }
      for (const name of ['clientCertificate', 'privateKey', 'caCertificates', 'caCrl'] as const) {
        if (credentialName !== undefined && tls[name] !== undefined) {
          report('cannot be set beside credentialName, which holds it', [name]);
        }
      }
      if (tls.insecureSkipVerify !== true) return;
      const checked = { caCertificates, caCrl, subjectAltNames };
      for (const [name, value] of Object.entries(checked)) {
        if (value !== undefined) report('cannot be set where insecureSkipVerify is true: nothing is checked', [name]);
      }
    },
    advice({ mode = 'DISABLE', ...settings }, report) {
      const unused = UNUSED[mode].filter((name) => settings[name] !== undefined);
      for (const name of unused) report(`has no effect with mode ${mode}`, [name]);
    },
  },
);

const VERIFICATION = ['caCertificates', 'insecureSkipVerify', 'caCrl'] as const;
const CLIENT_FILES = ['clientCertificate', 'privateKey'] as const;
const UNUSED = {
  DISABLE: [...CLIENT_FILES, ...VERIFICATION, 'credentialName', 'subjectAltNames', 'sni'],
  SIMPLE: CLIENT_FILES,
  MUTUAL: [],
  ISTIO_MUTUAL: [...CLIENT_FILES, ...VERIFICATION, 'credentialName'],
} as const satisfies Record<string, readonly string[]>;

export type ClientTlsSettings = z.infer<typeof clientTlsSettings>;

function file() {
  return v.syntax((text) => text.startsWith('/'), 'the absolute path of a file');
}

function fileOrSystem() {
  const isOne = (text: string) => text.startsWith('/') || text === SYSTEM_AUTHORITIES;
  return v.syntax(isOne, `the absolute path of a file, or ${SYSTEM_AUTHORITIES}`);
}
