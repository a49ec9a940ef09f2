import type { SecretRefIr } from './secret.ts';
import type { TlsParametersIr } from './tls-parameters.ts';

/** What secures the connections to a cluster's endpoints. */
export type UpstreamTlsIr =
  /** Mutual TLS of the mesh towards those endpoints that accept it (EDS tells which do); plaintext towards the others. */
  | ({ readonly type: 'mesh-where-accepted' } & MeshTlsIr)
  /** Mutual TLS of the mesh towards all. */
  | ({ readonly type: 'mesh' } & MeshTlsIr)
  | { readonly type: 'plaintext' }
  | ({ readonly type: 'originate' } & OriginatedTlsIr);

export interface MeshTlsIr {
  /** Istio's SNI form: `outbound_.9080_._.reviews.default.svc.cluster.local`. */
  readonly sni: string;
  /** SPIFFE IDs that the endpoints may have, sorted. None: no endpoint is known yet, so nobody is accepted. */
  readonly peerIds: readonly string[];
  readonly alpn: readonly string[];
  /** Absent: TLS 1.3 and nothing else. */
  readonly parameters?: TlsParametersIr;
}

/** TLS with a server that need not be in the mesh. */
export interface OriginatedTlsIr {
  /** Absent: the host of each request, where requests are HTTP. */
  readonly sni?: string;
  /** The certificate of this side, for servers that want one. */
  readonly certificate?: SecretRefIr;
  readonly verification: VerificationIr;
  readonly parameters?: TlsParametersIr;
}

export type VerificationIr =
  | { readonly type: 'none' }
  | {
      readonly type: 'authorities';
      readonly authorities: SecretRefIr;
      /** One of these is in the certificate; `from-request`: the host that the request names. */
      readonly names: readonly string[] | 'from-request';
      /** A file with revoked certificates, where the proxy runs. */
      readonly revokedFile?: string;
    };
