import type { Collection, Reader } from '../../incremental/collection.ts';
import type { Credential } from '../credential.ts';
import type { Problem } from './conditions.ts';
import { type Grants, invalidReference, mayRefer, notPermitted, type Referrer } from './reference-grant.ts';

export interface CredentialContext {
  /** By object key. */
  readonly credentials: Collection<Credential>;
  readonly grants: Grants;
  readonly read: Reader;
}

/** A reference to a Secret, unless it says otherwise. */
export interface SecretRef {
  readonly group?: string | undefined;
  readonly kind?: string | undefined;
  readonly namespace?: string | undefined;
  readonly name: string;
}

type FoundKeyPair =
  | { readonly credential: Credential & Required<Pick<Credential, 'keyPair'>>; readonly problem?: never }
  | { readonly credential?: never; readonly problem: Problem };

/**
 * The Secret with key and certificate that somebody refers to, if it may be and is one.
 *
 * @param reason of the condition, if it is not
 * @param lacking says that there is no key pair; `secret` is `Secret NAMESPACE/NAME`
 */
export function findKeyPair(
  { group = '', kind = 'Secret', name, namespace: ofRef }: SecretRef,
  from: Referrer,
  path: string,
  reason: string,
  { credentials, grants, read }: CredentialContext,
  lacking: (found: Credential | undefined, secret: string) => string,
): FoundKeyPair {
  const namespace = ofRef ?? from.namespace;
  const wrong = (message: string) => ({ problem: invalidReference(reason, message, path) });
  if (group !== '' || kind !== 'Secret') return wrong(`certificates are in Secrets, not in a ${kind} of '${group}'`);
  if (!mayRefer(from, { group, kind, namespace, name }, grants, read)) {
    return { problem: notPermitted(from, kind, namespace, name, path) };
  }
  const secret = `Secret ${namespace}/${name}`;
  const credential = read.get(credentials, `Secret/${namespace}/${name}`);
  const { keyPair } = credential ?? {};
  if (credential === undefined || keyPair === undefined) return wrong(lacking(credential, secret));
  if (!isPem(keyPair.chain, 'CERTIFICATE') || !isPem(keyPair.privateKey, 'PRIVATE KEY')) {
    return wrong(`tls.crt and tls.key of the ${secret} are not both PEM`);
  }
  return { credential: { ...credential, keyPair } };
}

/** Whether there is a block with such a label, in base64. What is in it, Envoy finds out. */
export function isPem(text: string, label: string): boolean {
  return new RegExp(`-----BEGIN [A-Z0-9 ]*${label}-----\\s+[A-Za-z0-9+/=\\s]+-----END [A-Z0-9 ]*${label}-----`).test(
    text,
  );
}
