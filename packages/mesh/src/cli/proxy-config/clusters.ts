import { fieldOf, textOf } from './envoy-json.ts';
import type { ClusterHealth } from './health.ts';
import { sourceText } from './source-column.ts';
import { clusterNameOf, type Filters, isWantedCluster, type Messages, type View } from './view.ts';

/** `health` is undefined if Envoy does not answer. */
export function clustersView(clusters: Messages, health: ClusterHealth | undefined, filters: Filters): View {
  const wanted = clusters.filter(({ name }) => isWantedCluster(textOf(name), filters));
  return {
    titles: ['service fqdn', 'port', 'subset', 'direction', 'type', 'healthy', 'source'],
    rows: wanted
      .map((cluster) => {
        const { fqdn, port, subset, direction } = clusterNameOf(textOf(cluster.name));
        return [
          fqdn,
          port,
          subset,
          direction,
          typeOf(cluster),
          healthOf(textOf(cluster.name), health),
          sourceText(cluster),
        ];
      })
      .sort(byCells),
    document: wanted,
  };
}

function typeOf(cluster: unknown): string {
  const extension = textOf(fieldOf(cluster, 'cluster_type', 'name'));
  return extension === '' ? textOf(fieldOf(cluster, 'type')) || 'STATIC' : extension.replace(/^envoy\.clusters\./, '');
}

/** Healthy endpoints of all. */
function healthOf(name: string, health: ClusterHealth | undefined): string {
  const hosts = health?.get(name);
  if (hosts === undefined) return '';
  return `${[...hosts.values()].filter((status) => status === 'HEALTHY').length}/${hosts.size}`;
}

export function byCells(a: readonly string[], b: readonly string[]): number {
  const index = a.findIndex((cell, at) => cell !== b[at]);
  return index === -1 ? 0 : (a[index] ?? '') < (b[index] ?? '') ? -1 : 1;
}
