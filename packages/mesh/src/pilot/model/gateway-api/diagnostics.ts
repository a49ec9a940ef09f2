import { type Diagnostic, diagnostic, type ObjectRef } from '@lateen/api/diagnostic.ts';
import type { DiagnosticCode } from '@lateen/api/diagnostic-codes.ts';
import type { ConfigObject, KubernetesGateway, ListenerSet } from '@lateen/api/kinds.ts';
import { keyOfRef } from '@lateen/api/object-key.ts';
import { didYouMean } from '@lateen/api/suggest.ts';
import type { Collection, Reader } from '../../incremental/collection.ts';
import type { Graph } from '../../incremental/graph.ts';
import type { Problem } from './conditions.ts';
import { BUILT_IN_CLASSES, isOurs, problemOfClass } from './gateway-class.ts';
import { gatewayOfSet } from './gateway-listeners.ts';
import { gatewayProblems } from './gateway-problems.ts';
import type { KubernetesGateways } from './gateways.ts';
import type { PolicyState } from './policy-states.ts';
import { GATEWAY_GROUP, isRouteKind } from './route-kind.ts';
import type { KubernetesRoutes } from './routes.ts';
import type { XBackendState } from './x-backend.ts';
import type { XMeshState } from './x-mesh.ts';

/** By reason of the condition that does not hold. */
const CODES: Readonly<Record<string, DiagnosticCode>> = {
  NoMatchingParent: 'LAT0740',
  NotAllowedByListeners: 'LAT0741',
  NotAllowed: 'LAT0741',
  NoMatchingListenerHostname: 'LAT0742',
  BackendNotFound: 'LAT0743',
  RefNotPermitted: 'LAT0744',
  InvalidKind: 'LAT0745',
  InvalidRouteKinds: 'LAT0745',
  InvalidCACertificateKind: 'LAT0745',
  HostnameConflict: 'LAT0747',
  ProtocolConflict: 'LAT0747',
  InvalidCertificateRef: 'LAT0748',
  InvalidCACertificateRef: 'LAT0748',
  InvalidClientCertificateRef: 'LAT0748',
  TargetNotFound: 'LAT0740',
  Conflicted: 'LAT0747',
  InvalidParameters: 'LAT0750',
  UnsupportedAddress: 'LAT0751',
  AddressNotUsable: 'LAT0751',
};

/** Of an address that names a Service. */
const SERVICE_NOT_USABLE: DiagnosticCode = 'LAT0752';

/** What only follows from other problems of the same object, which are told. */
const CONSEQUENCES: ReadonlySet<string> = new Set(['NoValidCACertificate']);

/** A value, a protocol, parameters or filters that Lateen has nothing for. */
const UNSUPPORTED: DiagnosticCode = 'LAT0746';

/** What tells that something is not there: of a part of a mesh it says nothing. */
const NEEDS_WHOLE_MESH: ReadonlySet<DiagnosticCode> = new Set([
  'LAT0740',
  'LAT0743',
  'LAT0744',
  'LAT0748',
  'LAT0749',
  'LAT0752',
]);

export interface DiagnosticsContext
  extends Pick<KubernetesGateways, 'listeners' | 'listenerTls' | 'deployments' | 'clientCertificates'>,
    Pick<KubernetesRoutes, 'states'> {
  readonly policies: Collection<PolicyState>;
  readonly xBackends: Collection<XBackendState>;
  readonly xMeshes: Collection<XMeshState>;
}

/** What users should know of each object of the Gateway API that is not served as it is written, by object key. */
export function deriveDiagnostics(
  graph: Graph,
  apiObjects: Collection<ConfigObject>,
  context: DiagnosticsContext,
): Collection<readonly Diagnostic[]> {
  return graph.derive('diagnostics of the Gateway API', apiObjects, (object, read, key) => {
    const { namespace = '', name } = object.metadata as { readonly namespace?: string; readonly name: string };
    const found = diagnosticsOf(object, key, { kind: object.kind, namespace, name }, apiObjects, context, read);
    return found.length === 0 ? undefined : found;
  });
}

/** Those of all objects, in order of their keys. */
export function allDiagnostics(diagnostics: Collection<readonly Diagnostic[]>, isPart = false): Diagnostic[] {
  return [...diagnostics.entries()]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([, list]) => list)
    .filter(({ code }) => !isPart || !NEEDS_WHOLE_MESH.has(code));
}

function diagnosticsOf(
  object: ConfigObject,
  key: string,
  ref: ObjectRef,
  apiObjects: Collection<ConfigObject>,
  context: DiagnosticsContext,
  read: Reader,
): readonly Diagnostic[] {
  const { listeners, listenerTls, states, policies, xBackends, xMeshes } = context;
  if (object.kind === 'GatewayClass') {
    const problem = isOurs(object) ? problemOfClass(object) : undefined;
    return problem === undefined ? [] : told([problem], ref);
  }
  if (isRouteKind(object.kind)) {
    const { attachments = [], problems = [] } = read.get(states, key) ?? {};
    return told([...attachments.flatMap((each) => each.problems), ...problems], ref);
  }
  const policy = read.get(policies, key);
  if (policy !== undefined) return told(policy.problems, ref);
  const other = object.kind === 'XMesh' ? read.get(xMeshes, key) : read.get(xBackends, key);
  if (other !== undefined) return told(other.problems, ref);
  if (object.kind !== 'KubernetesGateway' && object.kind !== 'ListenerSet') return [];
  const found = read.get(listeners, key);
  if (found === undefined) {
    return object.kind === 'ListenerSet'
      ? withoutGateway(object, ref, apiObjects, read)
      : withoutClass(object, ref, apiObjects, read);
  }
  const ofListeners = found.listeners.flatMap(({ key: listener, problems, conflict }) => [
    ...problems,
    ...(conflict === undefined ? [] : [conflict]),
    ...(read.get(listenerTls, listener)?.problems ?? []),
  ]);
  if (object.kind === 'ListenerSet')
    return told([...(found.problem === undefined ? [] : [found.problem]), ...ofListeners], ref);
  return told([...gatewayProblems(object.metadata, context, read), ...ofListeners], ref, (problem) =>
    problem.reason === 'AddressNotUsable' && isOfService(problem, object) ? SERVICE_NOT_USABLE : codeOf(problem),
  );
}

/** Each once: what is wrong with a reference may be in the way of several conditions, or listeners. */
function told(
  problems: readonly Problem[],
  object: ObjectRef,
  codeFor: (problem: Problem) => DiagnosticCode = codeOf,
): readonly Diagnostic[] {
  const found = new Map<string, Diagnostic>();
  for (const problem of problems) {
    const { reason, message, path } = problem;
    if (CONSEQUENCES.has(reason)) continue;
    const code = codeFor(problem);
    const details = { object, ...(path === undefined ? {} : { path }) };
    found.set(`${code} ${path} ${message}`, diagnostic(code, message, details));
  }
  return [...found.values()];
}

function codeOf({ reason }: Problem): DiagnosticCode {
  return CODES[reason] ?? UNSUPPORTED;
}

function isOfService({ path = '' }: Problem, { spec }: KubernetesGateway): boolean {
  const index = /^spec\.addresses\[(\d+)\]/.exec(path)?.[1];
  return index !== undefined && spec.addresses?.[Number(index)]?.type === 'Hostname';
}

/** A class of others is nothing to worry about, but one that is nowhere is. */
function withoutClass(
  { spec }: KubernetesGateway,
  object: ObjectRef,
  apiObjects: Collection<ConfigObject>,
  read: Reader,
): readonly Diagnostic[] {
  const { gatewayClassName: className } = spec;
  const path = 'spec.gatewayClassName';
  const found = read.get(apiObjects, keyOfRef({ kind: 'GatewayClass', namespace: '', name: className }));
  if (found?.kind !== 'GatewayClass') {
    const known = Object.keys(BUILT_IN_CLASSES);
    const meant = didYouMean(className, known) || `; Lateen serves ${known.join(' and ')}`;
    return [
      diagnostic('LAT0749', `there is no GatewayClass ${className}${meant}`, { severity: 'warning', object, path }),
    ];
  }
  const message = isOurs(found)
    ? `Lateen does not serve the GatewayClass ${className} as it is written`
    : `the GatewayClass ${className} is served by ${found.spec.controllerName}, not by Lateen`;
  return [diagnostic('LAT0749', message, { object, path })];
}

function withoutGateway(
  set: ListenerSet,
  object: ObjectRef,
  apiObjects: Collection<ConfigObject>,
  read: Reader,
): readonly Diagnostic[] {
  const path = 'spec.parentRef';
  const gateway = gatewayOfSet(set);
  if (gateway === undefined) {
    const { group = GATEWAY_GROUP, kind } = set.spec.parentRef;
    const message = `a ${kind} of the API group '${group}' takes no listeners; a Gateway does`;
    return [diagnostic('LAT0745', message, { object, path })];
  }
  const [namespace = '', name = ''] = gateway.split('/');
  const found = read.get(apiObjects, keyOfRef({ kind: 'KubernetesGateway', namespace, name }));
  if (found?.kind !== 'KubernetesGateway') {
    return [diagnostic('LAT0740', `there is no Gateway ${gateway}`, { object, path })];
  }
  // Of a Gateway that is not served, its own diagnostic tells.
  return [];
}
