import type { Gateway } from '@lateen/api/kinds.ts';
import { intersectHosts } from '../../model/hostname.ts';
import { type Check, groupBy, refOf, titleOf } from '../check.ts';
import type { MeshView } from '../mesh-view.ts';

type Server = Gateway['spec']['servers'][number];

interface Placed {
  readonly gateway: Gateway;
  readonly server: Server;
  readonly index: number;
}

/** Gateways for which no VirtualService has rules answer with 404 only. */
export const unusedGateways: Check = {
  about: 'Gateways without rules',
  needsAll: true,
  *run(mesh) {
    const hosts = groupBy(mesh.of('VirtualService'), ({ metadata, spec }) =>
      (spec.gateways ?? []).map((gateway) => (gateway.includes('/') ? gateway : `${metadata.namespace}/${gateway}`)),
    );
    for (const gateway of mesh.of('Gateway')) {
      const { namespace, name } = gateway.metadata;
      const needsRules = gateway.spec.servers.some(
        ({ tls }) => tls?.httpsRedirect !== true && tls?.mode !== 'AUTO_PASSTHROUGH',
      );
      if (!needsRules || hosts.has(`${namespace}/${name}`)) continue;
      const message = 'no VirtualService names this Gateway, so it answers every request with 404';
      yield { code: 'LAT0634', object: refOf(gateway), message };
    }
  },
};

/** Browsers use one connection for all hosts of a certificate. */
export const sharedCertificates: Check = {
  about: 'certificates that several servers share',
  *run(mesh) {
    const byCredential = groupBy(placedServers(mesh), ({ gateway, server }) =>
      server.tls?.credentialName === undefined || server.port.protocol !== 'HTTPS'
        ? []
        : proxiesOf(gateway, mesh).map((proxy) => `${proxy} ${server.port.number} ${server.tls?.credentialName}`),
    );
    const told = new Set<string>();
    for (const servers of byCredential.values()) {
      const [first, ...others] = servers;
      for (const placed of others) {
        const { gateway, server, index } = placed;
        const key = `${titleOf(refOf(gateway))} ${index}`;
        const same = first === undefined || gateway === first.gateway || overlaps(first.server, server);
        if (first === undefined || same || told.has(key)) continue;
        told.add(key);
        yield {
          code: 'LAT0635',
          object: refOf(gateway),
          path: `spec.servers[${index}].tls.credentialName`,
          message: `${serverName(first, gateway)} has the same certificate: a browser may send requests for these hosts on its connection to the others, which are answered with 421 and sent again`,
        };
      }
    }
  },
};

function overlaps(a: Server, b: Server): boolean {
  return a.hosts.some((host) => b.hosts.some((other) => intersectHosts(bare(host), bare(other)) !== undefined));
}

function bare(host: string): string {
  return host.slice(host.indexOf('/') + 1);
}

function serverName({ gateway, index }: Placed, reader: Gateway): string {
  return gateway === reader ? `servers[${index}]` : `servers[${index}] of ${titleOf(refOf(gateway))}`;
}

function* placedServers(mesh: MeshView): Generator<Placed> {
  for (const gateway of mesh.of('Gateway')) {
    for (const [index, server] of gateway.spec.servers.entries()) yield { gateway, server, index };
  }
}

function proxiesOf({ spec }: Gateway, mesh: MeshView): string[] {
  return mesh.workloads
    .selected(spec.selector ?? {})
    .filter(({ isGateway }) => isGateway)
    .map(({ ref }) => `${ref.namespace}/${ref.name}`);
}
