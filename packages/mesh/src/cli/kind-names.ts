import { didYouMean } from '@lateen/api/suggest.ts';
import { writtenKind } from '@lateen/api/written-kind.ts';
import { UsageError } from './command.ts';

/**
 * What a kind is called on the command line. The schemas of the kinds are in `@lateen/api/kinds.ts`; they are not
 * loaded here, since that takes longer than the whole command should.
 */
export interface KindNames {
  /** The name inside of Lateen. */
  readonly kind: string;
  readonly plural: string;
  readonly short: readonly string[];
  /** The API group, empty for Kubernetes' core. */
  readonly group: string;
  readonly namespaced: boolean;
}

const GATEWAY_API = 'gateway.networking.k8s.io';
const EXPERIMENTAL = 'gateway.networking.x-k8s.io';

/** In the order in which `get all` shows them. */
export const kindNames: readonly KindNames[] = [
  { kind: 'Namespace', plural: 'namespaces', short: ['ns'], group: '', namespaced: false },
  { kind: 'ServiceAccount', plural: 'serviceaccounts', short: ['sa'], group: '', namespaced: true },
  { kind: 'ConfigMap', plural: 'configmaps', short: ['cm'], group: '', namespaced: true },
  { kind: 'Service', plural: 'services', short: ['svc'], group: '', namespaced: true },
  { kind: 'Deployment', plural: 'deployments', short: ['deploy'], group: 'apps', namespaced: true },
  { kind: 'Gateway', plural: 'gateways', short: ['gw'], group: 'networking.istio.io', namespaced: true },
  { kind: 'VirtualService', plural: 'virtualservices', short: ['vs'], group: 'networking.istio.io', namespaced: true },
  {
    kind: 'DestinationRule',
    plural: 'destinationrules',
    short: ['dr'],
    group: 'networking.istio.io',
    namespaced: true,
  },
  {
    kind: 'PeerAuthentication',
    plural: 'peerauthentications',
    short: ['pa'],
    group: 'security.istio.io',
    namespaced: true,
  },
  { kind: 'Secret', plural: 'secrets', short: [], group: '', namespaced: true },
  { kind: 'EndpointSlice', plural: 'endpointslices', short: [], group: 'discovery.k8s.io', namespaced: true },
  { kind: 'IngressClass', plural: 'ingressclasses', short: [], group: 'networking.k8s.io', namespaced: false },
  { kind: 'Ingress', plural: 'ingresses', short: ['ing'], group: 'networking.k8s.io', namespaced: true },
  { kind: 'ServiceEntry', plural: 'serviceentries', short: ['se'], group: 'networking.istio.io', namespaced: true },
  { kind: 'WorkloadEntry', plural: 'workloadentries', short: ['we'], group: 'networking.istio.io', namespaced: true },
  { kind: 'Sidecar', plural: 'sidecars', short: [], group: 'networking.istio.io', namespaced: true },
  { kind: 'ProxyConfig', plural: 'proxyconfigs', short: [], group: 'networking.istio.io', namespaced: true },
  { kind: 'EnvoyFilter', plural: 'envoyfilters', short: [], group: 'networking.istio.io', namespaced: true },
  { kind: 'TrafficSchedule', plural: 'trafficschedules', short: ['ts'], group: 'policy.lateen.dev', namespaced: true },
  { kind: 'GatewayClass', plural: 'gatewayclasses', short: ['gc'], group: GATEWAY_API, namespaced: false },
  { kind: 'KubernetesGateway', plural: 'gateways', short: ['gtw'], group: GATEWAY_API, namespaced: true },
  { kind: 'ListenerSet', plural: 'listenersets', short: ['lset'], group: GATEWAY_API, namespaced: true },
  { kind: 'ReferenceGrant', plural: 'referencegrants', short: ['refgrant'], group: GATEWAY_API, namespaced: true },
  {
    kind: 'BackendTLSPolicy',
    plural: 'backendtlspolicies',
    short: ['btlspolicy'],
    group: GATEWAY_API,
    namespaced: true,
  },
  { kind: 'HTTPRoute', plural: 'httproutes', short: [], group: GATEWAY_API, namespaced: true },
  { kind: 'GRPCRoute', plural: 'grpcroutes', short: [], group: GATEWAY_API, namespaced: true },
  { kind: 'TLSRoute', plural: 'tlsroutes', short: [], group: GATEWAY_API, namespaced: true },
  { kind: 'TCPRoute', plural: 'tcproutes', short: [], group: GATEWAY_API, namespaced: true },
  { kind: 'UDPRoute', plural: 'udproutes', short: [], group: GATEWAY_API, namespaced: true },
  { kind: 'XBackend', plural: 'xbackends', short: [], group: EXPERIMENTAL, namespaced: true },
  {
    kind: 'XBackendTrafficPolicy',
    plural: 'xbackendtrafficpolicies',
    short: ['xbtrafficpolicy'],
    group: EXPERIMENTAL,
    namespaced: true,
  },
  { kind: 'XMesh', plural: 'xmeshes', short: ['mesh'], group: EXPERIMENTAL, namespaced: false },
  {
    kind: 'ServiceImport',
    plural: 'serviceimports',
    short: ['svcim', 'svcimport'],
    group: 'multicluster.x-k8s.io',
    namespaced: true,
  },
];

/** Replicas: they are not written by anybody, and come from the status of the mesh. */
export const podNames: KindNames = { kind: 'Pod', plural: 'pods', short: ['po'], group: '', namespaced: true };

/** Finds `VirtualService`, `virtualservices`, `vs`, `virtualservice.networking.istio.io`, in any case. */
export function findKind(word: string, among: readonly KindNames[] = [...kindNames, podNames]): KindNames {
  const wanted = word.toLowerCase();
  const found = among.find((each) => spellings(each).includes(wanted));
  if (found !== undefined) return found;
  throw new UsageError(
    `Unknown kind "${word}"${didYouMean(wanted, among.flatMap(spellings)) || '.'}`,
    `Known kinds: ${among.map((each) => pluralOf(each)).join(', ')}.`,
  );
}

/** `KIND/NAME`, as in `vs/reviews`. Throws `UsageError`. */
export function parseKindAndName(word: string, among?: readonly KindNames[]): { kind: KindNames; name: string } {
  const [kind = '', name = '', ...rest] = word.split('/');
  if (kind !== '' && name !== '' && rest.length === 0) return { kind: findKind(kind, among), name };
  throw new UsageError(`"${word}" is not KIND/NAME.`, 'Write either KIND NAME, or KIND/NAME for each object.');
}

function spellings({ kind, plural, short, group }: KindNames): string[] {
  const singular = writtenKind(kind).toLowerCase();
  const full = group === '' ? [] : [`${singular}.${group}`, `${plural}.${group}`];
  // Of two kinds that are written alike, the one that has the name to itself inside is meant by the plain words.
  return writtenKind(kind) === kind ? [plural, singular, ...short, ...full] : [...short, ...full];
}

/** A word for the objects of the kind which no other kind answers to. */
export function pluralOf({ kind, plural, group }: KindNames): string {
  return writtenKind(kind) === kind ? plural : `${plural}.${group}`;
}

/** The kind of an object as it is written; undefined if there is no such kind. */
export function kindOfObject(object: { readonly apiVersion?: unknown; readonly kind: string }): KindNames | undefined {
  const alike = kindNames.filter(({ kind }) => writtenKind(kind) === object.kind);
  const { apiVersion } = object;
  const inGroup = alike.find(({ group }) => typeof apiVersion === 'string' && apiVersion.startsWith(`${group}/`));
  return inGroup ?? alike[0];
}

/** `virtualservice.networking.istio.io/reviews`, `service/reviews`: as kubectl names an object. */
export function objectTitle(ref: { readonly kind: string; readonly name: string }): string {
  return `${kindTitle(ref.kind)}/${ref.name}`;
}

function kindTitle(kind: string): string {
  const group = kindNames.find((each) => each.kind === kind)?.group ?? '';
  const singular = writtenKind(kind).toLowerCase();
  return group === '' ? singular : `${singular}.${group}`;
}
