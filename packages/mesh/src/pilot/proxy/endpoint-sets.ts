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
import { comesByEds } from './discovery.ts';
import { groupsByLocality, type PlacedEndpoint } from './endpoint-groups.ts';
import type { EndpointsIr, LocalityIr } from './ir/endpoints.ts';
import type { PortTrafficSettings } from './upstream-policy.ts';
import { applicationKey, type Viewer } from './viewer.ts';
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

function viewOf(cluster: PlacedCluster, viewer: Viewer): EndpointView {
  const { placement } = cluster;
  const { locality, application, client } = viewer;
  if (placement.type === 'affinity') return { cluster, labels: {}, ...(client === undefined ? {} : { client }) };
  const asked = placement.type === 'distribute' ? [] : placement.order.labels.map(({ key }) => key);
  return {
    cluster,
    ...(locality === undefined ? {} : { locality }),
    labels:
      asked.length === 0
        ? NO_LABELS
        : Object.fromEntries(Object.entries(viewer.labels).filter(([key]) => asked.includes(key))),
    ...(placement.type === 'zone-aware' && application !== undefined ? { application } : {}),
  };
}

const NO_LABELS: Readonly<Record<string, string>> = {};

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
export function endpointViewKey(cluster: PlacedCluster, viewer: Viewer): string {
  return keyOf(viewOf(cluster, viewer));
}

/** @param placed the clusters of a class in which localities count */
export function resolveEndpoints(
  graph: Graph,
  model: MeshModel,
  specs: Collection<ClusterSpec>,
  viewers: Collection<Viewer>,
  placed: (classKey: string, read: Reader) => readonly PlacedCluster[],
): EndpointSets {
  const members = graph.derive('endpoint set members', specs, ({ service, port, labels }, read) =>
    (read.get(model.endpoints, endpointKey(service, port)) ?? [])
      .filter((endpoint) => endpoint.ready && hasLabels(endpoint.labels, labels))
      .map(placedEndpoint),
  );
  const shared = graph.derive('shared endpoint sets', specs, (spec, read, key): EndpointsIr | undefined => {
    const { name, service, placement } = spec;
    // Then nobody sees it as all others do, but for gateways where each client has an instance of its own.
    if (comesByEds(service) && placement !== undefined && placement.type !== 'affinity') return undefined;
    return { clusterName: name, groups: groupsByLocality(read.get(members, key) ?? []) };
  });
  const ofApplication = graph.index('instances by application', model.instances, (instance) => [
    applicationKey(instance),
  ]);
  const ofViewers = graph.expand('endpoint views of viewers', viewers, (viewer, read) =>
    placed(viewer.classKey, read).map((cluster) => {
      const view = viewOf(cluster, viewer);
      return [`${keyOf(view)}\n${viewer.key}`, view] as const;
    }),
  );
  const byKey = graph.index('viewers by endpoint view', ofViewers, (view) => [keyOf(view)]);
  // That one more viewer has a view is no reason to look at the endpoints again.
  const views = graph.derive('endpoint views', byKey, ([view]) => view);
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
