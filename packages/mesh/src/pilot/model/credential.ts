import type { ConfigMap, Secret } from '@lateen/api/kinds.ts';
import type { SourceRef } from '../proxy/ir/source.ts';

/** Keys and certificates of a Secret, or the certificates of a ConfigMap, as far as they are there. */
export interface Credential {
  readonly namespace: string;
  readonly name: string;
  readonly keyPair?: { readonly chain: string; readonly privateKey: string };
  /** Who may have signed the certificates of peers. */
  readonly authorities?: { readonly roots: string; readonly revoked?: string };
  readonly source: SourceRef;
}

/** The two ways in which Istio's Secrets are written: of the type `kubernetes.io/tls`, and generic. */
const KEY_FORMS = [
  { chain: 'tls.crt', privateKey: 'tls.key', roots: 'ca.crt', revoked: 'ca.crl' },
  { chain: 'cert', privateKey: 'key', roots: 'cacert', revoked: 'crl' },
] as const;

export function buildCredential({ metadata, data = {}, stringData = {} }: Secret): Credential {
  const { name, namespace } = metadata;
  const values = {
    ...Object.fromEntries(Object.entries(data).map(([key, value]) => [key, decode(value)])),
    ...stringData,
  };
  const pairs = KEY_FORMS.map(({ chain, privateKey }) => [values[chain], values[privateKey]] as const);
  const [chain, privateKey] = pairs.find(([a, b]) => isPresent(a) && isPresent(b)) ?? [];
  return {
    namespace,
    name,
    ...(chain === undefined || privateKey === undefined ? {} : { keyPair: { chain, privateKey } }),
    ...authoritiesOf(values),
    source: { kind: 'Secret', namespace, name },
  };
}

/** For `caCertCredentialName`, which may name a ConfigMap: authorities are no secret. */
export function buildBundle({ metadata, data = {} }: ConfigMap): Credential | undefined {
  const { name, namespace } = metadata;
  const authorities = authoritiesOf(data);
  if (authorities.authorities === undefined) return undefined;
  return { namespace, name, ...authorities, source: { kind: 'ConfigMap', namespace, name } };
}

function authoritiesOf(values: Readonly<Record<string, string>>): Pick<Credential, 'authorities'> {
  const form = KEY_FORMS.find(({ roots }) => isPresent(values[roots]));
  if (form === undefined) return {};
  const roots = values[form.roots] ?? '';
  const revoked = values[form.revoked];
  return { authorities: { roots, ...(isPresent(revoked) ? { revoked } : {}) } };
}

function isPresent(value: string | undefined): value is string {
  return value !== undefined && value.trim() !== '';
}

/** PEM is ASCII, so each byte is one character. */
function decode(base64: string): string {
  return atob(base64.replaceAll(/\s/g, ''));
}

const PREFIX = 'kubernetes://';

/** What a Secret's name ends with that holds nothing but the authorities of another one (Istio's rule). */
const AUTHORITIES_SUFFIX = '-cacert';

/** Istio's name of the resource with the key pair of a Secret. */
export function keyPairName(credential: string): string {
  return `${PREFIX}${credential}`;
}

/** Istio's name of the resource with the key pair of a Secret in a certain namespace, wherever the proxy is. */
export function sharedKeyPairName(namespace: string, credential: string): string {
  return `kubernetes-gateway://${namespace}/${credential}`;
}

/** Istio's name of the resource with the authorities that go with a Secret. */
export function authoritiesName(credential: string): string {
  return `${PREFIX}${credential}${AUTHORITIES_SUFFIX}`;
}

/** The same for authorities. */
export function sharedAuthoritiesName(namespace: string, credential: string): string {
  return `${sharedKeyPairName(namespace, credential)}${AUTHORITIES_SUFFIX}`;
}

/** The credentials, by preference, that a resource named by `authoritiesName` can be made of. */
export function authoritiesCandidates(resource: string): readonly [own: string, shared: string] {
  const own = resource.slice(PREFIX.length);
  return [own, own.slice(0, -AUTHORITIES_SUFFIX.length)];
}

/** The credentials whose authorities these may be: its own, and if it has none but authorities, those of another. */
export function authoritiesNamesOf(credential: string): readonly string[] {
  return isForAuthorities(credential) ? [credential, credential.slice(0, -AUTHORITIES_SUFFIX.length)] : [credential];
}

/** The name of its key pair would be that of the authorities of another credential. */
export function isForAuthorities(credential: string): boolean {
  return credential.endsWith(AUTHORITIES_SUFFIX);
}
