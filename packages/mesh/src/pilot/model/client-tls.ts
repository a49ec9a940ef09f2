import type { ClientTlsSettings } from '@lateen/api/istio/client-tls.ts';
import type { SecretRefIr } from '../proxy/ir/secret.ts';
import { defined } from './defined.ts';

/** `tls` of a DestinationRule. */
export type ClientTls =
  | { readonly type: 'plaintext' }
  /** Mutual TLS of the mesh towards all instances, whether they are known to accept it or not. */
  | { readonly type: 'mesh'; readonly sni?: string; readonly names?: readonly string[] }
  | {
      readonly type: 'originate';
      readonly sni?: string;
      readonly certificate?: SecretRefIr;
      /** Absent: the server is not verified. */
      readonly authorities?: SecretRefIr;
      readonly names?: readonly string[];
      readonly revokedFile?: string;
    };

/** The agent's name for the authorities that the operating system trusts, as in Istio. */
const SYSTEM_ROOTS = 'file-root:system';

export function buildClientTls(settings: ClientTlsSettings): ClientTls {
  const { mode = 'DISABLE', sni, subjectAltNames = [] } = settings;
  const names = subjectAltNames.length === 0 ? undefined : subjectAltNames;
  switch (mode) {
    case 'DISABLE':
      return { type: 'plaintext' };
    case 'ISTIO_MUTUAL':
      return defined({ type: 'mesh' as const, sni, names });
    default:
      return defined({
        type: 'originate' as const,
        sni,
        certificate: mode === 'MUTUAL' ? certificateOf(settings) : undefined,
        authorities: settings.insecureSkipVerify === true ? undefined : authoritiesOf(settings),
        names,
        revokedFile: settings.caCrl,
      });
  }
}

/** Istio's names of secrets: the agent reads them from files, Pilot from Secrets. */
function certificateOf({ credentialName, clientCertificate, privateKey }: ClientTlsSettings): SecretRefIr {
  return credentialName === undefined
    ? { name: `file-cert:${clientCertificate}~${privateKey}`, from: 'agent' }
    : { name: `kubernetes://${credentialName}`, from: 'pilot' };
}

function authoritiesOf({ credentialName, caCertificates }: ClientTlsSettings): SecretRefIr {
  if (credentialName !== undefined) return { name: `kubernetes://${credentialName}-cacert`, from: 'pilot' };
  return { name: caCertificates === undefined ? SYSTEM_ROOTS : `file-root:${caCertificates}`, from: 'agent' };
}
