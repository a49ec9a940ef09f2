import {
  type ExplicitCapture,
  type InstancePort,
  instanceKey,
  type WorkloadInstance,
} from '@lateen/api/workload-instance.ts';
import type { Collection, Reader } from '../incremental/collection.ts';
import type { Graph } from '../incremental/graph.ts';
import { type ClientClass, clientClassOf } from '../model/client.ts';
import { GATEWAY_NAME_LABEL } from '../model/gateway-api/gateway-deployment.ts';
import type { InboundPort } from '../model/inbound.ts';
import type { LearntHosts } from '../model/learnt-hosts.ts';
import { defaultsOf, type MeshModel } from '../model/mesh.ts';
import { buildGatewayTopology } from '../model/mesh-defaults.ts';
import { mayBeHttp } from '../model/protocol.ts';
import type { Service, ServicePort } from '../model/service.ts';
import { boundListener, boundProtocol } from './bound-listeners.ts';
import { capturedInbound } from './captured-inbound.ts';
import {
  boundTable,
  capturedOutbound,
  mayBeByAddress,
  resolveCapturedHosts,
  type TcpConnection,
} from './captured-outbound.ts';
import { resolveClientPolicies } from './client-policies.ts';
import { resolveClusterRefs } from './cluster-refs.ts';
import { clusterSpecs, policyForClient, resolveClusters, settingsOfPort } from './clusters.ts';
import { hasOwnListener } from './discovery.ts';
import { endpointViewKey, resolveEndpoints } from './endpoint-sets.ts';
import { isHttp } from './filter-chains.ts';
import { resolveGateway } from './gateway.ts';
import type { ClusterIr, ServiceClusterIr } from './ir/cluster.ts';
import type { EndpointsIr } from './ir/endpoints.ts';
import type { ListenerIr } from './ir/listener.ts';
import { type RouteTableIr, type TableHostIr, tableHostName } from './ir/route.ts';
import type { SecretIr } from './ir/secret.ts';
import { withDefaults } from './listener-defaults.ts';
import { httpProxyListener, inboundListener, servicePortListener } from './listeners.ts';
import { indexForDemand } from './on-demand.ts';
import { applicationCluster, dynamicForward, httpProxyLoopbackCluster, loopbackCluster } from './own-clusters.ts';
import { askedByTables, askedFilters, askedInMesh, withRouteFilters } from './route-filters.ts';
import {
  HTTP_PROXY_TABLE,
  resolveProxyTable,
  resolveServiceTable,
  resolveSidecarHosts,
  rulesForOtherHosts,
  serviceTableName,
} from './routes.ts';
import { EMPTY_SCOPE, resolveScope, type Scope, type ScopeInputs } from './scope.ts';
import { resolveSecrets } from './secrets.ts';
import { type ConnectionRules, resolveConnectionRules, ruleChains } from './service-connections.ts';
import { meantBy } from './service-names.ts';
import { portRoutesKey, resolveServiceRoutes, routesForClient } from './service-routes.ts';
import { resolveTcpConnection } from './upstream-policy.ts';
import { type PlacementAspects, placementAspects, type Viewer, viewerOf } from './viewer.ts';

/** A proxy that Pilot is asked to configure. */
export interface ProxyIdentity {
  readonly nodeId: string;
  /** `NAME.NAMESPACE` of the workload instance that it stands beside. */
  readonly instance: string;
  /** What it said of itself when it connected: the metadata of Envoy's node. */
  readonly metadata?: Readonly<Record<string, unknown>>;
  /** It speaks the state-of-the-world protocol, which has whole tables only. */
  readonly wholeTables?: true;
}

/** What is only this proxy's: it names its sockets or its application. */
export interface OwnIr {
  readonly secrets: readonly SecretIr[];
  readonly clusters: readonly ClusterIr[];
  readonly listeners: readonly ListenerIr[];
  readonly tables: readonly RouteTableIr[];
}

/** What one proxy holds of the shared fragments: the resource's name, and the fragment's key in its collection. */
export interface SharedRefs {
  readonly secrets: ReadonlyMap<string, string>;
  readonly clusters: ReadonlyMap<string, string>;
  readonly endpoints: ReadonlyMap<string, string>;
  readonly listeners: ReadonlyMap<string, string>;
  readonly tables: ReadonlyMap<string, string>;
  readonly virtualHosts: ReadonlyMap<string, string>;
}

/** Fragments that proxies share, and for each proxy the complete answer: its own fragments and the shared ones it holds. */
export interface ResolvedMesh {
  readonly secrets: Collection<SecretIr>;
  readonly clusters: Collection<ServiceClusterIr>;
  readonly endpoints: Collection<EndpointsIr>;
  readonly listeners: Collection<ListenerIr>;
  readonly tables: Collection<RouteTableIr>;
  /** Those that come on their own. */
  readonly virtualHosts: Collection<TableHostIr>;
  readonly own: Collection<OwnIr>;
  /** By node ID. */
  readonly viewers: Collection<Viewer>;
  /** What proxies of equal viewers share, by key of the viewer. */
  readonly ofViewers: Collection<SharedRefs>;
  /** By node ID; proxies of equal viewers have one and the same. */
  readonly shared: Collection<SharedRefs>;
  readonly scoping: Scoping;
}

/** What proxies know of the mesh, to be told to people. */
export interface Scoping {
  /** By node ID. */
  readonly clients: Collection<ClientClass>;
  /** By key of the class. */
  readonly scopes: Collection<Scope>;
  readonly inputs: ScopeInputs;
}

/** What proxies are told apart by. */
export interface ProxyInputs {
  /** By node ID. */
  readonly proxies: Collection<ProxyIdentity>;
  /** Whether EnvoyFilters alter routes of a proxy, by node ID: they look at whole tables. */
  readonly patchesRoutes: Collection<boolean>;
  /** EnvoyFilters that name a filter of routes, by filter. */
  readonly namedFilters: Collection<readonly unknown[]>;
  /** What workloads have asked for, by `NAMESPACE/NAME`. */
  readonly learnt: Collection<LearntHosts>;
}

export function resolveMesh(graph: Graph, model: MeshModel, inputs: ProxyInputs): ResolvedMesh {
  const { proxies, patchesRoutes, namedFilters, learnt } = inputs;
  const serviceRoutes = resolveServiceRoutes(graph, model);
  const proxyInstances = graph.derive('proxy instances', proxies, ({ instance }, read) =>
    read.get(model.instances, instance),
  );
  const clients = graph.derive('clients', proxyInstances, (instance, read, nodeId): ClientClass => {
    const takesHosts = read.get(proxies, nodeId)?.wholeTables !== true && read.get(patchesRoutes, nodeId) !== true;
    const gateway = certifiedGatewayOf(instance, model, read);
    const onDemand = model.settings.scoping === 'on-demand';
    return clientClassOf(instance, read.all(model.askedLabels).keys(), { takesHosts, onDemand }, gateway);
  });
  /** By node ID. */
  const classKeyOf = (nodeId: string, read: Reader) => read.get(clients, nodeId)?.key ?? '';
  const byClass = graph.index('clients by class', clients, ({ key }) => [key]);
  const classes = graph.derive('client classes', byClass, ([client]) => client);
  const clientPolicies = resolveClientPolicies(graph, model, classes);
  const specs = clusterSpecs(graph, model, clientPolicies);
  const clusterRefs = resolveClusterRefs(graph, model, clientPolicies);
  const secrets = resolveSecrets(graph, model, specs);
  const onDemand = indexForDemand(graph, model, learnt);
  const otherRules = rulesForOtherHosts(graph, model);
  const scopeInputs = { model, clusterRefs, secrets, onDemand, otherRules };
  const scopes = graph.derive('scopes', classes, (client, read) => resolveScope(client, scopeInputs, read));
  const scopeOf = (nodeId: string, read: Reader) => read.get(scopes, classKeyOf(nodeId, read));
  const classesByCapture = graph.index('classes by capture', classes, ({ capture }) => [capture.type]);
  const sidecarHosts = resolveSidecarHosts(graph, model, serviceRoutes, otherRules, classesByCapture);
  const capturedHosts = resolveCapturedHosts(graph, serviceRoutes, classesByCapture);
  const sharedTables = graph.derive('service tables', serviceRoutes.shared, ({ service, port, routes }, read) => {
    const isUsed =
      read.get(classesByCapture, 'explicit') !== undefined ||
      (read.get(classesByCapture, 'redirect') !== undefined && mayBeByAddress(service, port, model, read));
    return isUsed ? resolveServiceTable(serviceTableName(service.hostname, port.port), routes) : undefined;
  });
  const connectionRules = resolveConnectionRules(graph, model);
  const fragments = graph.derive('class fragments', classes, (client, read): ClassFragments => {
    const scope = read.get(scopes, client.key) ?? EMPTY_SCOPE;
    const tables: RouteTableIr[] = [];
    const serviceTables = new Map<string, string>();
    const routesOf = (service: Service, port: ServicePort) => routesForClient(service, port, client, model, read);
    const connectionOf = (service: Service, port: number) => tcpConnectionFor(service, port, client, model, read);
    const addServiceTable = (service: Service, port: ServicePort) => {
      const name = serviceTableName(service.hostname, port.port);
      const shared = portRoutesKey(service, port.port, client, serviceRoutes, read);
      serviceTables.set(name, shared ?? clientKey(client.key, name));
      if (shared === undefined) tables.push(resolveServiceTable(name, routesOf(service, port)));
    };
    if (client.capture.type === 'explicit') {
      for (const service of scope.services) {
        for (const port of service.ports) if (mayBeHttp(port.protocol)) addServiceTable(service, port);
      }
      tables.push(resolveProxyTable(HTTP_PROXY_TABLE, client, scope, sidecarHosts, model, read));
    }
    const meantOf = (service: Service) => meantBy(service, model, read);
    const rulesOf = (service: Service, port: number) =>
      ruleChains(connectionRules, client, meantOf(service), port, model, read);
    const input = { client, scope, capturedHosts, sidecarHosts, routesOf, connectionOf, rulesOf, meantOf };
    const captured = capturedOutbound(input, model, read);
    for (const { service, port } of captured.services) addServiceTable(service, port);
    tables.push(...captured.tables);
    for (const bound of scope.bound) {
      if (mayBeHttp(boundProtocol(bound))) tables.push(boundTable(bound, input, model, read));
    }
    const boundListeners = scope.bound.map((bound) =>
      boundListener(bound, client.capture, connectionOf, rulesOf, meantOf),
    );
    const defaults = defaultsOf(model, read);
    const all = [...captured.listeners, ...boundListeners].map((listener) => withDefaults(listener, defaults));
    const { ownHosts, sharedHosts } = captured;
    return { listeners: all, tables, serviceTables, ownHosts, sharedHosts };
  });
  const classTables = graph.expand('class tables', fragments, ({ tables }, _, key) =>
    tables.map((table) => [clientKey(key, table.name), table] as const),
  );
  const classHosts = graph.expand('class virtual hosts', fragments, ({ ownHosts }, _, key) =>
    ownHosts.map((host) => [clientKey(key, tableHostName(host)), host] as const),
  );
  const virtualHosts = graph.union('virtual hosts of tables', [capturedHosts, classHosts]);
  const asked = askedInMesh(graph, serviceRoutes.shared, classTables, virtualHosts, namedFilters);
  const listeners = graph.expand('class listeners', fragments, (each, read, key) =>
    each.listeners.map(
      (listener) => [clientKey(key, listener.name), withRouteFilters(listener, askedFilters(asked, read))] as const,
    ),
  );
  const secretKeys = graph.derive('secret keys', secrets, (_, __, key) => key);
  const secretsByNamespace = graph.index('secrets by namespace', secretKeys, (key) => [key.slice(0, key.indexOf('/'))]);
  const classRefs = graph.derive('class references', fragments, (each, read, key): SharedRefs => {
    const { clusters, endpoints, secrets } = read.get(scopes, key) ?? EMPTY_SCOPE;
    const client = read.get(classes, key);
    // Secrets are for gateways of their own namespace only (Istio's rule).
    const secretRefs = client?.role === 'router' ? (read.get(secretsByNamespace, client.namespace) ?? []) : [];
    const ofNamespace = secretRefs.map((ref) => [ref.slice(ref.indexOf('/') + 1), ref] as const);
    const keyed = (named: readonly { readonly name: string }[]) =>
      named.map(({ name }) => [name, clientKey(key, name)] as const);
    return {
      secrets: new Map([...secrets, ...ofNamespace]),
      clusters,
      endpoints,
      listeners: new Map(keyed(each.listeners)),
      tables: new Map([...keyed(each.tables), ...each.serviceTables]),
      virtualHosts: new Map([
        ...each.sharedHosts,
        ...each.ownHosts.map(tableHostName).map((name) => [name, clientKey(key, name)] as const),
      ]),
    };
  });

  const aspects = graph.derive('placement aspects', scopes, ({ placed }) => placementAspects(placed));
  const viewers = graph.derive('viewers of proxies', proxyInstances, (instance, read, nodeId) => {
    const classKey = classKeyOf(nodeId, read);
    return viewerOf(instance, classKey, read.get(aspects, classKey) ?? NO_ASPECTS);
  });
  const byViewer = graph.index('proxies by viewer', viewers, ({ key }) => [key]);
  const viewerGroups = graph.derive('viewers', byViewer, ([viewer]) => viewer);
  const endpointSets = resolveEndpoints(
    graph,
    model,
    specs,
    viewerGroups,
    (classKey, read) => read.get(scopes, classKey)?.placed ?? [],
  );
  const viewerRefs = graph.derive(
    'shared fragments of viewers',
    viewerGroups,
    (viewer, read): SharedRefs | undefined => {
      const refs = read.get(classRefs, viewer.classKey);
      if (refs === undefined) return undefined;
      const placedRefs = withViews(refs, read.get(scopes, viewer.classKey) ?? EMPTY_SCOPE, viewer);
      if (viewer.servicePorts === undefined) return placedRefs;
      // Of the services' own tables, those that a listener of these instances is for.
      const own = new Set(viewer.servicePorts);
      const serviceTables = read.get(fragments, viewer.classKey)?.serviceTables;
      const tables = [...refs.tables].filter(([name]) => own.has(name) || !serviceTables?.has(name));
      return { ...placedRefs, tables: new Map(tables) };
    },
  );

  return {
    secrets,
    clusters: resolveClusters(graph, model, specs, endpointSets),
    endpoints: graph.union('endpoint sets', [endpointSets.shared, endpointSets.ofViews]),
    listeners,
    tables: graph.union('tables', [sharedTables, classTables]),
    virtualHosts,
    own: graph.derive('own fragments', proxyInstances, (instance, read, nodeId) =>
      resolveOwn(
        instance,
        () => scopeOf(nodeId, read) ?? EMPTY_SCOPE,
        { model, connectionRules, asked, named: namedFilters },
        read,
      ),
    ),
    viewers,
    ofViewers: viewerRefs,
    shared: graph.derive('shared fragments', viewers, ({ key }, read) => read.get(viewerRefs, key), isIdentical),
    scoping: { clients, scopes, inputs: scopeInputs },
  };
}

const NO_ASPECTS: PlacementAspects = placementAspects([]);

function isIdentical(a: unknown, b: unknown): boolean {
  return a === b;
}

/** The Gateway of Kubernetes that a proxy is of, if it shows a certificate to backends. */
function certifiedGatewayOf(
  { role, namespace, labels }: WorkloadInstance,
  { kubernetesGateways }: MeshModel,
  read: Reader,
): string | undefined {
  const name = role === 'router' ? labels[GATEWAY_NAME_LABEL] : undefined;
  if (name === undefined) return undefined;
  const key = `${namespace}/${name}`;
  return read.get(kubernetesGateways.clientCertificates, key)?.secret === undefined ? undefined : key;
}

/** Where localities count, a client holds its own endpoint set; or its own cluster, if the endpoints come with that. */
function withViews(refs: SharedRefs, { placed }: Scope, viewer: Viewer): SharedRefs {
  if (placed.length === 0) return refs;
  const clusters = new Map(refs.clusters);
  const endpoints = new Map(refs.endpoints);
  for (const cluster of placed) {
    (cluster.byEds ? endpoints : clusters).set(cluster.name, endpointViewKey(cluster, viewer));
  }
  return { ...refs, clusters, endpoints };
}

/** What all proxies of a class hold, beside clusters. */
interface ClassFragments {
  readonly listeners: readonly ListenerIr[];
  readonly tables: readonly RouteTableIr[];
  /** Tables of service ports: name -> key in `ResolvedMesh.tables`. */
  readonly serviceTables: ReadonlyMap<string, string>;
  readonly ownHosts: readonly TableHostIr[];
  /** Name -> key in `ResolvedMesh.virtualHosts`. */
  readonly sharedHosts: ReadonlyMap<string, string>;
}

function clientKey(classKey: string, name: string): string {
  return `${classKey} ${name}`;
}

/** What holds for TCP connections to a service port, and the policy that says so. */
function tcpConnectionFor(
  service: Service,
  port: number,
  client: Pick<ClientClass, 'role' | 'namespace' | 'labels'>,
  model: MeshModel,
  read: Reader,
): TcpConnection {
  const meant = meantBy(service, model, read);
  const policy = policyForClient(meant, client, model, read);
  const connection = resolveTcpConnection(settingsOfPort(meant, policy, undefined, port));
  return connection === undefined ? { sources: [] } : { connection, sources: policy?.sources ?? [] };
}

/** What a proxy's own fragments are made of. */
interface Sources {
  readonly model: MeshModel;
  readonly connectionRules: ConnectionRules;
  /** Filters that routes of sidecars ask for. */
  readonly asked: Collection<true>;
  /** Filters that EnvoyFilters name. */
  readonly named: Collection<readonly unknown[]>;
}

function resolveOwn(instance: WorkloadInstance, scopeOf: () => Scope, sources: Sources, read: Reader): OwnIr {
  const own = resolveByCapture(instance, scopeOf, sources, read);
  const defaults = defaultsOf(sources.model, read);
  const { role, gatewayTopology } = instance;
  const said = gatewayTopology === undefined ? defaults.gateway : buildGatewayTopology(gatewayTopology);
  const topology = role === 'router' ? said : undefined;
  const filters =
    role === 'router'
      ? [...new Set([...askedByTables(own.tables), ...askedFilters(sources.named, read)])]
      : askedFilters(sources.asked, read);
  const listeners = own.listeners.map((listener) =>
    withRouteFilters(withDefaults(listener, defaults, topology), filters),
  );
  return { ...own, listeners };
}

function resolveByCapture(instance: WorkloadInstance, scopeOf: () => Scope, sources: Sources, read: Reader): OwnIr {
  const { capture } = instance;
  const { model } = sources;
  switch (capture.mode) {
    case 'explicit':
      return resolveSidecar(instance, capture, scopeOf(), sources, read);
    case 'redirect':
      return { secrets: [], ...capturedInbound(instance, capture.interception, model, read), tables: [] };
    case 'gateway':
      return resolveGateway({ instance, capture, model, read }, () => scopeOf().endpoints.keys());
  }
}

function resolveSidecar(
  instance: WorkloadInstance,
  capture: ExplicitCapture,
  scope: Scope,
  { model, connectionRules }: Sources,
  read: Reader,
): OwnIr {
  const { address } = instance;
  const clusters: ClusterIr[] = [
    dynamicForward(defaultsOf(model, read)),
    httpProxyLoopbackCluster(address, capture.httpProxyPort),
  ];
  const listeners: ListenerIr[] = [httpProxyListener(address, capture.httpProxyPort)];
  const inbound = read.get(model.inbound, instanceKey(instance)) ?? [];
  for (const port of instance.ports) {
    const met = inbound.find(({ containerPort }) => containerPort === port.containerPort);
    if (met === undefined) continue;
    clusters.push(applicationCluster(met, applicationAt(met, port, instance)));
    listeners.push(inboundListener(address, port, met));
  }
  const services = new Map(scope.services.map((service) => [service.hostname, service]));
  for (const [name, at] of Object.entries(capture.servicePorts).sort(([a], [b]) => (a < b ? -1 : 1))) {
    const [hostname = '', portText] = name.split(':');
    const service = services.get(hostname);
    const servicePort = service?.ports.find(({ port }) => port === Number(portText));
    if (service === undefined || servicePort === undefined) continue;
    if (!hasOwnListener(service, servicePort.protocol)) continue;
    clusters.push(loopbackCluster(hostname, servicePort.port, address, at));
    const { port, protocol } = servicePort;
    const { connection, sources } = isHttp(protocol)
      ? { connection: undefined, sources: [] }
      : tcpConnectionFor(service, port, instance, model, read);
    const meant = meantBy(service, model, read);
    const chains = ruleChains(connectionRules, instance, meant, port, model, read);
    const all = [service.source, ...sources];
    listeners.push(servicePortListener(address, at, service, servicePort, meant, connection, chains, all));
  }
  return { secrets: [], clusters, listeners, tables: [] };
}

/** Where the application behind a container port listens: its ports are others than those that callers know. */
function applicationAt({ ingress }: InboundPort, port: InstancePort, { address, ports }: WorkloadInstance) {
  const target = ingress?.target;
  if (target === undefined) return { address, port: port.appPort };
  if (target.type === 'socket') return { address: target.path, port: 0 };
  const own = ports.find(({ containerPort }) => containerPort === target.port);
  return { address, port: own?.appPort ?? target.port };
}
