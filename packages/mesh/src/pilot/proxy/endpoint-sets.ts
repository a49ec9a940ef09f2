import { instanceKey, type WorkloadInstance } from '@lateen/api/workload-instance.ts';
import type { Collection, Reader } from '../incremental/collection.ts';
import type { Graph } from '../incremental/graph.ts';
import { defined } from '../model/defined.ts';
import type { ServiceEndpoint } from '../model/endpoint.ts';
import { endpointKey } from '../model/endpoints.ts';
import { localityOf, localityText } from '../model/locality.ts';
import type { LocalitySetting } from '../model/locality-setting.ts';
import type { MeshModel } from '../model/mesh.ts';
import { hasLabels } from '../model/service.ts';
import type { ClusterSpec } from './clusters.ts';
import { groupsByLocality, type PlacedEndpoint } from './endpoint-groups.ts';
import type { EndpointsIr, LocalityIr } from './ir/endpoints.ts';
import type { PortTrafficSettings } from './upstream-policy.ts';
import { groupsFrom } from './viewpoint.ts';

/** How the localities of client and endpoints count for a cluster. */
export type Placement = Exclude<LocalitySetting, { type: 'off' }>;

/** What fails can be told only by outlier detection, so without it nothing is preferred that could fail. */
export function placementOf(
  { loadBalancing, outlierDetection }: PortTrafficSettings,
  ofMesh: LocalitySetting,
): Placement | undefined {
  const setting = loadBalancing?.locality ?? ofMesh;
  if (setting.type === 'off') return undefined;
  const counts = setting.type !== 'failover' || setting.always === true || outlierDetection !== undefined;
  return counts ? setting : undefined;
}

export function weighsLocalities({ type }: Placement): boolean {
  return type === 'distribute' || type === 'zone-aware';
}

/** A cluster whose endpoints a client must see in its own way. */
export interface PlacedCluster {
  readonly name: string;
  /** `clusterKey` */
  readonly key: string;
  readonly placement: Placement;
  /** Its endpoints come by themselves, and not with the cluster. */
  readonly byEds: boolean;
}

/** Endpoints of clusters, also of those that have them in themselves. */
export interface EndpointSets {
  /** As all clients may see them, by `clusterKey`. */
  readonly shared: Collection<EndpointsIr>;
  /** As single clients must, by `endpointViewKey`. */
  readonly ofViews: Collection<EndpointsIr>;
  /** `clusterKey` of the cluster that is seen, by `endpointViewKey`. */
  readonly clusterOfView: Collection<string>;
}

/** One way to see the endpoints of a cluster. Clients for which all of it is equal share the endpoint set. */
interface EndpointView {
  readonly cluster: PlacedCluster;
  readonly locality?: LocalityIr;
  /** Those of the client's labels that count. */
  readonly labels: Readonly<Record<string, string>>;
  /** Where it counts how the client's application is spread. */
  readonly application?: string;
  /** Where each client counts for itself. */
  readonly client?: string;
}

function viewOf(cluster: PlacedCluster, client: WorkloadInstance): EndpointView {
  const { placement } = cluster;
  const locality = localityOf(client.labels);
  if (placement.type === 'affinity') return { cluster, labels: {}, client: instanceKey(client) };
  const asked = placement.type === 'distribute' ? [] : placement.order.labels.map(({ key }) => key);
  return {
    cluster,
    ...(locality === undefined ? {} : { locality }),
    labels: Object.fromEntries(Object.entries(client.labels).filter(([key]) => asked.includes(key))),
    ...(placement.type === 'zone-aware' ? { application: applicationKey(client) } : {}),
  };
}

function keyOf({ cluster, locality, labels, application, client }: EndpointView): string {
  return [
    `${cluster.key} from ${locality === undefined ? '' : localityText(locality)}`,
    ...Object.entries(labels)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, value]) => `${key}=${value}`),
    ...(application === undefined ? [] : [application]),
    ...(client === undefined ? [] : [client]),
  ].join(' ');
}

/** Key of the endpoint set that a client holds for a cluster in which localities count. */
export function endpointViewKey(cluster: PlacedCluster, client: WorkloadInstance): string {
  return keyOf(viewOf(cluster, client));
}

/**
 * @param clients by node ID
 * @param placed for each client (by node ID) the clusters in which localities count
 */
export function resolveEndpoints(
  graph: Graph,
  model: MeshModel,
  specs: Collection<ClusterSpec>,
  clients: Collection<WorkloadInstance>,
  placed: (nodeId: string, read: Reader) => readonly PlacedCluster[],
): EndpointSets {
  const members = graph.derive('endpoint set members', specs, ({ service, port, labels }, read) =>
    (read.get(model.endpoints, endpointKey(service, port)) ?? [])
      .filter((endpoint) => endpoint.ready && hasLabels(endpoint.labels, labels))
      .map(placedEndpoint),
  );
  const shared = graph.derive('shared endpoint sets', specs, ({ name }, read, key): EndpointsIr => {
    return { clusterName: name, groups: groupsByLocality(read.get(members, key) ?? []) };
  });
  const ofApplication = graph.index('instances by application', model.instances, (instance) => [
    applicationKey(instance),
  ]);
  const ofClients = graph.derive(
    'endpoint views of clients',
    clients,
    (client, read, nodeId): ReadonlyMap<string, EndpointView> =>
      new Map(
        placed(nodeId, read).map((cluster) => {
          const view = viewOf(cluster, client);
          return [keyOf(view), view];
        }),
      ),
  );
  const byKey = graph.index('clients by endpoint view', ofClients, (views) => views.keys());
  // That one more client has a view is no reason to look at the endpoints again.
  const views = graph.derive('endpoint views', byKey, ([ofClient], _, key) => ofClient?.get(key));
  const ofViews = graph.derive('endpoint sets by view', views, (view, read): EndpointsIr => {
    const { cluster, application, ...client } = view;
    const colleagues = application === undefined ? [] : (read.get(ofApplication, application) ?? []);
    const applicationLocalities = colleagues
      .filter(({ health }) => health === 'ready')
      .map(({ labels }) => localityOf(labels));
    const endpoints = read.get(members, cluster.key) ?? [];
    return {
      clusterName: cluster.name,
      groups: groupsFrom({ ...client, applicationLocalities }, endpoints, cluster.placement),
    };
  });
  const clusterOfView = graph.derive('clusters by view', views, ({ cluster }) => cluster.key);
  return { shared, ofViews, clusterOfView };
}

function placedEndpoint(endpoint: ServiceEndpoint): PlacedEndpoint {
  const { address, port, weight, meshTls, instance, labels, locality } = endpoint;
  return defined({ address, port, weight, meshTls, instance, labels, locality });
}

/** Workloads that are one application, as Envoy's own name for its cluster has it. */
function applicationKey({ namespace, workload, labels }: WorkloadInstance): string {
  return instanceKey({ namespace, name: labels.app ?? labels['app.kubernetes.io/name'] ?? workload });
}
