import { byCells } from './clusters.ts';
import { addressText, fieldOf, listOf, textOf } from './envoy-json.ts';
import type { ClusterHealth } from './health.ts';
import { sourceText } from './source-column.ts';
import { type Filters, isWantedCluster, type Messages, type View } from './view.ts';

/** Endpoints that come by EDS, and those that stand in clusters. `health` is undefined if Envoy does not answer. */
export function endpointsView(
  assignments: Messages,
  clusters: Messages,
  health: ClusterHealth | undefined,
  filters: Filters,
): View {
  const standing = clusters.flatMap((cluster) => {
    const assignment = fieldOf(cluster, 'load_assignment');
    return assignment === undefined ? [] : [{ ...(assignment as object), metadata: cluster.metadata }];
  });
  const wanted = [...assignments, ...standing].filter((each) =>
    isWantedCluster(textOf(fieldOf(each, 'cluster_name')), filters),
  );
  return {
    titles: ['endpoint', 'status', 'cluster', 'instance', 'source'],
    rows: wanted
      .flatMap((assignment) => {
        const cluster = textOf(fieldOf(assignment, 'cluster_name'));
        const hosts = listOf(fieldOf(assignment, 'endpoints')).flatMap((group) =>
          listOf(fieldOf(group, 'lb_endpoints')),
        );
        return hosts.map((host) => {
          const address = addressText(fieldOf(host, 'endpoint', 'address'));
          const status = health?.get(cluster)?.get(address) ?? '';
          const instance = textOf(fieldOf(host, 'metadata', 'filter_metadata', 'lateen', 'instance'));
          return [address, status, cluster, instance, sourceText(host) || sourceText(assignment)];
        });
      })
      .sort((a, b) => byCells([a[2] ?? '', ...a], [b[2] ?? '', ...b])),
    document: wanted,
  };
}
