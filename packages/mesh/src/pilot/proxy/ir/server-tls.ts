import type { SecretRefIr } from './secret.ts';
import type { TlsParametersIr } from './tls-parameters.ts';

/** How TLS is ended: as sidecars speak it with each other, or as a server says. */
export type ServerTlsIr = MeshServerTlsIr | CertificateServerTlsIr;

/** Mutual TLS of the mesh. `carries` says what is agreed on to be spoken within. */
export interface MeshServerTlsIr {
  readonly type: 'mesh';
  readonly carries: 'http' | 'tcp';
  /** Absent: TLS 1.3 and nothing else. */
  readonly parameters?: TlsParametersIr;
}

export interface CertificateServerTlsIr {
  readonly type: 'certificate';
  /** Each of another algorithm. */
  readonly certificates: readonly SecretRefIr[];
  /** Absent: clients are not asked for a certificate. */
  readonly clients?: ClientVerificationIr;
  readonly parameters: TlsParametersIr;
  /** What may be spoken within, by preference. */
  readonly alpn: readonly string[];
}

/** Which certificates of clients are accepted. */
export interface ClientVerificationIr {
  /** Clients without a certificate are refused. */
  readonly required: boolean;
  /** Who may have signed it. */
  readonly authorities?: SecretRefIr;
  /** It does not matter who signed it. */
  readonly untrusted: boolean;
  /** It must have one of these names; none given: any. */
  readonly names: readonly string[];
  /** SHA-256 of the certificate, in hexadecimal digits: it must be one of these, or have one of the keys. */
  readonly certificateHashes: readonly string[];
  /** SHA-256 of the public key, in base64. */
  readonly publicKeyHashes: readonly string[];
}
