import type { KubernetesGateway } from '@lateen/api/kinds.ts';
import type { SecretIr } from '../../proxy/ir/secret.ts';
import type { SourceRef } from '../../proxy/ir/source.ts';
import type { Problem } from './conditions.ts';
import { type CredentialContext, findKeyPair, type SecretRef } from './key-pair.ts';
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

/** @param source of the object of the API group that refers to it, and the path of the reference in it */
export function findClientCertificate(
  ref: SecretRef,
  group: string,
  source: SourceRef,
  path: string,
  context: CredentialContext,
): ClientCertificate {
  const kind = source.kind === 'KubernetesGateway' ? 'Gateway' : source.kind;
  const from = { group, kind, namespace: source.namespace };
  const { credential, problem } = findKeyPair(ref, from, path, 'InvalidClientCertificateRef', context, (_, secret) => {
    return `there is no ${secret} with tls.crt and tls.key`;
  });
  if (problem !== undefined) return { problems: [problem] };
  const { keyPair } = credential;
  return {
    secret: {
      type: 'certificate',
      name: `backend-client://${kind}/${source.namespace}/${source.name}`,
      chain: { type: 'text', text: keyPair.chain },
      privateKey: { type: 'text', text: keyPair.privateKey },
      sources: [{ ...source, path }, credential.source],
    },
    problems: [],
  };
}
