import type { VirtualService } from '@lateen/api/kinds.ts';
import { isVisible } from '../../model/visibility.ts';
import { type Check, groupBy, refOf, titleOf } from '../check.ts';
import type { MeshView } from '../mesh-view.ts';
import { gatewaysOf, MESH } from '../virtual-services.ts';

/** Several VirtualServices for one host: their rules are tried one after the other. */
export const mergedHosts: Check = {
  about: 'hosts with several VirtualServices',
  *run(mesh) {
    const told = new Set<string>();
    // Rules for connections become filter chains, of which the narrowest counts.
    const withRules = mesh.of('VirtualService').filter(({ spec }) => (spec.http ?? []).length > 0);
    const byPlace = groupBy(withRules, (object) =>
      gatewaysOf(object).flatMap((gateway) =>
        (object.spec.hosts ?? []).map((host) => `${gateway} ${mesh.resolve(host, object.metadata.namespace)}`),
      ),
    );
    for (const [place, owners] of byPlace) {
      if (owners.length < 2) continue;
      const [gateway = '', host = ''] = place.split(' ');
      for (const [index, owner] of owners.entries()) {
        const earlier = owners.slice(Math.max(0, index - 5), index).filter((each) => sharesReaders(each, owner, mesh));
        const key = `${host} ${titleOf(refOf(owner))}`;
        if (earlier.length === 0 || told.has(key)) continue;
        told.add(key);
        const names = earlier.map((each) => titleOf(refOf(each))).join(', ');
        const where = gateway === MESH ? '' : ` at the Gateway ${gateway}`;
        yield {
          code: 'LAT0605',
          object: refOf(owner),
          path: 'spec.hosts',
          message: `${names} ${earlier.length === 1 ? 'has' : 'have'} rules for ${host}${where}, too: those are tried before these, and rules for every request last`,
        };
      }
    }
  },
};

/** Whether some namespace sees both. */
function sharesReaders(a: VirtualService, b: VirtualService, mesh: MeshView): boolean {
  const [left, right] = [mesh.visibilityOf(a), mesh.visibilityOf(b)];
  if (left === 'all') return right === 'all' || right.length > 0;
  return right === 'all' ? left.length > 0 : left.some((namespace) => isVisible(right, namespace));
}
