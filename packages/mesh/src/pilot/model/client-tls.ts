import { type ClientTlsSettings, SYSTEM_AUTHORITIES } from '@lateen/api/istio/client-tls.ts';
import type { SecretDataIr, SecretIr, SecretRefIr } from '../proxy/ir/secret.ts';
import type { SourceRef } from '../proxy/ir/source.ts';
import type { TlsParametersIr } from '../proxy/ir/tls-parameters.ts';
import { authoritiesName, keyPairName } from './credential.ts';
import { defined } from './defined.ts';

/** `tls` of a DestinationRule, or what a BackendTLSPolicy says in its place. */
export type ClientTls =
  | { readonly type: 'plaintext' }
  /** Mutual TLS of the mesh towards all instances, whether they are known to accept it or not. */
  | { readonly type: 'mesh'; readonly sni?: string; readonly names?: readonly string[] }
  | OriginatedTls
  /** Nobody is called: TLS is wanted, but it cannot be had. */
  | { readonly type: 'refuse' };

export interface OriginatedTls {
  readonly type: 'originate';
  readonly sni?: string;
  readonly names?: readonly string[];
  readonly certificate?: SecretRefIr;
  /** Absent: the server is not verified. */
  readonly authorities?: SecretRefIr;
  /** Revoked certificates, where the authorities do not bring them along. */
  readonly revokedFile?: string;
  /** Absent: as the mesh has it. */
  readonly parameters?: TlsParametersIr;
  /** Secrets that the policy brings along, or that come from files where the proxy runs. */
  readonly files: readonly SecretIr[];
  /** Names of secrets that come from a credential in the namespace of the proxy. */
  readonly credentials: readonly string[];
}

/** The agent has the authorities that the operating system trusts, under Istio's name. */
export const SYSTEM_ROOTS: SecretRefIr = { name: 'file-root:system', from: 'agent' };

/** @param source of the `tls` field */
export function buildClientTls(settings: ClientTlsSettings, source: SourceRef): ClientTls {
  const { mode = 'DISABLE', sni, subjectAltNames = [] } = settings;
  const names = subjectAltNames.length === 0 ? undefined : subjectAltNames;
  switch (mode) {
    case 'DISABLE':
      return { type: 'plaintext' };
    case 'ISTIO_MUTUAL':
      return defined({ type: 'mesh' as const, sni, names });
    default: {
      const certificate = mode === 'MUTUAL' ? certificateOf(settings, source) : undefined;
      const authorities = settings.insecureSkipVerify === true ? undefined : authoritiesOf(settings, source);
      const used = [certificate, authorities].filter((each) => each !== undefined);
      return defined({
        type: 'originate' as const,
        sni,
        names,
        certificate: certificate?.ref,
        authorities: authorities?.ref,
        revokedFile: authorities?.ref === SYSTEM_ROOTS ? settings.caCrl : undefined,
        files: used.flatMap(({ file }) => file ?? []),
        credentials: used.flatMap(({ ref, isCredential }) => (isCredential === true ? [ref.name] : [])),
      });
    }
  }
}

/** As for who may not use credentials: with no certificate, and the authorities that everybody trusts. */
export function withoutCredentials(tls: ClientTls): ClientTls {
  if (tls.type !== 'originate' || tls.credentials.length === 0) return tls;
  const { certificate: _, authorities, ...others } = tls;
  return { ...others, ...(authorities === undefined ? {} : { authorities: SYSTEM_ROOTS }), credentials: [] };
}

interface SecretUse {
  readonly ref: SecretRefIr;
  readonly file?: SecretIr;
  readonly isCredential?: true;
}

/** Istio's names of secrets from files. */
function certificateOf(settings: ClientTlsSettings, source: SourceRef): SecretUse {
  const { credentialName, clientCertificate = '', privateKey = '' } = settings;
  if (credentialName !== undefined) return credential(keyPairName(credentialName));
  const name = `file-cert:${clientCertificate}~${privateKey}`;
  return inFile({
    type: 'certificate',
    name,
    chain: file(clientCertificate),
    privateKey: file(privateKey),
    sources: [source],
  });
}

function authoritiesOf({ credentialName, caCertificates, caCrl }: ClientTlsSettings, source: SourceRef): SecretUse {
  if (credentialName !== undefined) return credential(authoritiesName(credentialName));
  if (caCertificates === undefined || caCertificates === SYSTEM_AUTHORITIES) return { ref: SYSTEM_ROOTS };
  return inFile({
    type: 'authorities',
    name: caCrl === undefined ? `file-root:${caCertificates}` : `file-root:${caCertificates}~${caCrl}`,
    roots: file(caCertificates),
    ...(caCrl === undefined ? {} : { revoked: file(caCrl) }),
    sources: [source],
  });
}

function credential(name: string): SecretUse {
  return { ref: { name, from: 'pilot' }, isCredential: true };
}

function inFile(secret: SecretIr): SecretUse {
  return { ref: { name: secret.name, from: 'pilot' }, file: secret };
}

function file(path: string): SecretDataIr {
  return { type: 'file', path };
}
