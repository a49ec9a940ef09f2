import { addressText, fieldOf, listOf, textOf } from './envoy-json.ts';

/** For each cluster that Envoy has: its endpoints by address, and how each is. */
export type ClusterHealth = ReadonlyMap<string, ReadonlyMap<string, string>>;

/** Reads what `/clusters?format=json` answers. */
export function clusterHealth(answer: unknown): ClusterHealth {
  return new Map(
    listOf(fieldOf(answer, 'cluster_statuses')).map((status) => {
      const hosts = listOf(fieldOf(status, 'host_statuses')).map(
        (host) => [addressText(fieldOf(host, 'address')), statusOf(fieldOf(host, 'health_status'))] as const,
      );
      return [textOf(fieldOf(status, 'name')), new Map(hosts)];
    }),
  );
}

/** Outlier detection and health checks say why an endpoint gets nothing; else it is as the control plane says. */
function statusOf(health: unknown): string {
  if (fieldOf(health, 'failed_outlier_check') === true) return 'OUTLIER';
  if (fieldOf(health, 'failed_active_health_check') === true) return 'UNHEALTHY';
  const said = textOf(fieldOf(health, 'eds_health_status'));
  return said === '' || said === 'UNKNOWN' ? 'HEALTHY' : said;
}
