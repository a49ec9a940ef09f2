import type { KubernetesGateway } from '@lateen/api/kinds.ts';
import type { SecretRefIr } from '../../proxy/ir/secret.ts';
import type { ClientVerificationIr } from '../../proxy/ir/server-tls.ts';
import type { TlsParametersIr, TlsVersion } from '../../proxy/ir/tls-parameters.ts';
import { sharedAuthoritiesName, sharedKeyPairName } from '../credential.ts';
import { defined } from '../defined.ts';
import type { CredentialRef, ServerTls } from '../server-tls.ts';
import type { Problem } from './conditions.ts';
import { type CredentialContext, findKeyPair, isPem } from './key-pair.ts';
import type { Listener, ListenerObject } from './listener.ts';
import { invalidReference, mayRefer, notPermitted } from './reference-grant.ts';
import { GATEWAY_GROUP } from './route-kind.ts';

/** How a listener meets TLS, as far as that can be done, and what is in the way. */
export interface ListenerTls {
  /** Absent: plaintext, or nothing that could be served. */
  readonly tls?: ServerTls;
  readonly problems: readonly Problem[];
}

type GatewayTls = NonNullable<KubernetesGateway['spec']['tls']>;
type Validation = NonNullable<NonNullable<GatewayTls['frontend']>['default']['validation']>;
type CertificateRef = NonNullable<NonNullable<ListenerObject['tls']>['certificateRefs']>[number];

const REASON = 'InvalidCertificateRef';

/** What a reference leads to, or why nowhere. */
interface Found {
  readonly use?: { readonly ref: SecretRefIr; readonly credential: CredentialRef };
  readonly problem?: Problem;
}

/** @param gatewayTls of the Gateway, which says whether clients need certificates */
export function buildListenerTls(
  listener: Listener,
  gatewayTls: GatewayTls | undefined,
  context: CredentialContext,
): ListenerTls {
  const { protocol, tls, source } = listener;
  if (protocol !== 'HTTPS' && protocol !== 'TLS') return { problems: [] };
  if (tls?.mode === 'Passthrough') return { tls: { type: 'passthrough', routedBy: 'rules' }, problems: [] };
  const path = `${source.path}.tls`;
  const refs = tls?.certificateRefs ?? [];
  const found = refs.map((ref, i) => keyPairOf(ref, `${path}.certificateRefs[${i}]`, listener, context));
  const certificates = found.flatMap(({ use }) => use ?? []);
  const { parameters, problems: ofOptions } = buildParameters(tls?.options ?? {}, path);
  const clients = buildClients(listener, gatewayTls, context);
  const problems = [
    ...(refs.length === 0 ? [invalidReference(REASON, 'there is no certificate', path)] : []),
    ...found.flatMap(({ problem }) => problem ?? []),
    ...ofOptions,
    ...clients.problems,
  ];
  if (certificates.length === 0 || clients.problems.some(({ type }) => type === 'Accepted')) return { problems };
  return {
    tls: {
      type: 'terminate',
      isMesh: false,
      certificates: certificates.map(({ ref }) => ref),
      ...(clients.verification === undefined ? {} : { clients: clients.verification }),
      parameters,
      files: [],
      credentials: [...certificates, ...(clients.authorities ?? [])].map(({ credential }) => credential),
    },
    problems,
  };
}

function keyPairOf(ref: CertificateRef, path: string, { owner }: Listener, context: CredentialContext): Found {
  const from = { group: GATEWAY_GROUP, kind: writtenKind(owner), namespace: owner.namespace };
  const { credential, problem } = findKeyPair(ref, from, path, REASON, context, (found, secret) =>
    found === undefined ? `there is no ${secret}` : `the ${secret} has no tls.crt and tls.key`,
  );
  if (problem !== undefined) return { problem };
  const { namespace, name } = credential;
  return {
    use: {
      ref: { name: sharedKeyPairName(namespace, name), from: 'pilot' },
      credential: { name, namespace, part: 'key-pair', path, kind: 'Secret' },
    },
  };
}

/** Which certificates clients must show. By port, or else for all. */
function buildClients(
  { owner, port, source }: Listener,
  gatewayTls: GatewayTls | undefined,
  context: CredentialContext,
): {
  readonly verification?: ClientVerificationIr;
  readonly authorities?: readonly NonNullable<Found['use']>[];
  readonly problems: readonly Problem[];
} {
  const { frontend } = gatewayTls ?? {};
  const ofPort = frontend?.perPort?.find((each) => each.port === port);
  const validation = (ofPort?.tls ?? frontend?.default)?.validation;
  if (validation === undefined) return { problems: [] };
  const path = source.path ?? '';
  const found = validation.caCertificateRefs.map((ref) => authoritiesOf(ref, path, owner, context));
  const problems = found.flatMap(({ problem }) => problem ?? []);
  const [authorities, ...others] = found.flatMap(({ use }) => use ?? []);
  if (authorities === undefined) {
    const message = 'none of the references to authorities leads to certificates';
    return { problems: [...problems, { type: 'Accepted', reason: 'NoValidCACertificate', message, path }] };
  }
  if (others.length > 0) {
    const message = 'only one reference to authorities is supported; put all certificates into one ConfigMap';
    problems.push({ type: 'Accepted', reason: 'UnsupportedValue', message, path });
  }
  const insecure = validation.mode === 'AllowInsecureFallback';
  return {
    verification: {
      required: !insecure,
      authorities: authorities.ref,
      untrusted: insecure,
      names: [],
      certificateHashes: [],
      publicKeyHashes: [],
    },
    authorities: [authorities],
    problems,
  };
}

function authoritiesOf(
  ref: Validation['caCertificateRefs'][number],
  path: string,
  owner: Listener['owner'],
  { credentials, grants, read }: CredentialContext,
): Found {
  const { group, kind, name, namespace = owner.namespace } = ref;
  const invalid = (reason: string, message: string) => ({ problem: invalidReference(reason, message, path) });
  if (group !== '' || (kind !== 'ConfigMap' && kind !== 'Secret')) {
    return invalid('InvalidCACertificateKind', `authorities are in ConfigMaps, not in a ${kind} of '${group}'`);
  }
  const from = { group: GATEWAY_GROUP, kind: 'Gateway', namespace: owner.namespace };
  if (!mayRefer(from, { group, kind, namespace, name }, grants, read)) {
    return { problem: notPermitted(from, kind, namespace, name, path) };
  }
  const authorities = read.get(credentials, `${kind}/${namespace}/${name}`)?.authorities;
  if (authorities === undefined || !isPem(authorities.roots, 'CERTIFICATE')) {
    return invalid('InvalidCACertificateRef', `there is no ${kind} ${namespace}/${name} with certificates in ca.crt`);
  }
  return {
    use: {
      ref: { name: sharedAuthoritiesName(namespace, name), from: 'pilot' },
      credential: { name, namespace, part: 'authorities', path, kind },
    },
  };
}

/** Keys of `tls.options` that are Lateen's. */
const MIN_VERSION = 'lateen.dev/min-tls-version';
const MAX_VERSION = 'lateen.dev/max-tls-version';
const CIPHER_SUITES = 'lateen.dev/cipher-suites';
const VERSIONS: readonly string[] = ['1.0', '1.1', '1.2', '1.3'] satisfies TlsVersion[];

/** @param path of what has the options */
export function buildParameters(options: Readonly<Record<string, string>>, path: string) {
  const problems: Problem[] = [];
  const wrong = (key: string, message: string) =>
    problems.push({ type: 'Accepted', reason: 'UnsupportedValue', message, path: `${path}.options["${key}"]` });
  for (const [key, value] of Object.entries(options)) {
    if (key === CIPHER_SUITES) continue;
    if (key !== MIN_VERSION && key !== MAX_VERSION) {
      wrong(key, `the option ${key} is not known; there are ${MIN_VERSION}, ${MAX_VERSION} and ${CIPHER_SUITES}`);
    } else if (!VERSIONS.includes(value))
      wrong(key, `'${value}' is no version of TLS; there are ${VERSIONS.join(', ')}`);
  }
  const version = (key: string) => VERSIONS.find((each) => each === options[key]) as TlsVersion | undefined;
  const suites = (options[CIPHER_SUITES] ?? '')
    .split(',')
    .map((each) => each.trim())
    .filter((each) => each !== '');
  const parameters: TlsParametersIr = defined({
    minVersion: version(MIN_VERSION),
    maxVersion: version(MAX_VERSION),
    cipherSuites: suites.length === 0 ? undefined : suites,
  });
  return { parameters, problems };
}

function writtenKind({ kind }: Listener['owner']): string {
  return kind === 'KubernetesGateway' ? 'Gateway' : kind;
}
