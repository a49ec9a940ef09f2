import { explainProxyScope } from '#pilot/explain/proxy-scope.ts';
import { printProxyConfig } from '#pilot/xds/print-proxy-config.ts';
import { planFiles } from '../check/plan-files.ts';
import type { Sources } from '../check/read-sources.ts';
import type { Proxies } from './proxies.ts';

/** Those of a mesh that is made of these files. Throws what is wrong with the files. */
export function plannedProxies(sources: Sources, namespace = 'default'): Proxies {
  const { pilot, instances, originOf } = planFiles(sources, namespace);
  const named = instances.map(({ name, namespace: own, workload, role }) => ({
    ...{ name, namespace: own, workload, role },
    envoyAdmin: '',
  }));
  return {
    names: {
      workloads: named.filter(({ role }) => role === 'sidecar'),
      gateways: named.filter(({ role }) => role === 'router'),
    },
    areRunning: false,
    scopeOf: async (name) => {
      const scope = explainProxyScope(name, pilot);
      if (scope === undefined) throw new Error(`${name} was planned but is not connected`);
      return scope;
    },
    configOf: async (name) => (await printProxyConfig(name, pilot, originOf)) ?? {},
  };
}
