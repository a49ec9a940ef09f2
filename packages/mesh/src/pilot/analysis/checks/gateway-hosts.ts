import type { Gateway } from '@lateen/api/kinds.ts';
import { intersectHosts } from '../../model/hostname.ts';
import { isVisible } from '../../model/visibility.ts';
import { type Check, refOf } from '../check.ts';
import { gatewaysOf, MESH } from '../virtual-services.ts';

/** A Gateway serves only the hosts that it lists, to the namespaces that it lists them for. */
export const gatewayHosts: Check = {
  about: 'hosts that the Gateway of a VirtualService does not serve',
  *run(mesh) {
    for (const object of mesh.of('VirtualService')) {
      const { namespace } = object.metadata;
      const keys = gatewaysOf(object);
      const served: string[] = [];
      let known = 0;
      for (const key of keys) {
        const [gatewayNamespace = '', name = ''] = key.split('/');
        const gateway = key === MESH ? undefined : mesh.get('Gateway', gatewayNamespace, name);
        if (gateway === undefined) continue;
        if (isVisible(mesh.visibilityOf(object), gatewayNamespace)) {
          known++;
          served.push(...servedHosts(gateway, namespace));
          continue;
        }
        yield {
          code: 'LAT0609',
          object: refOf(object),
          path: 'spec.exportTo',
          message: `the Gateway ${key} does not see these rules: exportTo leaves its namespace out`,
        };
      }
      // Where a Gateway is missing, nobody knows what it would serve.
      if (known === 0 || known < keys.filter((key) => key !== MESH).length) continue;
      for (const [index, host] of (object.spec.hosts ?? []).entries()) {
        const resolved = mesh.resolve(host, namespace);
        if (served.some((each) => intersectHosts(each, resolved) !== undefined)) continue;
        // Sidecars serve it.
        if (keys.includes(MESH) && mesh.services.under(resolved).length > 0) continue;
        const what = served.length === 0 ? 'nothing' : [...new Set(served)].join(', ');
        const who = known === 1 ? 'the Gateway serves' : 'the Gateways serve';
        yield {
          code: 'LAT0609',
          object: refOf(object),
          path: `spec.hosts[${index}]`,
          message: `nobody serves ${resolved} by these rules: to the namespace ${namespace}, ${who} ${what}`,
        };
      }
    }
  },
};

/** Hosts that the Gateway serves with rules of the namespace. */
function servedHosts({ metadata, spec }: Gateway, namespace: string): string[] {
  const hosts = spec.servers.flatMap((server) =>
    server.hosts.flatMap((host) => {
      const slash = host.indexOf('/');
      if (slash === -1) return [host];
      const from = host.slice(0, slash);
      const isFor = from === '*' || from === namespace || (from === '.' && metadata.namespace === namespace);
      return isFor ? [host.slice(slash + 1)] : [];
    }),
  );
  return [...new Set(hosts)];
}
