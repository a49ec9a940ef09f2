import { instanceKey, type WorkloadInstance } from '@lateen/api/workload-instance.ts';
import type { Collection, Reader } from '../incremental/collection.ts';
import type { Graph } from '../incremental/graph.ts';
import type { ServiceEndpoint } from '../model/endpoint.ts';
import { localityOf, localityText } from '../model/locality.ts';
import type { LocalitySetting } from '../model/locality-setting.ts';
import { endpointKey, type MeshModel } from '../model/mesh.ts';
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
  return setting.type === 'failover' && outlierDetection === undefined ? undefined : setting;
}

export function weighsLocalities({ type }: Placement): boolean {
  return type !== 'failover';
}

/** A cluster whose endpoints a client must see in its own way. */
export interface PlacedCluster {
  readonly name: string;
  /** `clusterKey` */
  readonly key: string;
  readonly placement: Placement;
}

/** One way to see the endpoints of a cluster. Clients for which all of it is equal share the endpoint set. */
interface EndpointView {
  readonly cluster: PlacedCluster;
  readonly locality?: LocalityIr;
  /** Those of the client's labels that count. */
  readonly labels: Readonly<Record<string, string>>;
  /** Where it counts how the client's application is spread. */
  readonly application?: string;
}

function viewOf(cluster: PlacedCluster, client: WorkloadInstance): EndpointView {
  const { placement } = cluster;
  const locality = localityOf(client.labels);
  const asked = placement.type === 'distribute' ? [] : placement.order.labels.map(({ key }) => key);
  return {
    cluster,
    ...(locality === undefined ? {} : { locality }),
    labels: Object.fromEntries(Object.entries(client.labels).filter(([key]) => asked.includes(key))),
    ...(placement.type === 'zone-aware' ? { application: applicationKey(client) } : {}),
  };
}

function keyOf({ cluster, locality, labels, application }: EndpointView): string {
  return [
    `${cluster.key} from ${locality === undefined ? '' : localityText(locality)}`,
    ...Object.entries(labels)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, value]) => `${key}=${value}`),
    ...(application === undefined ? [] : [application]),
  ].join(' ');
}

/** Key of the endpoint set that a client holds for a cluster in which localities count. */
export function endpointViewKey(cluster: PlacedCluster, client: WorkloadInstance): string {
  return keyOf(viewOf(cluster, client));
}

/**
 * The endpoints of every cluster as all clients may see them, by `clusterKey`; and where localities count, as single
 * clients must, by `endpointViewKey`.
 *
 * @param clients by node ID
 * @param placed for each client the clusters in which localities count
 */
export function resolveEndpoints(
  graph: Graph,
  model: MeshModel,
  specs: Collection<ClusterSpec>,
  clients: Collection<WorkloadInstance>,
  placed: (client: WorkloadInstance, read: Reader) => readonly PlacedCluster[],
): Collection<EndpointsIr> {
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
  const views = graph.derive('endpoint views of clients', clients, (client, read) =>
    placed(client, read).map((cluster) => viewOf(cluster, client)),
  );
  const byKey = graph.index('endpoint views', views, (list) => list.map(keyOf));
  const own = graph.derive('endpoint sets by view', byKey, ([list = []], read, key): EndpointsIr | undefined => {
    const view = list.find((each) => keyOf(each) === key);
    if (view === undefined) return undefined;
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
  return graph.union('endpoint sets', [shared, own]);
}

function placedEndpoint({ address, port, meshTls, instance, labels, locality }: ServiceEndpoint): PlacedEndpoint {
  return { address, port, meshTls, instance, labels, ...(locality === undefined ? {} : { locality }) };
}

/** Workloads that are one application, as Envoy's own name for its cluster has it. */
function applicationKey({ namespace, workload, labels }: WorkloadInstance): string {
  return instanceKey({ namespace, name: labels.app ?? labels['app.kubernetes.io/name'] ?? workload });
}
