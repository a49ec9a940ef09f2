import type { ProxyReport } from '@lateen/api/admin.ts';
import { instanceKey, instanceOfNode, type WorkloadInstance } from '@lateen/api/workload-instance.ts';
import type { ProxyState } from '#pilot/registry/processes/link.ts';
import type { ProxyStatus } from '#pilot/xds/server/status.ts';

/** How the connected proxies are, by instance. */
export function proxyStates(proxies: readonly ProxyStatus[]): Record<string, ProxyState> {
  const states: Record<string, ProxyState> = {};
  for (const { nodeId, synced, everSynced, rejected } of proxies) {
    const first = rejected[0];
    // A proxy that reconnects has two streams for a moment: the newer one comes later and counts.
    states[instanceOfNode(nodeId)] = {
      synced,
      everSynced,
      ...(first === undefined ? {} : { rejected: first.message }),
    };
  }
  return states;
}

/** The proxy of each instance, connected or not. */
export function proxyReports(
  instances: Iterable<WorkloadInstance>,
  states: Readonly<Record<string, ProxyState>>,
): ProxyReport[] {
  return [...instances].map((instance) => {
    const name = instanceKey(instance);
    const state = states[name];
    return {
      name,
      role: instance.role,
      connected: state !== undefined,
      synced: state?.synced ?? false,
      ...(state?.rejected === undefined ? {} : { rejected: state.rejected }),
    };
  });
}
