import type { ServerTls as ServerTlsObject } from '@lateen/api/istio/server-tls.ts';
import type { SecretDataIr, SecretIr, SecretRefIr } from '../proxy/ir/secret.ts';
import type { ClientVerificationIr } from '../proxy/ir/server-tls.ts';
import type { SourceRef } from '../proxy/ir/source.ts';
import type { TlsParametersIr, TlsVersion } from '../proxy/ir/tls-parameters.ts';
import { authoritiesName, keyPairName } from './credential.ts';
import { defined } from './defined.ts';

/** What a server does with TLS. */
export type ServerTls =
  /** Hands it on unread, to where rules for its server name say; or to where the name itself says, in Istio's form. */
  { readonly type: 'passthrough'; readonly routedBy: 'rules' | 'server-name' } | TerminatingTls;

/** Ends it. */
export interface TerminatingTls {
  readonly type: 'terminate';
  /** With the certificates of the mesh. */
  readonly isMesh: boolean;
  readonly certificates: readonly SecretRefIr[];
  readonly clients?: ClientVerificationIr;
  readonly parameters: TlsParametersIr;
  /** Secrets that come from files where the proxy runs. */
  readonly files: readonly SecretIr[];
  /** Credentials, and where they are named. */
  readonly credentials: readonly CredentialRef[];
}

export interface CredentialRef {
  readonly name: string;
  /** Which part of it is needed. */
  readonly part: 'key-pair' | 'authorities';
  readonly path: string;
  /** Where it is looked up before the namespace of the proxy. */
  readonly namespace?: string;
  /** Of the object that holds it; absent: a Secret, or for authorities perhaps a ConfigMap. */
  readonly kind?: 'Secret' | 'ConfigMap';
}

/** Names of the secrets that the agent beside each proxy serves, as in Istio. */
const WORKLOAD_CERTIFICATE: SecretRefIr = { name: 'default', from: 'agent' };
const MESH_ROOTS: SecretRefIr = { name: 'ROOTCA', from: 'agent' };

/** @param source of the `tls` field */
export function buildServerTls(tls: ServerTlsObject, source: SourceRef): ServerTls {
  switch (tls.mode) {
    case undefined:
    case 'PASSTHROUGH':
      return { type: 'passthrough', routedBy: 'rules' };
    case 'AUTO_PASSTHROUGH':
      return { type: 'passthrough', routedBy: 'server-name' };
    case 'ISTIO_MUTUAL':
      return {
        type: 'terminate',
        isMesh: true,
        certificates: [WORKLOAD_CERTIFICATE],
        clients: { ...buildVerification(tls, true), authorities: MESH_ROOTS },
        parameters: buildParameters(tls),
        files: [],
        credentials: [],
      };
    default:
      return buildTermination(tls, tls.mode, source);
  }
}

function buildTermination(
  tls: ServerTlsObject,
  mode: 'SIMPLE' | 'MUTUAL' | 'OPTIONAL_MUTUAL',
  source: SourceRef,
): TerminatingTls {
  const keyPairs = [...credentialsOf(tls, source), ...keyFilesOf(tls, source)];
  const authorities = mode === 'SIMPLE' ? undefined : authoritiesOf(tls, source);
  const used = [...keyPairs, ...(authorities === undefined ? [] : [authorities])];
  return {
    type: 'terminate',
    isMesh: false,
    certificates: keyPairs.map(({ ref }) => ref),
    ...(mode === 'SIMPLE'
      ? {}
      : {
          clients: {
            ...buildVerification(tls, mode === 'MUTUAL'),
            ...(authorities === undefined ? {} : { authorities: authorities.ref }),
          },
        }),
    parameters: buildParameters(tls),
    files: used.flatMap(({ file }) => file ?? []),
    credentials: used.flatMap(({ credential }) => credential ?? []),
  };
}

/** A secret, and where it comes from: a file, or a credential. */
interface SecretUse {
  readonly ref: SecretRefIr;
  readonly file?: SecretIr;
  readonly credential?: CredentialRef;
}

function credentialsOf({ credentialName, credentialNames = [] }: ServerTlsObject, source: SourceRef): SecretUse[] {
  const named =
    credentialNames.length > 0
      ? credentialNames.map((name, i) => ({ name, path: `${source.path}.credentialNames[${i}]` }))
      : credentialName === undefined
        ? []
        : [{ name: credentialName, path: `${source.path}.credentialName` }];
  return named.map(({ name, path }) => ({
    ref: { name: keyPairName(name), from: 'pilot' },
    credential: { name, part: 'key-pair', path },
  }));
}

function keyFilesOf({ serverCertificate, privateKey, tlsCertificates = [] }: ServerTlsObject, source: SourceRef) {
  return [{ serverCertificate, privateKey }, ...tlsCertificates].flatMap((pair): SecretUse[] => {
    if (pair.serverCertificate === undefined || pair.privateKey === undefined) return [];
    const name = `file-cert:${pair.serverCertificate}~${pair.privateKey}`;
    const chain = file(pair.serverCertificate);
    const secret: SecretIr = { type: 'certificate', name, chain, privateKey: file(pair.privateKey), sources: [source] };
    return [{ ref: { name, from: 'pilot' }, file: secret }];
  });
}

/** Those named by themselves, those in a file, or those beside the key. */
function authoritiesOf(tls: ServerTlsObject, source: SourceRef): SecretUse | undefined {
  const { caCertCredentialName, caCertificates, caCrl } = tls;
  if (caCertificates !== undefined) {
    const name = caCrl === undefined ? `file-root:${caCertificates}` : `file-root:${caCertificates}~${caCrl}`;
    const revoked = caCrl === undefined ? {} : { revoked: file(caCrl) };
    const secret: SecretIr = { type: 'authorities', name, roots: file(caCertificates), ...revoked, sources: [source] };
    return { ref: { name, from: 'pilot' }, file: secret };
  }
  const beside = credentialsOf(tls, source)[0]?.credential;
  const credential: CredentialRef | undefined =
    caCertCredentialName === undefined
      ? beside
      : { name: caCertCredentialName, part: 'authorities', path: `${source.path}.caCertCredentialName` };
  if (credential === undefined) {
    return undefined;
  }
  return {
    ref: { name: authoritiesName(credential.name), from: 'pilot' },
    credential: { ...credential, part: 'authorities' },
  };
}

function buildVerification(tls: ServerTlsObject, required: boolean): ClientVerificationIr {
  return {
    required,
    untrusted: tls.insecureSkipVerify === true,
    names: tls.subjectAltNames ?? [],
    certificateHashes: tls.verifyCertificateHash ?? [],
    publicKeyHashes: tls.verifyCertificateSpki ?? [],
  };
}

const VERSIONS: Readonly<Record<string, TlsVersion>> = {
  TLSV1_0: '1.0',
  TLSV1_1: '1.1',
  TLSV1_2: '1.2',
  TLSV1_3: '1.3',
};

function buildParameters(tls: ServerTlsObject): TlsParametersIr {
  const { minProtocolVersion, maxProtocolVersion, cipherSuites = [] } = tls;
  return defined({
    minVersion: VERSIONS[minProtocolVersion ?? ''],
    maxVersion: VERSIONS[maxProtocolVersion ?? ''],
    cipherSuites: cipherSuites.length === 0 ? undefined : cipherSuites,
  });
}

function file(path: string): SecretDataIr {
  return { type: 'file', path };
}
