import { askEnvoy } from '../proxy-config/envoy-admin.ts';
import { fieldOf, listOf } from '../proxy-config/envoy-json.ts';

/** How many requests an Envoy has sent to each endpoint so far, by `ADDRESS:PORT`. */
export type RequestCounts = ReadonlyMap<string, number>;

export async function requestCounts(envoyAdmin: string): Promise<RequestCounts> {
  const clusters = await askEnvoy(envoyAdmin, '/clusters?format=json');
  const counts = new Map<string, number>();
  for (const cluster of listOf(fieldOf(clusters, 'cluster_statuses'))) {
    for (const host of listOf(fieldOf(cluster, 'host_statuses'))) {
      const address = fieldOf(host, 'address', 'socket_address', 'address');
      const port = fieldOf(host, 'address', 'socket_address', 'port_value');
      const total = listOf(fieldOf(host, 'stats')).find((stat) => fieldOf(stat, 'name') === 'rq_total');
      const endpoint = `${address}:${port}`;
      counts.set(endpoint, (counts.get(endpoint) ?? 0) + Number(fieldOf(total, 'value') ?? 0));
    }
  }
  return counts;
}
