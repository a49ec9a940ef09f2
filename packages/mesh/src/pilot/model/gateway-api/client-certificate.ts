import type { KubernetesGateway } from '@lateen/api/kinds.ts';
import type { SecretIr } from '../../proxy/ir/secret.ts';
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

const PATH = 'spec.tls.backend.clientCertificateRef';

/** `spec.tls.backend` of a Gateway; undefined if it says nothing. */
export function buildClientCertificate(
  { metadata, spec }: KubernetesGateway,
  { credentials, grants, read }: CredentialContext,
): ClientCertificate | undefined {
  const asked = spec.tls?.backend?.clientCertificateRef;
  if (asked === undefined) return undefined;
  const { group = '', kind = 'Secret', name, namespace = metadata.namespace } = asked;
  const wrong = (message: string) => ({ problems: [invalidReference('InvalidClientCertificateRef', message, PATH)] });
  if (group !== '' || kind !== 'Secret') return wrong(`certificates are in Secrets, not in a ${kind} of '${group}'`);
  const from = { group: GATEWAY_GROUP, kind: 'Gateway', namespace: metadata.namespace };
  if (!mayRefer(from, { group, kind, namespace, name }, grants, read)) {
    return { problems: [notPermitted(from, kind, namespace, name, PATH)] };
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
      name: `backend-client://${metadata.namespace}/${metadata.name}`,
      chain: { type: 'text', text: keyPair.chain },
      privateKey: { type: 'text', text: keyPair.privateKey },
      sources: [
        { kind: 'KubernetesGateway', namespace: metadata.namespace, name: metadata.name, path: PATH },
        credential.source,
      ],
    },
    problems: [],
  };
}
