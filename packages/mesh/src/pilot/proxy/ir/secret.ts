import type { SourceRef } from './source.ts';

/** What a proxy shows of itself, or checks others by. It is served by SDS, apart from the listeners that refer to it. */
export type SecretIr = CertificateSecretIr | AuthoritiesSecretIr;

export interface CertificateSecretIr {
  readonly type: 'certificate';
  /** `kubernetes://NAME`, or `file-cert:CHAIN~KEY` for files where the proxy runs. */
  readonly name: string;
  readonly chain: SecretDataIr;
  readonly privateKey: SecretDataIr;
  readonly sources: readonly SourceRef[];
}

/** Who may have signed the certificates of others. */
export interface AuthoritiesSecretIr {
  readonly type: 'authorities';
  /** `kubernetes://NAME-cacert`, or `file-root:FILE`. */
  readonly name: string;
  readonly roots: SecretDataIr;
  /** Certificates that are not accepted any more. */
  readonly revoked?: SecretDataIr;
  readonly sources: readonly SourceRef[];
}

/** PEM, or the file that holds it. */
export type SecretDataIr =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'file'; readonly path: string };

/** A secret that comes by SDS: from the agent beside the proxy, or from Pilot. */
export interface SecretRefIr {
  readonly name: string;
  readonly from: 'agent' | 'pilot';
}
