import type { ConfigObject } from '@lateen/api/kinds.ts';
import type { WorkloadInstance } from '@lateen/api/workload-instance.ts';
import type { Source } from './incremental/collection.ts';
import { Graph } from './incremental/graph.ts';
import type { LearntHosts } from './model/learnt-hosts.ts';
import { buildModel, type MeshModel } from './model/mesh.ts';
import { DEFAULT_SETTINGS, type MeshSettings } from './model/settings.ts';
import { type ProxyIdentity, type ResolvedMesh, resolveMesh } from './proxy/resolve.ts';
import { selectEnvoyFilters } from './xds/envoy-filters.ts';
import { collectResources, type MeshResources } from './xds/mesh-resources.ts';
import { namedRouteFilters } from './xds/patch/named-route-filters.ts';

/** The whole pipeline, from accepted objects and running instances to encoded resources, as one graph. */
export interface Pilot {
  readonly graph: Graph;
  /** Accepted configuration, by object key. */
  readonly objects: Source<ConfigObject>;
  /** By `NAME.NAMESPACE`. */
  readonly instances: Source<WorkloadInstance>;
  /** Proxies to configure, by node ID. */
  readonly proxies: Source<ProxyIdentity>;
  /** What workloads have asked for, by `NAMESPACE/NAME`. */
  readonly learnt: Source<LearntHosts>;
  /** To be called when a schedule opens or closes. */
  tick(): void;
  readonly model: MeshModel;
  readonly resolved: ResolvedMesh;
  readonly resources: MeshResources;
}

export function createPilot(
  settings: MeshSettings = DEFAULT_SETTINGS,
  onError?: (error: unknown, where: string) => void,
  now: () => number = Date.now,
): Pilot {
  const graph = new Graph(onError);
  const objects = graph.source<ConfigObject>('objects');
  const instances = graph.source<WorkloadInstance>('instances');
  const proxies = graph.source<ProxyIdentity>('proxies');
  const learnt = graph.source<LearntHosts>('learnt hosts');
  const ticks = graph.source<number>('ticks');
  const model = buildModel(graph, objects, instances, { now, ticks }, settings);
  const tick = () => ticks.set('tick', now());
  const filters = selectEnvoyFilters(graph, objects, model.instances, proxies, settings.rootNamespace);
  const patchesRoutes = graph.derive('proxies with altered routes', filters.selections, ({ sets }) =>
    sets.route === undefined ? undefined : true,
  );
  const namedFilters = namedRouteFilters(graph, objects);
  const resolved = resolveMesh(graph, model, { proxies, patchesRoutes, namedFilters, learnt });
  const resources = collectResources(graph, model, resolved, objects, proxies, filters);
  return { graph, objects, instances, proxies, learnt, tick, model, resolved, resources };
}
