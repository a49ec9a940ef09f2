import { instanceKey, type WorkloadInstance } from '@lateen/api/workload-instance.ts';
import type { Collection, Reader } from '../incremental/collection.ts';
import type { Graph } from '../incremental/graph.ts';
import type { MeshModel } from '../model/mesh.ts';
import { byHostname, hasLabels } from '../model/service.ts';
import { policyFor } from '../model/traffic-policy.ts';
import { clusterKey, clusterName, resolveClusters } from './clusters.ts';
import type { ClusterIr, ServiceClusterIr } from './ir/cluster.ts';
import type { EndpointsIr } from './ir/endpoints.ts';
import type { ListenerIr } from './ir/listener.ts';
import type { RouteTableIr } from './ir/route.ts';
import { gatewayListener, httpProxyListener, inboundListener, servicePortListener } from './listeners.ts';
import { applicationCluster, DYNAMIC_FORWARD, loopbackCluster } from './own-clusters.ts';
import {
  resolveGatewayTable,
  resolveProxyTable,
  resolveServiceRoutes,
  resolveServiceTable,
  resolveVirtualHosts,
  serviceTableName,
} from './routes.ts';

/** A proxy that Pilot is asked to configure. */
export interface ProxyIdentity {
  readonly nodeId: string;
  /** `NAME.NAMESPACE` of the workload instance that it stands beside. */
  readonly instance: string;
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
  readonly serviceTables: readonly string[];
  /** Key of the namespace's table for HTTP proxy listeners. */
  readonly proxyTable?: string;
}

/** Fragments that proxies share, and for each proxy the complete answer: its own fragments and the shared ones it holds. */
export interface ResolvedMesh {
  readonly clusters: Collection<ServiceClusterIr>;
  readonly endpoints: Collection<EndpointsIr>;
  readonly serviceTables: Collection<RouteTableIr>;
  readonly proxyTables: Collection<RouteTableIr>;
  readonly own: Collection<OwnIr>;
  readonly shared: Collection<SharedRefs>;
}

export function resolveMesh(graph: Graph, model: MeshModel, proxies: Collection<ProxyIdentity>): ResolvedMesh {
  const { clusters, endpoints } = resolveClusters(graph, model);
  const serviceRoutes = resolveServiceRoutes(graph, model);
  const serviceTables = graph.derive('service tables', serviceRoutes, (routes, _, name) =>
    resolveServiceTable(name, routes),
  );
  const virtualHosts = resolveVirtualHosts(graph, model, serviceRoutes);
  const proxyInstances = graph.derive('proxy instances', proxies, ({ instance }, read) =>
    read.get(model.instances, instance),
  );
  const namespaces = graph.index('proxy namespaces', proxyInstances, ({ namespace }) => [namespace]);
  const names = graph.derive('client namespaces', namespaces, (_, __, namespace) => namespace);
  const proxyTables = graph.derive('proxy tables', names, (namespace, read) =>
    resolveProxyTable(namespace, read.all(model.services), virtualHosts, read),
  );
  const scopes = graph.derive('scopes', names, (namespace, read) => resolveScope(namespace, model, read));

  return {
    clusters,
    endpoints,
    serviceTables,
    proxyTables,
    own: graph.derive('own fragments', proxyInstances, (instance, read) => resolveOwn(instance, model, read)),
    shared: graph.derive('shared fragments', proxyInstances, (instance, read): SharedRefs | undefined => {
      const scope = read.get(scopes, instance.namespace);
      if (scope === undefined) return undefined;
      if (instance.capture.mode !== 'explicit') return { ...scope, serviceTables: [] };
      const { servicePorts } = instance.capture;
      return {
        ...scope,
        serviceTables: scope.serviceTables.filter((name) => servicePorts[name] !== undefined),
        proxyTable: instance.namespace,
      };
    }),
  };
}

/** What the clients of one namespace can call: every service, under the policy that holds for them. */
function resolveScope(namespace: string, model: MeshModel, read: Reader): SharedRefs {
  const clusters = new Map<string, string>();
  const serviceTables: string[] = [];
  for (const service of [...read.all(model.services).values()].sort(byHostname)) {
    const policies = read.get(model.trafficPolicies, service.hostname) ?? [];
    const policy = policyFor(policies, namespace, service.namespace, model.settings.rootNamespace);
    for (const { port, protocol } of service.ports) {
      for (const subset of [undefined, ...(policy?.subsets ?? [])]) {
        const name = clusterName(service.hostname, port, subset?.name);
        clusters.set(name, clusterKey(policy, name));
      }
      if (protocol !== 'tcp') serviceTables.push(serviceTableName(service.hostname, port));
    }
  }
  return { clusters, endpoints: clusters, serviceTables };
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
  const clusters: ClusterIr[] = [DYNAMIC_FORWARD];
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
    const service = read.get(model.services, hostname);
    const servicePort = service?.ports.find(({ port }) => port === Number(portText));
    if (service === undefined || servicePort === undefined) continue;
    clusters.push(loopbackCluster(hostname, servicePort.port, address, at));
    listeners.push(servicePortListener(address, at, hostname, servicePort.port, servicePort.protocol, service.source));
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
    tables.push(resolveGatewayTable(port, onPort, model, read));
  }
  return { clusters: [], listeners, tables };
}
