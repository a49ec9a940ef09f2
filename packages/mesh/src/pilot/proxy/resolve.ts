import { instanceKey, type WorkloadInstance } from '@lateen/api/workload-instance.ts';
import type { Collection, Reader } from '../incremental/collection.ts';
import type { Graph } from '../incremental/graph.ts';
import { type ClientClass, clientClassOf } from '../model/client.ts';
import type { MeshModel } from '../model/mesh.ts';
import { byHostname, hasLabels, type Service, serviceSeenFrom } from '../model/service.ts';
import { NO_SETTINGS, settingsFor } from '../model/traffic-settings.ts';
import { clusterKey, clusterName, clusterSpecs, policyForClient, resolveClusters } from './clusters.ts';
import { endpointViewKey, type PlacedCluster, placementOf, resolveEndpoints } from './endpoint-sets.ts';
import { isHttp } from './filter-chains.ts';
import type { ClusterIr, ServiceClusterIr } from './ir/cluster.ts';
import type { EndpointsIr } from './ir/endpoints.ts';
import type { ListenerIr } from './ir/listener.ts';
import type { RouteTableIr } from './ir/route.ts';
import { gatewayListener, httpProxyListener, inboundListener, servicePortListener } from './listeners.ts';
import { applicationCluster, DYNAMIC_FORWARD, httpProxyLoopbackCluster, loopbackCluster } from './own-clusters.ts';
import {
  HTTP_PROXY_TABLE,
  resolveGatewayTable,
  resolveProxyTable,
  resolveServiceRoutes,
  resolveServiceTable,
  resolveSidecarHosts,
  routesForClient,
  servicePortKey,
  serviceTableName,
} from './routes.ts';

import { resolveTcpConnection } from './upstream-policy.ts';

/** A proxy that Pilot is asked to configure. */
export interface ProxyIdentity {
  readonly nodeId: string;
  /** `NAME.NAMESPACE` of the workload instance that it stands beside. */
  readonly instance: string;
  /** What it said of itself when it connected: the metadata of Envoy's node. */
  readonly metadata?: Readonly<Record<string, unknown>>;
}

/** What is only this proxy's: it names its sockets or its application. */
export interface OwnIr {
  readonly clusters: readonly ClusterIr[];
  readonly listeners: readonly ListenerIr[];
  readonly tables: readonly RouteTableIr[];
}

/** What one proxy holds of the shared fragments: the resource's name, and the fragment's key in its collection. */
export interface SharedRefs {
  readonly clusters: ReadonlyMap<string, string>;
  readonly endpoints: ReadonlyMap<string, string>;
  readonly tables: ReadonlyMap<string, string>;
}

/** What the proxies of one class see: each hostname stands for one service, under the policy that holds for them. */
interface Scope {
  /** In order of hostname. */
  readonly services: readonly Service[];
  readonly clusters: ReadonlyMap<string, string>;
  /** Those of the clusters in which localities count. */
  readonly placed: readonly PlacedCluster[];
}

/** Fragments that proxies share, and for each proxy the complete answer: its own fragments and the shared ones it holds. */
export interface ResolvedMesh {
  readonly clusters: Collection<ServiceClusterIr>;
  readonly endpoints: Collection<EndpointsIr>;
  readonly tables: Collection<RouteTableIr>;
  readonly own: Collection<OwnIr>;
  readonly shared: Collection<SharedRefs>;
}

export function resolveMesh(graph: Graph, model: MeshModel, proxies: Collection<ProxyIdentity>): ResolvedMesh {
  const serviceRoutes = resolveServiceRoutes(graph, model);
  const sidecarHosts = resolveSidecarHosts(graph, model, serviceRoutes);
  const proxyInstances = graph.derive('proxy instances', proxies, ({ instance }, read) =>
    read.get(model.instances, instance),
  );
  const clientOf = (instance: WorkloadInstance, read: Reader) =>
    clientClassOf(instance, read.all(model.askedLabels).keys());
  const clients = graph.derive('clients', proxyInstances, (instance, read) => clientOf(instance, read));
  const byClass = graph.index('clients by class', clients, ({ key }) => [key]);
  const classes = graph.derive('client classes', byClass, ([client]) => client);
  const specs = clusterSpecs(graph, model, classes);
  const scopes = graph.derive('scopes', classes, (client, read) => resolveScope(client, model, read));
  const scopeOf = (instance: WorkloadInstance, read: Reader) => read.get(scopes, clientOf(instance, read).key);
  const sharedTables = graph.derive('service tables', serviceRoutes, (routes, _, key) =>
    resolveServiceTable(key.slice(key.indexOf('/') + 1), routes),
  );
  const clientTables = graph.expand('client tables', classes, (client, read) => {
    const { services } = read.get(scopes, client.key) ?? EMPTY_SCOPE;
    const own = services.flatMap((service) =>
      service.ports
        .filter(({ port }) => read.get(serviceRoutes, servicePortKey(service, port)) === undefined)
        .map((port) => {
          const routes = routesForClient(service, port, client, model, read);
          const table = resolveServiceTable(serviceTableName(service.hostname, port.port), routes);
          return [clientTableKey(client, table.name), table] as const;
        }),
    );
    const proxyTable = resolveProxyTable(client, services, sidecarHosts, model, read);
    return [...own, [clientTableKey(client, proxyTable.name), proxyTable] as const];
  });

  return {
    clusters: resolveClusters(graph, model, specs),
    endpoints: resolveEndpoints(
      graph,
      model,
      specs,
      proxyInstances,
      (instance, read) => scopeOf(instance, read)?.placed ?? [],
    ),
    tables: graph.union('tables', [sharedTables, clientTables]),
    own: graph.derive('own fragments', proxyInstances, (instance, read) => resolveOwn(instance, model, read)),
    shared: graph.derive('shared fragments', proxyInstances, (instance, read): SharedRefs | undefined => {
      const client = clientOf(instance, read);
      const scope = scopeOf(instance, read);
      if (scope === undefined) return undefined;
      const views = scope.placed.map((cluster) => [cluster.name, endpointViewKey(cluster, instance)] as const);
      const endpoints = views.length === 0 ? scope.clusters : new Map([...scope.clusters, ...views]);
      const refs = { clusters: scope.clusters, endpoints };
      if (instance.capture.mode !== 'explicit') return { ...refs, tables: new Map() };
      const { servicePorts } = instance.capture;
      const tables = new Map([[HTTP_PROXY_TABLE, clientTableKey(client, HTTP_PROXY_TABLE)]]);
      for (const service of scope.services) {
        for (const { port, protocol } of service.ports) {
          const name = serviceTableName(service.hostname, port);
          if (protocol === 'tcp' || servicePorts[name] === undefined) continue;
          const shared = servicePortKey(service, port);
          tables.set(name, read.get(serviceRoutes, shared) === undefined ? clientTableKey(client, name) : shared);
        }
      }
      return { ...refs, tables };
    }),
  };
}

const EMPTY_SCOPE: Scope = { services: [], clusters: new Map(), placed: [] };

function clientTableKey(client: ClientClass, table: string): string {
  return `${client.key} ${table}`;
}

/** What clients of a class can call: every service that their namespace sees, under the policy that holds for them. */
function resolveScope(client: ClientClass, model: MeshModel, read: Reader): Scope {
  const services = [...read.all(model.servicesByHost).values()]
    .map((candidates) => serviceSeenFrom(candidates, client.namespace))
    .filter((service) => service !== undefined)
    .sort(byHostname);
  const clusters = new Map<string, string>();
  const placed: PlacedCluster[] = [];
  for (const service of services) {
    const policy = policyForClient(service, client, model, read);
    for (const { port } of service.ports) {
      for (const subset of [undefined, ...(policy?.subsets ?? [])]) {
        const name = clusterName(service.hostname, port, subset?.name);
        const key = clusterKey(service, policy, name);
        clusters.set(name, key);
        const placement = placementOf(settingsFor(policy?.settings ?? NO_SETTINGS, subset?.settings, port));
        if (placement !== undefined) placed.push({ name, key, placement });
      }
    }
  }
  return { services, clusters, placed };
}

function resolveOwn(instance: WorkloadInstance, model: MeshModel, read: Reader): OwnIr {
  return instance.capture.mode === 'explicit'
    ? resolveSidecar(instance, instance.capture, model, read)
    : resolveGateway(instance, instance.capture.hostPorts, model, read);
}

function resolveSidecar(
  instance: WorkloadInstance,
  capture: Extract<WorkloadInstance['capture'], { mode: 'explicit' }>,
  model: MeshModel,
  read: Reader,
): OwnIr {
  const { address } = instance;
  const clusters: ClusterIr[] = [DYNAMIC_FORWARD, httpProxyLoopbackCluster(address, capture.httpProxyPort)];
  const listeners: ListenerIr[] = [httpProxyListener(address, capture.httpProxyPort)];
  const inbound = read.get(model.inbound, instanceKey(instance)) ?? [];
  for (const port of instance.ports) {
    const met = inbound.find(({ containerPort }) => containerPort === port.containerPort);
    if (met === undefined) continue;
    clusters.push(
      applicationCluster(
        port,
        address,
        met.protocol,
        met.services.map(({ source }) => source),
      ),
    );
    listeners.push(inboundListener(address, port, met));
  }
  for (const [name, at] of Object.entries(capture.servicePorts).sort(([a], [b]) => (a < b ? -1 : 1))) {
    const [hostname = '', portText] = name.split(':');
    const service = serviceSeenFrom(read.get(model.servicesByHost, hostname), instance.namespace);
    const servicePort = service?.ports.find(({ port }) => port === Number(portText));
    if (service === undefined || servicePort === undefined) continue;
    clusters.push(loopbackCluster(hostname, servicePort.port, address, at));
    const { port, protocol } = servicePort;
    const policy = isHttp(protocol) ? undefined : policyForClient(service, instance, model, read);
    const connection = resolveTcpConnection(settingsFor(policy?.settings ?? NO_SETTINGS, undefined, port));
    const sources = [service.source, ...(connection === undefined ? [] : (policy?.sources ?? []))];
    listeners.push(servicePortListener(address, at, hostname, port, protocol, connection, sources));
  }
  return { clusters, listeners, tables: [] };
}

function resolveGateway(
  instance: WorkloadInstance,
  hostPorts: Readonly<Record<number, number>>,
  model: MeshModel,
  read: Reader,
): OwnIr {
  const gateways = [...read.all(model.gateways).values()]
    .filter(({ selector }) => hasLabels(instance.labels, selector))
    .sort((a, b) => (a.key < b.key ? -1 : 1));
  const ports = [...new Set(gateways.flatMap(({ servers }) => servers.map(({ port }) => port)))].sort((a, b) => a - b);
  const listeners: ListenerIr[] = [];
  const tables: RouteTableIr[] = [];
  for (const port of ports) {
    const at = hostPorts[port];
    if (at === undefined) continue;
    const onPort = gateways.flatMap((gateway) =>
      gateway.servers.filter((server) => server.port === port).map((server) => ({ key: gateway.key, ...server })),
    );
    listeners.push(
      gatewayListener(
        instance.address,
        at,
        port,
        onPort.map(({ source }) => source),
      ),
    );
    tables.push(resolveGatewayTable(port, onPort, instance, model, read));
  }
  return { clusters: [], listeners, tables };
}
