import type { KubernetesGateway } from '@lateen/api/kinds.ts';
import type { SecretIr } from '../../proxy/ir/secret.ts';
import type { SourceRef } from '../../proxy/ir/source.ts';
import type { Problem } from './conditions.ts';
import { type CredentialContext, invalidReference, isPem, notPermitted } from './listener-tls.ts';
import { mayRefer } from './reference-grant.ts';
import { GATEWAY_GROUP } from './route-kind.ts';

/** What the proxies of a Gateway show of themselves to backends that are called with TLS. */
export interface ClientCertificate {
  /** Absent: none, whatever was asked for. */
  readonly secret?: SecretIr;
  readonly problems: readonly Problem[];
}

/** `spec.tls.backend` of a Gateway; undefined if it says nothing. */
export function buildClientCertificate(
  { metadata: { namespace, name }, spec }: KubernetesGateway,
  context: CredentialContext,
): ClientCertificate | undefined {
  const ref = spec.tls?.backend?.clientCertificateRef;
  const source = { kind: 'KubernetesGateway', namespace, name };
  return ref && findClientCertificate(ref, GATEWAY_GROUP, source, 'spec.tls.backend.clientCertificateRef', context);
}

interface CertificateRef {
  readonly group?: string;
  readonly kind?: string;
  readonly namespace?: string;
  readonly name: string;
}

/** @param source of the object of the API group that refers to it, and the path of the reference in it */
export function findClientCertificate(
  { group = '', kind = 'Secret', name, namespace: ofRef }: CertificateRef,
  fromGroup: string,
  source: SourceRef,
  path: string,
  { credentials, grants, read }: CredentialContext,
): ClientCertificate {
  const namespace = ofRef ?? source.namespace;
  const wrong = (message: string) => ({ problems: [invalidReference('InvalidClientCertificateRef', message, path)] });
  if (group !== '' || kind !== 'Secret') return wrong(`certificates are in Secrets, not in a ${kind} of '${group}'`);
  const fromKind = source.kind === 'KubernetesGateway' ? 'Gateway' : source.kind;
  const from = { group: fromGroup, kind: fromKind, namespace: source.namespace };
  if (!mayRefer(from, { group, kind, namespace, name }, grants, read)) {
    return { problems: [notPermitted(from, kind, namespace, name, path)] };
  }
  const credential = read.get(credentials, `Secret/${namespace}/${name}`);
  const { keyPair } = credential ?? {};
  if (credential === undefined || keyPair === undefined) {
    return wrong(`there is no Secret ${namespace}/${name} with tls.crt and tls.key`);
  }
  if (!isPem(keyPair.chain, 'CERTIFICATE') || !isPem(keyPair.privateKey, 'PRIVATE KEY')) {
    return wrong(`tls.crt and tls.key of the Secret ${namespace}/${name} are not both PEM`);
  }
  return {
    secret: {
      type: 'certificate',
      name: `backend-client://${fromKind}/${source.namespace}/${source.name}`,
      chain: { type: 'text', text: keyPair.chain },
      privateKey: { type: 'text', text: keyPair.privateKey },
      sources: [{ ...source, path }, credential.source],
    },
    problems: [],
  };
}
