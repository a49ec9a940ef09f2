import { gatewayKey } from '../../model/hostname.ts';
import { buildL4Rules, type L4Match, type L4Rule } from '../../model/l4-rule.ts';
import { MESH_GATEWAY } from '../../model/route-rule.ts';
import type { SourceRef } from '../../proxy/ir/source.ts';
import { type Check, refOf } from '../check.ts';
import { gatewaysOf } from '../virtual-services.ts';

/** Rules for TLS and TCP connections that ask, word for word, for what an earlier one takes. */
export const doubleConnectionRules: Check = {
  about: 'rules for connections that an earlier one hides',
  *run(mesh) {
    const first = new Map<string, SourceRef>();
    for (const object of mesh.of('VirtualService')) {
      const { namespace } = object.metadata;
      const { tls, tcp } = buildL4Rules(object, mesh.clusterDomain, (gateway) => gatewayKey(gateway, namespace));
      const hidden = new Map<SourceRef, SourceRef>();
      const look = (rules: readonly L4Rule[], gateway: string, host: string) => {
        for (const match of rules.flatMap(({ matches }) => matches)) {
          if (match.gateways !== undefined && !match.gateways.includes(gateway)) continue;
          for (const key of keysOf(match)) {
            const place = `${gateway} ${host} ${key}`;
            const earlier = first.get(place);
            if (earlier === undefined) first.set(place, match.source);
            else hidden.set(match.source, earlier);
          }
        }
      };
      for (const gateway of gatewaysOf(object)) {
        // A server name is for one rule of a gateway, whichever hosts its VirtualService has.
        if (gateway !== MESH_GATEWAY) look(tls, gateway, '');
        for (const host of object.spec.hosts ?? []) {
          look(tcp, gateway, mesh.resolve(host, namespace));
          if (gateway === MESH_GATEWAY) look(tls, gateway, mesh.resolve(host, namespace));
        }
      }
      for (const [{ path = '' }, earlier] of hidden) {
        const message = `never holds: ${earlier.namespace}/${earlier.name} ${earlier.path} takes the same connections`;
        yield { code: 'LAT0597', object: refOf(object), path, message };
      }
    }
  },
};

/** One for each server name. */
function keysOf({ sniHosts = [''], gateways: _, source: __, ...conditions }: L4Match): string[] {
  const rest = JSON.stringify(Object.entries(conditions).sort(([a], [b]) => (a < b ? -1 : 1)));
  return sniHosts.map((name) => `${name} ${rest}`);
}
