import type { Collection, Reader } from '../incremental/collection.ts';
import type { ClientClass } from '../model/client.ts';
import { defaultsOf, type MeshModel, meshRoutesFor, sidecarOf } from '../model/mesh.ts';
import type { MeshDefaults } from '../model/mesh-defaults.ts';
import type { Destination } from '../model/route-action.ts';
import { destinationsOf, type RouteRuleSet } from '../model/route-rule.ts';
import { byHostname, type Service, type ServicePort, serviceSeenFrom } from '../model/service.ts';
import { type EgressListener, isCovered, type OutsideRule, type ServicePattern } from '../model/sidecar.ts';
import { isVisible } from '../model/visibility.ts';
import { type ByClient, forClient } from './client-policies.ts';
import type { ClusterRef } from './cluster-refs.ts';
import { clusterName } from './clusters.ts';
import { knowsOriginal } from './discovery.ts';
import type { PlacedCluster } from './endpoint-sets.ts';
import type { SecretIr } from './ir/secret.ts';
import type { SourceRef } from './ir/source.ts';
import { type Demanded, demandedBy, type OnDemand } from './on-demand.ts';
import { fileKey, secretKey } from './secrets.ts';
import { meantBy } from './service-names.ts';

/** What the proxies of one class see: each hostname stands for one service, under the policy that holds for them. */
export interface Scope {
  /** Those that clients know, with the ports that they may call, in order of hostname. */
  readonly services: readonly Service[];
  /** Which services and other hosts are known, where a Sidecar says it. */
  readonly patterns?: readonly ServicePattern[];
  /** Listeners of a Sidecar that applications connect to themselves. */
  readonly bound: readonly BoundListener[];
  /** Of the service ports and subsets: name -> key in `ResolvedMesh.clusters`. */
  readonly clusters: ReadonlyMap<string, string>;
  /** Of those whose endpoints come by EDS: name -> key in `ResolvedMesh.endpoints`. */
  readonly endpoints: ReadonlyMap<string, string>;
  /** Those of the clusters in which localities count. */
  readonly placed: readonly PlacedCluster[];
  /** Secrets that the clusters need: name -> key in `ResolvedMesh.secrets`. */
  readonly secrets: ReadonlyMap<string, string>;
  readonly outside: OutsidePolicy;
  /** Where all else is found out by asking. */
  readonly demanded?: Demanded;
}

/** `services` are what is known at this listener. */
export interface BoundListener {
  readonly listener: EgressListener;
  readonly services: readonly Service[];
}

/** What becomes of calls to hosts that are not in the scope; `via` is a cluster. */
export type OutsidePolicy =
  | { readonly type: 'refuse'; readonly sources: readonly SourceRef[] }
  | { readonly type: 'allow'; readonly via?: string; readonly sources: readonly SourceRef[] };

const ALLOWED: OutsidePolicy = { type: 'allow', sources: [] };

export const EMPTY_SCOPE: Scope = {
  services: [],
  bound: [],
  clusters: new Map(),
  endpoints: new Map(),
  placed: [],
  secrets: new Map(),
  outside: ALLOWED,
};

/** What scopes are made of. */
export interface ScopeInputs {
  readonly model: MeshModel;
  /** By key of the service. */
  readonly clusterRefs: Collection<ByClient<readonly ClusterRef[]>>;
  readonly secrets: Collection<SecretIr>;
  readonly onDemand: OnDemand;
  /** Rules for hosts that are no service, by host. */
  readonly otherRules: Collection<readonly RouteRuleSet[]>;
}

/**
 * What clients of a class can call, under the policies that hold for them: of the services that their namespace sees, the
 * ones that their Sidecar lists; or without one those that they ask for, or all.
 */
export function resolveScope(client: ClientClass, inputs: ScopeInputs, read: Reader): Scope {
  const { model } = inputs;
  const sidecar = sidecarOf(client, model, read);
  const defaults = defaultsOf(model, read);
  const listed = model.settings.scoping === 'off' ? undefined : sidecar.egress;
  // Through an HTTP proxy nobody asks: its table is whole.
  const { workload } = listed === undefined && defaults.ports.httpProxy === undefined ? client : NOBODY;
  const demanded = workload === undefined ? undefined : demandedBy(client, workload, inputs.onDemand, model, read);
  const found = demanded === undefined ? visibleServices(client, listed, model, read) : { ...demanded, bound: [] };
  const bound = [...found.bound, ...httpProxies(client, found.services, defaults)];
  const known = [...found.services, ...found.bound.flatMap(({ services }) => services)];
  const clusters = new Map<string, string>();
  const endpoints = new Map<string, string>();
  const placed: PlacedCluster[] = [];
  const secrets = new Map<string, string>();
  const add = (service: Service, ports: readonly ServicePort[]) => {
    for (const ref of forClient(read.get(inputs.clusterRefs, service.key), client) ?? []) {
      const { name, byEds, isRefused, files, credentials } = ref;
      if (clusters.has(name) || !ports.some(({ port }) => port === ref.port)) continue;
      const originalKey = knowsOriginal(client) ? ref.originalKey : undefined;
      const key = originalKey ?? ref.key;
      clusters.set(name, key);
      for (const secret of files) addSecret(secret, fileKey(secret));
      for (const secret of credentials) addSecret(secret, secretKey(client.namespace, secret));
      if (originalKey !== undefined || isRefused) continue;
      if (byEds) endpoints.set(name, key);
      // Behind a gateway there are many clients, which the load balancer tells apart.
      if (ref.placed === undefined || (ref.placed.placement.type === 'affinity' && client.role === 'router')) continue;
      placed.push(ref.placed);
    }
  };
  const addSecret = (name: string, key: string) => {
    // One that is not there (yet) is waited for.
    if (read.get(inputs.secrets, key) !== undefined) secrets.set(name, key);
  };
  const isAlias = ({ aliasOf }: Service) => aliasOf !== undefined;
  for (const service of known) if (!isAlias(service)) add(service, service.ports);
  // Who may call a service by another name need not know its own.
  for (const service of known) if (isAlias(service)) add(meantBy(service, model, read), service.ports);
  // Rules may lead to services that clients do not know by name.
  const isLimited = listed !== undefined || demanded !== undefined;
  const leadTo = isLimited ? destinationsOfRules(known, found.patterns, client, inputs, read) : [];
  const via = sidecar.outside?.type === 'allow' ? sidecar.outside.via : undefined;
  for (const { host, source } of [...leadTo, ...(via === undefined ? [] : [via])]) {
    const service = serviceSeenFrom(read.get(model.servicesByHost, host), source.namespace);
    if (service !== undefined) add(meantBy(service, model, read), service.ports);
  }
  return {
    services: found.services,
    ...(found.patterns === undefined ? {} : { patterns: found.patterns }),
    bound,
    clusters,
    endpoints,
    placed,
    secrets,
    outside: outsidePolicy(sidecar.outside, defaults),
    ...(demanded === undefined ? {} : { demanded }),
  };
}

/** The HTTP proxy of redirected workloads, if the mesh has one. (Where applications are told ports, one is always there.) */
function httpProxies(
  { capture }: ClientClass,
  services: readonly Service[],
  { ports: { httpProxy }, sources }: MeshDefaults,
): readonly BoundListener[] {
  const [source] = sources;
  if (httpProxy === undefined || source === undefined || !('family' in capture)) return [];
  const port = { number: httpProxy, protocol: 'http', isProxy: true } as const;
  const bind = { type: 'loopback' } as const;
  return [{ listener: { port, bind, isCaptured: false, hosts: [{ host: '*' }], source }, services }];
}

const NOBODY: Pick<ClientClass, 'workload'> = {};

type Known = Pick<Scope, 'services' | 'bound' | 'patterns'>;

function visibleServices(
  client: ClientClass,
  listed: readonly EgressListener[] | undefined,
  model: MeshModel,
  read: Reader,
): Known {
  const candidates = [...read.all(model.servicesByHost).values()].map((services) =>
    services.filter(({ visibility }) => isVisible(visibility, client.namespace)),
  );
  return listed === undefined ? unlisted(client, candidates) : listedServices(client, candidates, listed);
}

function unlisted({ namespace }: ClientClass, candidates: readonly (readonly Service[])[]): Known {
  const services = candidates.map((each) => serviceSeenFrom(each, namespace)).filter((each) => each !== undefined);
  return { services: services.sort(byHostname), bound: [] };
}

/** Every listener knows the services that it lists, at its own port if it has one; a port that one has, no other has. */
function listedServices(
  client: ClientClass,
  candidates: readonly (readonly Service[])[],
  listeners: readonly EgressListener[],
): Known {
  const captured = listeners.filter(({ bind }) => bind === undefined);
  const taken = new Set(captured.flatMap(({ port }) => port?.number ?? []));
  const bound = listeners
    .filter(({ bind }) => bind !== undefined)
    .map((listener) => ({ listener, services: servicesAt(listener, client, candidates, new Set()) }));
  const byKey = new Map<string, Service>();
  for (const listener of captured) {
    for (const service of servicesAt(listener, client, candidates, taken)) {
      const before = byKey.get(service.key);
      const ports = [...(before?.ports ?? []), ...service.ports];
      byKey.set(service.key, { ...service, ports: ports.sort((a, b) => a.port - b.port) });
    }
  }
  const patterns = listeners.flatMap(({ hosts }) => hosts);
  return { services: onePerHost([...byKey.values()]), bound, patterns };
}

function servicesAt(
  { hosts, port }: EgressListener,
  { namespace }: ClientClass,
  candidates: readonly (readonly Service[])[],
  taken: ReadonlySet<number>,
): readonly Service[] {
  return candidates
    .flatMap((services): Service[] => {
      const service = serviceSeenFrom(
        services.filter((each) => isCovered(each, hosts)),
        namespace,
      );
      if (service === undefined) return [];
      const own = port?.isProxy === true ? undefined : port?.number;
      const ports =
        own !== undefined
          ? service.ports.filter((each) => each.port === own)
          : service.ports.filter((each) => port !== undefined || !taken.has(each.port));
      if (ports.length === 0) return [];
      if (ports.length === service.ports.length && port?.protocol === undefined) return [service];
      const protocol = own === undefined ? undefined : port?.protocol;
      return [{ ...service, ports: protocol === undefined ? ports : ports.map((each) => ({ ...each, protocol })) }];
    })
    .sort(byHostname);
}

/** Listeners may list services of different namespaces for one hostname: the first by namespace stands for it. */
function onePerHost(services: readonly Service[]): readonly Service[] {
  const byHost = new Map<string, Service>();
  for (const service of [...services].sort(byHostname)) {
    if (!byHost.has(service.hostname)) byHost.set(service.hostname, service);
  }
  return [...byHost.values()];
}

const ledTo = new WeakMap<RouteRuleSet, readonly Destination[]>();

/** One destination for each host that rules lead to. */
function hostsLedTo(set: RouteRuleSet): readonly Destination[] {
  const known = ledTo.get(set);
  if (known !== undefined) return known;
  const byHost = new Map(destinationsOf(set).map((each) => [`${each.source.namespace}/${each.host}`, each]));
  const found = [...byHost.values()];
  ledTo.set(set, found);
  return found;
}

/** Where rules lead for what clients know. */
export function destinationsOfRules(
  known: readonly Service[],
  patterns: readonly ServicePattern[] | undefined,
  client: ClientClass,
  inputs: ScopeInputs,
  read: Reader,
): readonly Destination[] {
  return [
    ...destinationsBehind(known, client, inputs.model, read),
    ...otherDestinations(patterns, client, inputs, read),
  ];
}

function destinationsBehind(
  services: readonly Service[],
  client: ClientClass,
  model: MeshModel,
  read: Reader,
): readonly Destination[] {
  return services.flatMap(({ hostname }) =>
    meshRoutesFor(hostname, model, read)
      .flat()
      .filter(({ visibility }) => isVisible(visibility, client.namespace))
      .flatMap(hostsLedTo),
  );
}

/** Rules may be for hosts that are no service. */
function otherDestinations(
  patterns: readonly ServicePattern[] | undefined,
  client: ClientClass,
  { otherRules }: ScopeInputs,
  read: Reader,
): readonly Destination[] {
  return [...read.all(otherRules)].flatMap(([host, sets]) =>
    sets
      .filter(({ visibility }) => isVisible(visibility, client.namespace))
      .filter(
        ({ source: { namespace } }) => patterns === undefined || isCovered({ namespace, hostname: host }, patterns),
      )
      .flatMap(hostsLedTo),
  );
}

function outsidePolicy(rule: OutsideRule | undefined, { outside, sources: ofMesh }: MeshDefaults): OutsidePolicy {
  if (rule === undefined) return outside === 'allow' ? ALLOWED : { type: 'refuse', sources: ofMesh };
  const sources = [rule.source];
  if (rule.type === 'refuse') return { type: 'refuse', sources };
  const { via } = rule;
  if (via === undefined) return { type: 'allow', sources };
  return { type: 'allow', via: clusterName(via.host, via.port ?? 0, via.subset), sources };
}
