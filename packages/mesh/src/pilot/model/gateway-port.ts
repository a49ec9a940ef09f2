import { type GatewayServer, isPlainHttp } from './gateway.ts';

/** A server of a Gateway that a proxy serves. */
export interface AttachedServer extends GatewayServer {
  /** `NAMESPACE/NAME` of the Gateway. */
  readonly gateway: string;
}

/** All servers that share a port, and the address that it is opened on. */
export interface GatewayPort {
  readonly port: number;
  readonly bind?: string;
  readonly kind: ServerKind;
  readonly servers: readonly SharedServer[];
}

export interface SharedServer {
  readonly server: AttachedServer;
  /** Servers of other Gateways for some of its hosts (and only these are in `hosts`), which meet TLS just as it does. */
  readonly sharedBy: readonly AttachedServer[];
}

/** A server that is not served, or for some hosts not, because another one has the port, or the hosts, already. */
export interface ServerConflict {
  readonly server: AttachedServer;
  readonly with: AttachedServer;
  /** Hosts that both have; absent: they are of different kinds. */
  readonly hosts?: readonly string[];
}

export interface GroupedServers {
  readonly ports: readonly GatewayPort[];
  readonly conflicts: readonly ServerConflict[];
}

/** What a port can be for: plain HTTP, told apart by host; TLS, told apart by server name; TCP or UDP, not told apart. */
export type ServerKind = 'http' | 'tls' | 'tcp' | 'udp';

export function kindOf({ protocol, tls }: GatewayServer): ServerKind {
  if (isPlainHttp(protocol)) return 'http';
  if (protocol === 'UDP') return 'udp';
  return tls === undefined ? 'tcp' : 'tls';
}

/**
 * Servers by port. The first decides what the port is for, and those of another kind are left out. Of servers with TLS for
 * one host the first one has it, as a connection can go to one of them only; those that meet TLS just as it does share it.
 *
 * @param servers in the order in which they are preferred
 */
export function groupServers(servers: readonly AttachedServer[]): GroupedServers {
  const conflicts: ServerConflict[] = [];
  const byPort = new Map<string, SharedServer[]>();
  for (const server of servers) {
    // UDP has ports of its own.
    const key = `${server.port} ${server.bind ?? ''} ${server.protocol === 'UDP'}`;
    const others = byPort.get(key) ?? [];
    byPort.set(key, others);
    const [first] = others;
    if (first !== undefined && kindOf(first.server) !== kindOf(server)) {
      conflicts.push({ server, with: first.server });
      continue;
    }
    if (kindOf(server) === 'tls') conflicts.push(...addTlsServer(others, server));
    else others.push({ server, sharedBy: [] });
  }
  const ports = [...byPort.values()].flatMap((group): GatewayPort[] => {
    const [first] = group;
    if (first === undefined) return [];
    const { port, bind } = first.server;
    return [{ port, ...(bind === undefined ? {} : { bind }), kind: kindOf(first.server), servers: group }];
  });
  return { ports: ports.sort(byPortAndBind), conflicts };
}

function addTlsServer(others: SharedServer[], server: AttachedServer): ServerConflict[] {
  const conflicts: ServerConflict[] = [];
  let { hosts } = server;
  for (const [index, other] of others.entries()) {
    const taken = new Set(other.server.hosts.map(({ host }) => host));
    const shared = hosts.filter(({ host }) => taken.has(host));
    if (shared.length === 0) continue;
    hosts = hosts.filter(({ host }) => !taken.has(host));
    if (!meetTlsAlike(other.server, server)) {
      conflicts.push({ server, with: other.server, hosts: [...new Set(shared.map(({ host }) => host))] });
      continue;
    }
    others[index] = { ...other, sharedBy: [...other.sharedBy, { ...server, hosts: shared }] };
  }
  if (hosts.length > 0) others.push({ server: { ...server, hosts }, sharedBy: [] });
  return conflicts;
}

/** Where they are written makes no difference. */
function meetTlsAlike(a: AttachedServer, b: AttachedServer): boolean {
  const essence = ({ protocol, tls, http3 }: AttachedServer) => {
    if (tls?.type !== 'terminate') return [protocol, tls, http3];
    const { minVersion = '1.2', maxVersion = '1.3', cipherSuites = [] } = tls.parameters;
    return [protocol, tls.certificates, tls.clients, minVersion, maxVersion, cipherSuites, http3];
  };
  return JSON.stringify(essence(a)) === JSON.stringify(essence(b));
}

function byPortAndBind(a: GatewayPort, b: GatewayPort): number {
  return a.port - b.port || ((a.bind ?? '') < (b.bind ?? '') ? -1 : 1);
}
