import type { BackendTLSPolicy, ConfigObject } from '@lateen/api/kinds.ts';
import type { Collection, Reader } from '../../incremental/collection.ts';
import type { Graph } from '../../incremental/graph.ts';
import type { SecretIr } from '../../proxy/ir/secret.ts';
import type { SourceRef } from '../../proxy/ir/source.ts';
import { type ClientTls, SYSTEM_ROOTS } from '../client-tls.ts';
import type { Credential } from '../credential.ts';
import { defined } from '../defined.ts';
import type { BackendTls, Service } from '../service.ts';
import type { Problem } from './conditions.ts';
import { isPem } from './key-pair.ts';
import { buildParameters } from './listener-tls.ts';
import { ageRank, byRank, type Rank } from './precedence.ts';

/** What a BackendTLSPolicy asks for, whatever other policies there are. */
export interface BackendTlsPolicy {
  readonly namespace: string;
  readonly targets: readonly { readonly service: string; readonly section?: string; readonly path: string }[];
  /** With a problem in the way, nobody is called: in plaintext least of all. */
  readonly tls: ClientTls;
  readonly problems: readonly Problem[];
  readonly rank: Rank;
  readonly source: SourceRef;
}

export interface BackendTlsPolicies {
  /** By object key. */
  readonly policies: Collection<BackendTlsPolicy>;
  /** By object key of the policy: those of its own, and where others come first. */
  readonly problems: Collection<readonly Problem[]>;
  /** By service key: TLS by port. */
  readonly ofServices: Collection<Readonly<Record<number, BackendTls>>>;
}

type Validation = BackendTLSPolicy['spec']['validation'];

/** @param services as they are declared: what is found here is not yet in them */
export function deriveBackendTls(
  graph: Graph,
  apiObjects: Collection<ConfigObject>,
  objects: Collection<ConfigObject>,
  credentials: Collection<Credential>,
  services: Collection<Service>,
): BackendTlsPolicies {
  const policies = graph.derive('backend TLS policies', apiObjects, (object, read) =>
    object.kind === 'BackendTLSPolicy' ? buildBackendTlsPolicy(object, credentials, read) : undefined,
  );
  const byService = graph.index('backend TLS policies by service', policies, ({ namespace, targets }) => [
    ...new Set(targets.map(({ service }) => `${namespace}/${service}`)),
  ]);
  return {
    policies,
    problems: graph.derive('problems of backend TLS policies', policies, (policy, read) => [
      ...policy.problems,
      ...policy.targets.flatMap((target) => {
        const name = `${policy.namespace}/${target.service}`;
        const service = read.get(objects, `Service/${name}`);
        if (service?.kind !== 'Service') return [notFound(`there is no Service ${name}`, target.path)];
        const { section } = target;
        if (section !== undefined && service.spec.ports?.some((port) => port.name === section) !== true) {
          return [notFound(`the Service ${name} has no port with the name ${section}`, target.path)];
        }
        const [first] = holding(read.get(byService, name) ?? [], target.service, section);
        return first === undefined || first.source.name === policy.source.name
          ? []
          : [conflict(first, name, section, target.path)];
      }),
    ]),
    ofServices: graph.derive('TLS of services', services, ({ source, ports }, read) => {
      if (source.kind !== 'Service') return undefined;
      const all = read.get(byService, `${source.namespace}/${source.name}`) ?? [];
      const found = ports.flatMap(({ port, name }) => {
        const ofPort = name === undefined ? [] : holding(all, source.name, name);
        const [policy] = ofPort.length > 0 ? ofPort : holding(all, source.name, undefined);
        return policy === undefined ? [] : [[port, { tls: policy.tls, source: policy.source }] as const];
      });
      return found.length === 0 ? undefined : Object.fromEntries(found);
    }),
  };
}

/** Policies for one section of a service, or for all of it: of several, only the first holds. */
function holding(
  policies: readonly BackendTlsPolicy[],
  service: string,
  section: string | undefined,
): readonly BackendTlsPolicy[] {
  return policies
    .filter(({ targets }) => targets.some((each) => each.service === service && each.section === section))
    .toSorted(byRank);
}

function buildBackendTlsPolicy(
  { metadata, spec }: BackendTLSPolicy,
  credentials: Collection<Credential>,
  read: Reader,
): BackendTlsPolicy {
  const { namespace, name } = metadata;
  const source = { kind: 'BackendTLSPolicy', namespace, name };
  const { targetRefs, validation, options = {} } = spec;
  const isService = ({ group, kind }: (typeof targetRefs)[number]) => group === '' && kind === 'Service';
  const wrongKinds = targetRefs.flatMap((ref, i): Problem[] =>
    isService(ref) ? [] : [invalid(`a ${ref.kind} of the API group '${ref.group}' is no target; Services are`, i)],
  );
  const found = findAuthorities(validation, source, credentials, read);
  const { parameters, problems: ofOptions } = buildParameters(options, 'spec');
  const problems = [...wrongKinds, ...found.problems, ...ofOptions];
  const isRefused =
    found.ref === undefined || [...found.problems, ...ofOptions].some(({ type }) => type === 'Accepted');
  return {
    namespace,
    targets: targetRefs.flatMap((ref, i) =>
      isService(ref)
        ? [defined({ service: ref.name, section: ref.sectionName || undefined, path: `spec.targetRefs[${i}]` })]
        : [],
    ),
    tls: isRefused
      ? { type: 'refuse' }
      : defined({
          type: 'originate' as const,
          sni: validation.hostname,
          names: namesOf(validation),
          authorities: found.ref,
          parameters: Object.keys(parameters).length === 0 ? undefined : parameters,
          files: found.secrets,
          credentials: [],
        }),
    problems,
    rank: ageRank(metadata),
    source,
  };
}

/** Where names are listed, the host only says whose certificate is wanted. */
export function namesOf({ hostname, subjectAltNames = [] }: Validation): readonly string[] {
  if (subjectAltNames.length === 0) return [hostname];
  return subjectAltNames.flatMap(({ hostname: host, uri }) => host ?? uri ?? []);
}

interface Authorities {
  readonly ref?: { readonly name: string; readonly from: 'agent' | 'pilot' };
  readonly secrets: readonly SecretIr[];
  readonly problems: readonly Problem[];
}

/**
 * Those of all references together, in one secret.
 *
 * @param source of the object that refers to them, and the path of the references in it
 */
export function findAuthorities(
  { caCertificateRefs = [], wellKnownCACertificates }: Validation,
  source: SourceRef,
  credentials: Collection<Credential>,
  read: Reader,
  path = 'spec.validation',
): Authorities {
  const { namespace, name } = source;
  if (caCertificateRefs.length === 0) {
    if (wellKnownCACertificates === 'System') return { ref: SYSTEM_ROOTS, secrets: [], problems: [] };
    const message = `there are no authorities with the name ${wellKnownCACertificates}, only System`;
    const unknown = { type: 'Accepted', reason: 'Invalid', message, path: `${path}.wellKnownCACertificates` };
    return { secrets: [], problems: [unknown] };
  }
  const problems: Problem[] = [];
  const wrong = (reason: string, message: string, i: number) =>
    problems.push({ type: 'ResolvedRefs', reason, message, path: `${path}.caCertificateRefs[${i}]` });
  const bundles = caCertificateRefs.flatMap((ref, i): Credential[] => {
    if (ref.group !== '' || (ref.kind !== 'ConfigMap' && ref.kind !== 'Secret')) {
      wrong('InvalidKind', `authorities are in ConfigMaps, not in a ${ref.kind} of '${ref.group}'`, i);
      return [];
    }
    const found = read.get(credentials, `${ref.kind}/${namespace}/${ref.name}`);
    if (found?.authorities !== undefined && isPem(found.authorities.roots, 'CERTIFICATE')) return [found];
    const message = `there is no ${ref.kind} ${namespace}/${ref.name} with certificates in ca.crt`;
    wrong('InvalidCACertificateRef', message, i);
    return [];
  });
  if (bundles.length === 0) {
    const message = 'none of the references to authorities leads to certificates';
    problems.push({ type: 'Accepted', reason: 'NoValidCACertificate', message, path: `${path}.caCertificateRefs` });
    return { secrets: [], problems };
  }
  const text = (part: 'roots' | 'revoked') =>
    bundles.flatMap(({ authorities }) => authorities?.[part] ?? []).join('\n');
  const secret: SecretIr = defined({
    type: 'authorities' as const,
    name: `backend-authorities://${source.kind}/${namespace}/${name}`,
    roots: { type: 'text' as const, text: text('roots') },
    revoked: text('revoked') === '' ? undefined : { type: 'text' as const, text: text('revoked') },
    sources: [source, ...bundles.map((bundle) => bundle.source)],
  });
  return { ref: { name: secret.name, from: 'pilot' }, secrets: [secret], problems };
}

function invalid(message: string, index: number): Problem {
  return { type: 'Accepted', reason: 'Invalid', message, path: `spec.targetRefs[${index}]` };
}

function notFound(message: string, path: string): Problem {
  return { type: 'Accepted', reason: 'TargetNotFound', message, path };
}

function conflict({ source }: BackendTlsPolicy, name: string, section: string | undefined, path: string): Problem {
  const what = section === undefined ? `the Service ${name}` : `the port ${section} of the Service ${name}`;
  const message = `the BackendTLSPolicy ${source.namespace}/${source.name} says how ${what} is called, and comes first`;
  return { type: 'Accepted', reason: 'Conflicted', message, path };
}
