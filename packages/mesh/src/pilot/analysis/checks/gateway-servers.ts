import type { Gateway } from '@lateen/api/kinds.ts';
import { intersectHosts } from '../../model/hostname.ts';
import { type Check, groupBy, type Problem, refOf, titleOf } from '../check.ts';
import type { MeshView } from '../mesh-view.ts';

type Server = Gateway['spec']['servers'][number];

interface Placed {
  readonly gateway: Gateway;
  readonly server: Server;
  readonly index: number;
}

/** Servers of different Gateways that meet at one port of one gateway proxy. */
export const gatewayServers: Check = {
  about: 'Gateways that want the same port for different things',
  *run(mesh) {
    const told = new Set<string>();
    const byProxyPort = groupBy(placedServers(mesh), (placed) =>
      proxiesOf(placed.gateway, mesh).map((proxy) => `${proxy} ${placed.server.port.number} ${bindOf(placed.server)}`),
    );
    for (const servers of byProxyPort.values()) {
      const byHost = new Map<string, Placed>();
      const [first] = servers;
      for (const placed of servers) {
        for (const problem of first === undefined ? [] : conflicts(first, placed, byHost)) {
          const key = `${problem.code} ${titleOf(problem.object)} ${problem.path}`;
          if (told.has(key)) continue;
          told.add(key);
          yield problem;
        }
      }
    }
  },
};

function* conflicts(first: Placed, placed: Placed, byHost: Map<string, Placed>): Generator<Problem> {
  const { gateway, server, index } = placed;
  const port = server.port.number;
  if (layerOf(first.server) !== layerOf(server)) {
    yield {
      code: 'LAT0631',
      object: refOf(gateway),
      path: `spec.servers[${index}].port.protocol`,
      message: `${serverName(first, gateway)} opens port ${port} of the same gateway for ${first.server.port.protocol}, so this server, for ${server.port.protocol}, cannot have it`,
    };
    return;
  }
  for (const [at, host] of server.hosts.entries()) {
    const key = `${layerOf(server)} ${host.includes('/') ? host.slice(host.indexOf('/') + 1) : host}`;
    const other = byHost.get(key);
    if (other === undefined) {
      byHost.set(key, placed);
    } else if (other.gateway !== gateway || other.index !== index) {
      // Of plain HTTP the servers are one; TLS has to choose one certificate.
      if (layerOf(server) !== 'TLS' || JSON.stringify(other.server.tls) === JSON.stringify(server.tls)) continue;
      yield {
        code: 'LAT0632',
        object: refOf(gateway),
        path: `spec.servers[${index}].hosts[${at}]`,
        message: `${serverName(other, gateway)} serves ${host} at port ${port} of the same gateway with other TLS settings, and counts first`,
      };
    }
  }
}

/** What a listener has to be for the server: one port cannot be two of them. */
function layerOf({ port: { protocol } }: Server): 'HTTP' | 'TLS' | 'TCP' {
  if (protocol === 'HTTPS' || protocol === 'TLS') return 'TLS';
  return protocol === 'TCP' || protocol === 'MONGO' ? 'TCP' : 'HTTP';
}

function bindOf({ bind = '' }: Server): string {
  return bind === '0.0.0.0' || bind === '::' ? '' : bind;
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
