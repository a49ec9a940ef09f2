import type { Diagnostic } from '@lateen/api/diagnostic.ts';
import { BUILT_IN_GATEWAYS, type BuiltInGateway } from '@lateen/api/gateway-workload.ts';
import type { ConfigObject } from '@lateen/api/kinds.ts';
import { keyOfRef } from '@lateen/api/object-key.ts';
import { instanceKey, type WorkloadInstance } from '@lateen/api/workload-instance.ts';
import { isMeshConfig, readMeshConfig } from '../config/mesh-config.ts';
import type { Collection, Reader } from '../incremental/collection.ts';
import type { Graph } from '../incremental/graph.ts';
import { buildPeerPolicy, decidePeerPolicy, type PeerPolicy, type PeerPolicyDecision } from './authentication.ts';
import { declareGatewayService } from './built-in-service.ts';
import { buildBundle, buildCredential, type Credential } from './credential.ts';
import { type DatagramEndpoint, deriveDatagramEndpoints } from './datagram-endpoints.ts';
import { defined } from './defined.ts';
import { delegateKey, mergeDelegates } from './delegation.ts';
import type { ServiceEndpoint } from './endpoint.ts';
import { deriveEndpointSlices, deriveEndpoints } from './endpoints.ts';
import { buildGateway, type Gateway } from './gateway.ts';
import { deriveApiObjects } from './gateway-api/api-objects.ts';
import { deriveBackendTls } from './gateway-api/backend-tls.ts';
import { deriveBackendTraffic } from './gateway-api/backend-traffic.ts';
import { deriveDiagnostics } from './gateway-api/diagnostics.ts';
import { deriveKubernetesGateways, type KubernetesGateways } from './gateway-api/gateways.ts';
import { derivePolicyStates, type PolicyState } from './gateway-api/policy-states.ts';
import { deriveKubernetesRoutes, type KubernetesRoutes } from './gateway-api/routes.ts';
import { deriveServiceImports } from './gateway-api/service-import.ts';
import { deriveStatuses, type GatewayApiStatus } from './gateway-api/status/statuses.ts';
import { deriveXBackends, type XBackendState } from './gateway-api/x-backend.ts';
import { deriveXMeshes, type XMeshState } from './gateway-api/x-mesh.ts';
import { patternsCovering } from './hostname.ts';
import { deriveInbound, type InboundPort, type PeerDecisions } from './inbound.ts';
import { portsUnder } from './ingress.ts';
import { deriveIngresses, deriveIngressRoutes } from './ingresses.ts';
import { selects } from './label-selector.ts';
import { buildMeshDefaults, type MeshDefaults, NO_MESH_CONFIG } from './mesh-defaults.ts';
import { namespaceLabels } from './namespace-labels.ts';
import { buildRouteRules, MESH_GATEWAY, type RouteRuleSet } from './route-rule.ts';
import type { Service } from './service.ts';
import { deriveServices } from './services.ts';
import type { MeshSettings } from './settings.ts';
import { buildSidecar, decideSidecar, type SidecarDecision, type SidecarRules } from './sidecar.ts';
import { type WindowState, windowState } from './time-window.ts';
import { buildTrafficPolicy, type TrafficPolicy } from './traffic-policy.ts';
import { buildTrafficSchedule, scheduledKey, type TrafficSchedule, withoutClosedRules } from './traffic-schedule.ts';
import { WallClock } from './wall-clock.ts';
import { deriveWorkloads } from './workloads.ts';

/** The mesh in its own words, whichever API the configuration was written in. Everything here is derived. */
export interface MeshModel {
  readonly settings: MeshSettings;
  /** The configuration of the mesh, if there is one: see `defaultsOf`. */
  readonly defaults: Collection<MeshDefaults>;
  /** By `NAMESPACE/HOSTNAME`. */
  readonly services: Collection<Service>;
  /** In order of namespace. */
  readonly servicesByHost: Collection<readonly Service[]>;
  /** By `NAME.NAMESPACE`. */
  readonly instances: Collection<WorkloadInstance>;
  /** Every instance behind a service port, ready or not, by `NAMESPACE/HOSTNAME|PORT`. */
  readonly endpoints: Collection<readonly ServiceEndpoint[]>;
  /** By `endpointKey` of a port for UDP. */
  readonly datagramEndpoints: Collection<readonly DatagramEndpoint[]>;
  /** SPIFFE IDs that a service's endpoints may have, sorted, by `NAMESPACE/HOSTNAME|PORT`; `*` at the end for any. */
  readonly peerIds: Collection<readonly string[]>;
  /** Service ports with an endpoint that takes the mesh's TLS, by `NAMESPACE/HOSTNAME|PORT`. */
  readonly meshTlsPorts: Collection<true>;
  /** Those of them whose every endpoint takes HTTP/2 and speaks HTTP/1.1 with its application. */
  readonly http2Ports: Collection<true>;
  /** How each container port of an instance is met, by instance key. */
  readonly inbound: Collection<readonly InboundPort[]>;
  /** How all other ports of a redirected instance are met, by instance key. */
  readonly elsewhere: Collection<PeerPolicyDecision>;
  /** By host of the DestinationRule, in order of namespace and name. */
  readonly trafficPolicies: Collection<readonly TrafficPolicy[]>;
  /** Routes of the sidecars, by host. */
  readonly meshRoutes: Collection<readonly RouteRuleSet[]>;
  /** Routes of gateways, by `NAMESPACE/NAME` of the Gateway. */
  readonly gatewayRoutes: Collection<readonly RouteRuleSet[]>;
  /** Those that are written, and those that Ingresses stand for. */
  readonly gateways: Collection<Gateway>;
  readonly kubernetesGateways: KubernetesGateways;
  readonly kubernetesRoutes: KubernetesRoutes;
  /** How BackendTLSPolicies stand, by object key. */
  readonly backendTlsStates: Collection<PolicyState>;
  /** By object key. */
  readonly xBackends: Collection<XBackendState>;
  readonly xMeshes: Collection<XMeshState>;
  /** How XBackendTrafficPolicies stand, by object key. */
  readonly backendTrafficStates: Collection<PolicyState>;
  /** Of the Gateway API's objects, by object key. */
  readonly statuses: Collection<GatewayApiStatus>;
  /** The same that statuses tell, and what is wrong with objects of which Lateen has no status, by object key. */
  readonly diagnostics: Collection<readonly Diagnostic[]>;
  /** By namespace, in order of name. */
  readonly sidecars: Collection<readonly SidecarRules[]>;
  /** Whether each TrafficSchedule is open now, and when that changes; by object key. */
  readonly scheduleStates: Collection<ScheduleState>;
  /** Keys and certificates of Secrets and ConfigMaps, by object key. */
  readonly credentials: Collection<Credential>;
  /** Keys of labels by which configuration tells clients apart; the values are the keys. */
  readonly askedLabels: Collection<string>;
}

/** The next moment is milliseconds since the epoch; absent if nothing changes any more. */
export interface ScheduleState extends WindowState {
  readonly schedule: TrafficSchedule;
}

/** The time of day, for what depends on it. */
export interface Time {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Any change here says that a schedule opens or closes now. */
  readonly ticks: Collection<number>;
}

/** Policies for a host, those for the narrowest pattern first. */
export function policiesFor(hostname: string, model: MeshModel, read: Reader): readonly TrafficPolicy[] {
  return patternsCovering(hostname).flatMap((pattern) => read.get(model.trafficPolicies, pattern) ?? []);
}

/** Routes of sidecars for a host, by pattern, the narrowest first. */
export function meshRoutesFor(hostname: string, model: MeshModel, read: Reader): readonly (readonly RouteRuleSet[])[] {
  return patternsCovering(hostname).flatMap((pattern) => {
    const sets = read.get(model.meshRoutes, pattern);
    return sets === undefined ? [] : [sets];
  });
}

const MESH_KEY = 'mesh';

/** What holds wherever no object says otherwise. */
export function defaultsOf(model: Pick<MeshModel, 'defaults'>, read: Reader): MeshDefaults {
  return read.get(model.defaults, MESH_KEY) ?? NO_MESH_CONFIG;
}

/** The same, for who only looks on. */
export function currentDefaults({ defaults }: Pick<MeshModel, 'defaults'>): MeshDefaults {
  return defaults.get(MESH_KEY) ?? NO_MESH_CONFIG;
}

/** What holds for the sidecar of a workload. Gateways have none. */
export function sidecarOf(
  client: Pick<WorkloadInstance, 'role' | 'namespace' | 'labels'>,
  model: Pick<MeshModel, 'sidecars' | 'settings'>,
  read: Reader,
): SidecarDecision {
  if (client.role !== 'sidecar') return {};
  const own = read.get(model.sidecars, client.namespace) ?? [];
  return decideSidecar(client, own, read.get(model.sidecars, model.settings.rootNamespace) ?? []);
}

/** Lays the model's collections over accepted objects and running instances. */
export function buildModel(
  graph: Graph,
  allObjects: Collection<ConfigObject>,
  instances: Collection<WorkloadInstance>,
  time: Time,
  settings: MeshSettings,
): MeshModel {
  const { clusterDomain, trustDomain, rootNamespace } = settings;

  const meshDefaults = graph.expand('mesh defaults', allObjects, (object) => {
    if (!isMeshConfig(object)) return [];
    const { kind, metadata } = object;
    const source = { kind, namespace: metadata.namespace, name: metadata.name, path: 'data.mesh' };
    return [[MESH_KEY, buildMeshDefaults(readMeshConfig(object).value ?? {}, source)]];
  });
  const defaults = (read: Reader) => read.get(meshDefaults, MESH_KEY) ?? NO_MESH_CONFIG;
  const objects = graph.derive('discovered objects', allObjects, (object, read) => {
    const { discovery } = defaults(read);
    const { namespace = rootNamespace } = object.metadata as { readonly namespace?: string };
    if (discovery.length === 0 || namespace === rootNamespace) return object;
    const labels = namespaceLabels(namespace, allObjects, read);
    return discovery.some((selector) => selects(selector, labels)) ? object : undefined;
  });
  const writtenGateways = graph.derive('written gateways', objects, (object) =>
    object.kind === 'Gateway' ? buildGateway(object) : undefined,
  );
  const ingresses = deriveIngresses(graph, objects, (read) => defaults(read).ingress, rootNamespace);
  const credentials = graph.derive('credentials', objects, (object) => {
    if (object.kind === 'Secret') return buildCredential(object);
    return object.kind === 'ConfigMap' ? buildBundle(object) : undefined;
  });
  const apiObjects = deriveApiObjects(graph, objects);
  const kubernetesGateways = deriveKubernetesGateways(graph, apiObjects, objects, credentials, clusterDomain);
  const gateways = graph.union('gateways', [writtenGateways, ingresses.gateways, kubernetesGateways.served]);
  const builtInGateways = graph.source<BuiltInGateway>('built-in gateways');
  graph.transaction(() => {
    for (const gateway of BUILT_IN_GATEWAYS) builtInGateways.set(instanceKey(gateway), gateway);
  });
  const startedGateways = graph.union('started gateways', [builtInGateways, kubernetesGateways.proxies]);
  const gatewayServices = graph.expand('gateway services', startedGateways, (gateway, read, key) => {
    const isReplaced = read.get(objects, keyOfRef({ kind: 'Service', ...gateway })) !== undefined;
    if (isReplaced || read.get(instances, key) === undefined) return [];
    const service = declareGatewayService(gateway, [...read.all(gateways).values()], clusterDomain);
    return [[`Gateway ${service.key}`, service]];
  });
  const workloads = deriveWorkloads(graph, objects, instances);
  const xBackends = deriveXBackends(
    graph,
    apiObjects,
    { credentials, grants: kubernetesGateways.grants },
    clusterDomain,
  );
  const otherServices = graph.union('other services', [
    gatewayServices,
    graph.derive('services of backends', xBackends, ({ service }) => service),
    deriveServiceImports(graph, apiObjects, objects, clusterDomain),
  ]);
  const declared = deriveServices(graph, objects, otherServices, {
    workloads,
    clusterDomain,
    exportedTo: (read) => defaults(read).exportTo.services,
  });
  const declaredServices = declared.services;
  const backendTlsPolicies = deriveBackendTls(graph, apiObjects, objects, credentials, declaredServices);
  const backendTrafficPolicies = deriveBackendTraffic(graph, apiObjects, objects);
  const services = graph.derive('services', declaredServices, (service, read, key) => {
    const { kind, namespace, name } = service.source;
    const backendTls = read.get(backendTlsPolicies.ofServices, key);
    const backendTraffic =
      kind === 'Service' ? read.get(backendTrafficPolicies.ofServices, `${namespace}/${name}`) : undefined;
    if (backendTls === undefined && backendTraffic === undefined) return service;
    return { ...service, ...defined({ backendTls, backendTraffic }) };
  });
  const servicesByHost = graph.index('services by host', services, ({ hostname }) => [hostname]);
  const kubernetesRoutes = deriveKubernetesRoutes(graph, apiObjects, objects, {
    ...kubernetesGateways,
    servicesByHost,
    clusterDomain,
  });
  const policyStates = derivePolicyStates(graph, kubernetesGateways, kubernetesRoutes, clusterDomain);
  const trafficPolicyObjects = graph.derive('traffic policies', objects, (object, read) =>
    object.kind === 'DestinationRule'
      ? buildTrafficPolicy(object, clusterDomain, defaults(read).exportTo.destinationRules)
      : undefined,
  );
  const schedules = graph.derive('schedules', objects, (object) =>
    object.kind === 'TrafficSchedule' ? buildTrafficSchedule(object) : undefined,
  );
  const scheduleStates = graph.derive('schedule states', schedules, (schedule, read): ScheduleState => {
    read.all(time.ticks);
    return { schedule, ...windowState(schedule.windows, new WallClock(schedule.timeZone), time.now()) };
  });
  const closedSchedules = graph.index(
    'closed schedules by route',
    graph.derive('closed schedules', scheduleStates, ({ open, schedule }) => (open ? undefined : schedule)),
    ({ targets }) => targets.map(({ ruleSet }) => ruleSet),
  );
  const writtenRules = graph.derive('written route rules', objects, (object, read) =>
    object.kind === 'VirtualService'
      ? buildRouteRules(object, clusterDomain, defaults(read).exportTo.virtualServices)
      : undefined,
  );
  const routeRules = graph.derive('route rules', writtenRules, (rules, read) => {
    return withoutClosedRules(rules, read.get(closedSchedules, scheduledKey(rules)) ?? []);
  });
  const writtenRoutes = graph.derive('routes', routeRules, (set, read) =>
    set.hosts.length === 0
      ? undefined
      : mergeDelegates(set, (delegate) => read.get(routeRules, delegateKey(delegate))).set,
  );
  const ingressRoutes = deriveIngressRoutes(graph, ingresses.rules, services, clusterDomain);
  const openRoutes = graph.derive('open routes of Kubernetes', kubernetesRoutes.ruleSets, (rules, read) =>
    withoutClosedRules(rules, read.get(closedSchedules, scheduledKey(rules)) ?? []),
  );
  const routes = graph.union('all routes', [writtenRoutes, openRoutes]);
  const sidecars = graph.derive('sidecars', objects, (object) =>
    object.kind === 'Sidecar' ? buildSidecar(object, clusterDomain) : undefined,
  );
  const askedBy = graph.index(
    'configuration by asked label',
    graph.union<{ readonly askedLabels: readonly string[] }>('client rules', [
      routeRules,
      trafficPolicyObjects,
      sidecars,
    ]),
    ({ askedLabels }) => askedLabels,
  );
  const sidecarsByNamespace = graph.index('sidecars by namespace', sidecars, ({ namespace }) => [namespace]);
  const peerPolicies = graph.derive('peer policies', objects, (object) =>
    object.kind === 'PeerAuthentication' ? buildPeerPolicy(object) : undefined,
  );
  const peerPoliciesByNamespace = graph.index('peer policies by namespace', peerPolicies, ({ source }) => [
    source.namespace,
  ]);

  const peersOf: PeerDecisions = (workload, read) => {
    const own = read.get(peerPoliciesByNamespace, workload.namespace) ?? NO_POLICIES;
    const meshWide = read.get(peerPoliciesByNamespace, rootNamespace) ?? NO_POLICIES;
    return (port) => peersUnder(workload, port, own, meshWide);
  };
  const inbound = deriveInbound(graph, instances, services, peersOf, (ports, instance, read) =>
    portsUnder(sidecarOf(instance, { sidecars: sidecarsByNamespace, settings }, read), ports, peersOf(instance, read)),
  );
  const elsewhere = graph.derive('other inbound ports', instances, (instance, read) =>
    instance.capture.mode === 'redirect' ? peersOf(instance, read)(undefined) : undefined,
  );
  const slicesByService = deriveEndpointSlices(graph, objects);
  const endpoints = deriveEndpoints(graph, services, {
    slicesByService,
    instances,
    workloads,
    addresses: declared.addresses,
    inbound,
    peersOf,
    trustDomain,
  });

  const backendTlsStates = policyStates(backendTlsPolicies);
  const backendTrafficStates = policyStates(backendTrafficPolicies);
  const xMeshes = deriveXMeshes(graph, apiObjects);
  const gatewayApi = {
    ...kubernetesGateways,
    ...kubernetesRoutes,
    instances,
    policies: graph.union('states of all policies', [backendTlsStates, backendTrafficStates]),
    xBackends,
    xMeshes,
  };

  return {
    settings,
    defaults: meshDefaults,
    services,
    servicesByHost,
    instances,
    endpoints,
    datagramEndpoints: deriveDatagramEndpoints(graph, services, workloads, slicesByService),
    peerIds: graph.derive('peer IDs', endpoints, peerIdsOf),
    meshTlsPorts: graph.derive('ports with TLS of the mesh', endpoints, (list) =>
      list.some(({ meshTls }) => meshTls) ? true : undefined,
    ),
    http2Ports: graph.derive('ports that may be upgraded', endpoints, (list) =>
      list.length > 0 && list.every(({ meshTls, turnsToHttp1 }) => meshTls && turnsToHttp1 === true) ? true : undefined,
    ),
    inbound,
    elsewhere,
    trafficPolicies: graph.index('traffic policies by host', trafficPolicyObjects, ({ host }) => [host]),
    meshRoutes: graph.index('mesh routes by host', routes, (rules) =>
      rules.gateways.includes(MESH_GATEWAY) ? rules.hosts : [],
    ),
    gatewayRoutes: graph.index(
      'routes by gateway',
      graph.union('routes of gateways', [routes, ingressRoutes]),
      ({ gateways: ofSet }) => ofSet.filter((gateway) => gateway !== MESH_GATEWAY),
    ),
    gateways,
    kubernetesGateways,
    kubernetesRoutes,
    backendTlsStates,
    backendTrafficStates,
    xBackends,
    xMeshes,
    statuses: deriveStatuses(graph, apiObjects, gatewayApi),
    diagnostics: deriveDiagnostics(graph, apiObjects, gatewayApi),
    sidecars: sidecarsByNamespace,
    scheduleStates,
    credentials,
    askedLabels: graph.derive('asked labels', askedBy, (_, __, label) => label),
  };
}

const NO_POLICIES: readonly PeerPolicy[] = [];

/** Istio's label of workloads whose proxy has a certificate of the mesh. */
const TLS_MODE_LABEL = 'security.istio.io/tlsMode';

/**
 * A proxy that Lateen has not started may be without a certificate. Unless it says that it has one, or must have one,
 * nothing is asked of it that needs one.
 */
function peersUnder(
  { labels, capture }: Parameters<PeerDecisions>[0],
  port: number | undefined,
  own: readonly PeerPolicy[],
  meshWide: readonly PeerPolicy[],
): PeerPolicyDecision {
  const decided = decidePeerPolicy(labels, port, own, meshWide);
  const mayLack = capture?.mode === 'redirect' && labels[TLS_MODE_LABEL] !== 'istio';
  return decided.mode === 'permissive' && mayLack ? { ...decided, mode: 'none' } : decided;
}

function peerIdsOf(endpoints: readonly ServiceEndpoint[]): readonly string[] {
  return [...new Set(endpoints.flatMap(({ spiffeId }) => spiffeId ?? []))].sort();
}
